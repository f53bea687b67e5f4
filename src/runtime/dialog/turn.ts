import type { Clock } from "../../core/clock.ts";
import { type AppError, toAppError } from "../../core/errors.ts";
import type { Domain, Modality, Profile, SignalKind } from "../../profile/ports.ts";
import type { SpeechReport } from "../output/speaker.ts";
import { GUEST_TIMED_OUT, NO_MODEL, NOT_ANSWERING, TURN_FAILED } from "./acknowledgements.ts";
import { type AnsweringConfig, type AnsweringDeps, type GeneratedAnswer, generateAnswer } from "./answering.ts";
import { carryOut, type InstructionWorld, learnStatements } from "./instructions.ts";
import type { PhaseTracker } from "./phase.ts";
import type { SpokenAnswer, Voice } from "./ports.ts";
import { intentOf, needsNoAnswer } from "./turn-intent.ts";
import { stageTimes, type TurnReport } from "./turn-report.ts";

export interface TurnRequest {
  readonly text: string;
  readonly modality: Modality;
  /** Monotonic ms: end of speech, or arrival of the text. */
  readonly startMs: number;
  readonly transcriptMs: number;
  /** Whether the answer is spoken. */
  readonly aloud: boolean;
  /** Spoken to the device itself: whoever said it stands there. */
  readonly isAtDevice: boolean;
  onText(piece: string): void;
}

export interface TurnWorld extends AnsweringDeps, InstructionWorld {
  readonly clock: Clock;
  readonly voice: Voice;
  readonly phase: PhaseTracker;
  readonly turn: number;
  readonly answering: AnsweringConfig;
  readonly rephraseWindowMs: number;
  adapterVersion(): string | null;
  /** An answer to this input comes next. */
  beforeAnswer(input: string): Promise<void>;
  /** Once a spoken answer has ended, also when the voice or the output failed. */
  onSpoken(report: SpeechReport): void;
}

/**
 * One turn from text to spoken answer. The signal's reason says why it was cut: `barge_in`, `stop` or `timeout`.
 * Never rejects: what went wrong goes to `onError`, and the user hears an apology.
 */
export async function runTurn(
  world: TurnWorld,
  request: TurnRequest,
  signal: AbortSignal,
  onError: (error: AppError) => void,
): Promise<TurnReport> {
  const run = new TurnRun(world, request, signal);
  try {
    await run.answer();
  } catch (thrown) {
    const error = toAppError(thrown, "E_INTERNAL", "the turn failed");
    onError(error);
    await run.apologise(error);
  }
  return run.report();
}

class TurnRun {
  readonly #world: TurnWorld;
  readonly #request: TurnRequest;
  readonly #signal: AbortSignal;
  readonly #spoken: SpokenAnswer | null;
  #outcome: TurnReport["outcome"] = "answered";
  #answer = "";
  #domain: Domain | null = null;
  #interactionId: string | null = null;
  #generated: GeneratedAnswer | null = null;
  #speech: SpeechReport | null = null;
  #errorCode: string | null = null;

  constructor(world: TurnWorld, request: TurnRequest, signal: AbortSignal) {
    this.#world = world;
    this.#request = request;
    this.#signal = signal;
    this.#spoken = request.aloud ? world.voice.begin(signal, { onFirstAudio: () => this.#enter("speaking") }) : null;
  }

  async answer(): Promise<void> {
    const { memory, conversation, clock, guests } = this.#world;
    const { text, isAtDevice } = this.#request;
    this.#enter("thinking");
    const guest = guests.takeTurn();
    const profile = guest === "none" ? await memory.active() : null;
    const reply = profile === null || !isAtDevice ? null : await this.#world.interview.answer(text, profile);
    if (reply !== null) return this.#acknowledge(reply);
    const previous = conversation.turnsAt(clock.monotonicMs()).at(-1) ?? null;
    const intent = intentOf(text, previous !== null);
    if (profile?.consent.answer === false && !needsNoAnswer(intent)) return this.#acknowledge(NOT_ANSWERING);
    const done = await carryOut(this.#world, intent, text, { profile, previous, isAtDevice });
    if (done.kind === "answered") {
      this.#outcome = "acknowledged";
      this.#say(done.answer);
      if (done.statements.length > 0) await this.#record(profile, text);
      await learnStatements(this.#world, done.statements, profile, this.#interactionId);
    } else {
      // A correction has said already how it relates to the turn before.
      if (intent.kind === "question") await this.#relateTo(previous, done.input);
      await this.#generate(profile, done.input);
      await this.#record(profile, done.input);
      await learnStatements(this.#world, done.statements, profile, this.#interactionId);
    }
    if (guest === "ended" && guests.isOn) await this.#endGuest();
    await this.#finishSpeaking();
    if (this.#signal.aborted && done.kind === "ask") await this.#noteInterruption();
  }

  async #acknowledge(sentence: string): Promise<void> {
    this.#outcome = "acknowledged";
    this.#say(sentence);
    await this.#finishSpeaking();
  }

  async #endGuest(): Promise<void> {
    this.#say(` ${GUEST_TIMED_OUT}`);
    await this.#world.guests.set(false);
  }

  /** Tells the user that it failed; a stop or barge-in needs no words. */
  async apologise(error: AppError): Promise<void> {
    this.#errorCode = error.code;
    this.#outcome = this.#signal.aborted && error.code === "E_ABORTED" ? "stopped" : "failed";
    if (this.#outcome === "stopped") return;
    const words = error.code === "E_MODEL_NOT_READY" ? NO_MODEL : TURN_FAILED;
    if (this.#spoken === null || this.#signal.aborted) return;
    this.#spoken.push(words);
    await this.#finishSpeaking();
  }

  report(): TurnReport {
    const { startMs, transcriptMs } = this.#request;
    return {
      turn: this.#world.turn,
      modality: this.#request.modality,
      outcome: this.#outcome,
      input: this.#request.text,
      answer: this.#answer,
      domain: this.#domain,
      interactionId: this.#interactionId,
      stages: stageTimes({
        startMs,
        transcriptMs,
        contextMs: this.#generated?.contextReadyMs ?? null,
        firstTokenMs: this.#generated?.firstTextMs ?? null,
        firstSentenceMs: this.#speech?.firstSentenceMs ?? null,
        firstSynthesisedMs: this.#speech?.firstSynthesisedMs ?? null,
        firstAudioMs: this.#speech?.firstAudioMs ?? null,
        endMs: this.#world.clock.monotonicMs(),
      }),
      generatedTokens: this.#generated?.generatedTokens ?? 0,
      reusedTokens: this.#generated?.reusedTokens ?? 0,
      recordingPath: this.#speech?.recordingPath ?? null,
      errorCode: this.#errorCode,
    };
  }

  #enter(phase: "thinking" | "speaking"): void {
    if (!this.#signal.aborted) this.#world.phase.enter(phase);
  }

  #say(piece: string): void {
    this.#answer += piece;
    this.#request.onText(piece);
    this.#spoken?.push(piece);
  }

  async #finishSpeaking(): Promise<void> {
    this.#speech = (await this.#spoken?.finish()) ?? null;
    if (this.#speech !== null) this.#world.onSpoken(this.#speech);
  }

  async #generate(profile: Profile | null, input: string): Promise<void> {
    await this.#world.beforeAnswer(input);
    this.#generated = await generateAnswer(
      this.#world,
      this.#world.answering,
      profile,
      input,
      (piece) => this.#say(piece),
      this.#signal,
    );
    if (this.#generated.stopReason === "aborted") this.#outcome = "stopped";
  }

  async #relateTo(previous: { input: string; interactionId: string | null; endedMs: number } | null, input: string) {
    const { clock, memory, rephraseWindowMs } = this.#world;
    if (previous?.interactionId == null || clock.monotonicMs() - previous.endedMs > rephraseWindowMs) return;
    const relation = await memory.relationOf(previous.input, input);
    if (relation === "unrelated") return;
    await this.#signalTo(previous.interactionId, relation);
  }

  async #record(profile: Profile | null, input: string): Promise<void> {
    const { clock, memory, phase } = this.#world;
    if (this.#answer === "") return;
    this.#domain = await memory.domainOf(input);
    if (profile === null) return this.#remember(input);
    const now = new Date(clock.now());
    const outcome = await memory.record({
      profileId: profile.id,
      atMs: now.getTime(),
      modality: this.#request.modality,
      input,
      answer: this.#answer,
      domain: this.#domain,
      context: {
        hour: now.getHours(),
        weekday: now.getDay(),
        boardState: phase.state.phase,
        adapterVersion: this.#world.adapterVersion(),
      },
    });
    this.#interactionId = outcome.kind === "stored" ? outcome.interactionId : null;
    this.#remember(input);
  }

  /** For the present conversation only, in memory. */
  #remember(input: string): void {
    const { clock, conversation } = this.#world;
    conversation.add({
      input,
      answer: this.#answer,
      interactionId: this.#interactionId,
      endedMs: clock.monotonicMs(),
    });
  }

  async #noteInterruption(): Promise<void> {
    this.#outcome = "stopped";
    const reason: unknown = this.#signal.reason;
    if (this.#interactionId === null || (reason !== "barge_in" && reason !== "stop")) return;
    await this.#signalTo(this.#interactionId, reason);
  }

  async #signalTo(interactionId: string, kind: SignalKind): Promise<void> {
    await this.#world.memory.addSignal(interactionId, { kind, atMs: this.#world.clock.now(), correction: null });
    this.#world.onFeedback(kind, interactionId);
  }
}
