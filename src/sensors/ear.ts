import type { Clock } from "../core/clock.ts";
import { type AppError, isAppError, toAppError } from "../core/errors.ts";
import type { EventBus } from "../core/event-bus.ts";
import { frameLevel } from "./audio-level.ts";
import { type EndpointPolicy, type EndpointState, endpoint, INITIAL_ENDPOINT } from "./endpointer.ts";
import type { HearingEngines } from "./hearing-engines.ts";
import { CLOSED_GATE, levelGate, OPEN_GATE } from "./level-gate.ts";
import type { ListenerEvents, WakeSource } from "./listener-events.ts";
import { type AudioFrame, FRAME_MS, type Utterance } from "./ports.ts";
import { PreRoll } from "./pre-roll.ts";

/** After the last speech frame the wake detector hears this much more, since phrases have gaps. */
const WAKE_HOLD_FRAMES = 25;

/** Speech that goes on without a gap behind the wake phrase and ends this soon is the phrase's own end. */
const PHRASE_END_FRAMES = Math.round(250 / FRAME_MS);
/** A pause between phrase and command is longer. */
const GAP_FRAMES = 4;

export interface EarOptions {
  readonly engines: HearingEngines;
  readonly policy: EndpointPolicy;
  /** Audio before the first speech frame that belongs to the utterance: the detector fires 100-250 ms late. */
  readonly preRollMs: number;
  readonly clock: Clock;
  readonly events: EventBus<ListenerEvents>;
}

interface Capture {
  endpoint: EndpointState;
  utterance: Utterance | null;
  frames: number;
  lastSpeechAtMs: number;
  /** Begun by the wake phrase, whose own end may still be heard. */
  readonly isBehindPhrase: boolean;
  /** Frames since it began, and of these until the first and the last with speech. */
  heard: number;
  firstSpeech: number;
  lastSpeech: number;
}

/**
 * Turns frames into wakes and utterances.
 *
 * INVARIANTS: `accept` is never called while an earlier call is pending. A wake asked for in between takes effect at
 * the next frame, from where the pre-roll makes up for it. At most one transcript is awaited; a newer wake drops it.
 */
export class Ear {
  readonly #options: EarOptions;
  readonly #recent: PreRoll;
  /** From shortly before the wake phrase was recognised, while its end is still being spoken; null otherwise. */
  #phraseFrames: AudioFrame[] | null = null;
  #capture: Capture | null = null;
  #gate = CLOSED_GATE;
  #isGateOpen = false;
  #wakeHold = 0;
  #isWakeRequested = false;
  #isDropRequested = false;
  #awaited: symbol | null = null;

  constructor(options: EarOptions) {
    this.#options = options;
    this.#recent = new PreRoll(options.preRollMs + options.policy.startFrames * FRAME_MS);
  }

  get isCapturing(): boolean {
    if (this.#isWakeRequested) return true;
    return (this.#capture !== null || this.#phraseFrames !== null) && !this.#isDropRequested;
  }

  /** Begins an utterance, unless one is being spoken already. */
  wake(by: WakeSource): void {
    const { events, clock } = this.#options;
    this.#awaited = null;
    const isBusy = this.#capture?.utterance != null || this.#phraseFrames !== null;
    if (!isBusy || this.#isDropRequested) this.#isWakeRequested = true;
    events.emit("wake", { by, atMs: clock.monotonicMs() });
  }

  /** Forgets the utterance and any transcript still to come; no event follows. */
  drop(): void {
    this.#awaited = null;
    this.#isWakeRequested = false;
    this.#isDropRequested = true;
  }

  /** @throws AppError when an engine fails for good (its worker died). */
  async accept(frame: AudioFrame): Promise<void> {
    this.#applyRequests();
    await this.#take(frame);
  }

  /** Releases what a running utterance holds. */
  close(): void {
    this.drop();
    this.#applyRequests();
  }

  #applyRequests(): void {
    if (this.#isDropRequested) this.#endCapture();
    if (this.#isWakeRequested) this.#beginCapture("button");
  }

  async #take(frame: AudioFrame): Promise<void> {
    this.#recent.push(frame);
    if (this.#capture !== null) await this.#listen(this.#capture, frame);
    else if (this.#phraseFrames !== null) await this.#awaitPhraseEnd(this.#phraseFrames, frame);
    else await this.#waitForWake(frame);
  }

  async #waitForWake(frame: AudioFrame): Promise<void> {
    const { vad, wake } = this.#options.engines;
    const isSpeech = this.#passesGate(frame) && (await vad.isSpeech(frame));
    if (wake === null) return;
    if (isSpeech && this.#wakeHold === 0) {
      for (const earlier of this.#recent.newest().slice(0, -1)) void wake.accept(earlier).catch(() => {});
    }
    const wasListening = this.#wakeHold > 0;
    this.#wakeHold = isSpeech ? WAKE_HOLD_FRAMES : Math.max(0, this.#wakeHold - 1);
    if (this.#wakeHold === 0) {
      if (wasListening) wake.reset();
      return;
    }
    const hit = await wake.accept(frame);
    if (hit?.event !== "recognised") return;
    this.#phraseFrames = [...this.#recent.newest()];
    this.wake("phrase");
  }

  async #awaitPhraseEnd(heard: AudioFrame[], frame: AudioFrame): Promise<void> {
    heard.push(frame);
    const hit = await this.#options.engines.wake?.accept(frame);
    if (hit?.event !== "ended" || this.#isDropRequested) return;
    // the phrase itself must not reach the recogniser, what followed it must
    const behind = Math.min(heard.length, Math.floor(hit.endedMsAgo / FRAME_MS));
    this.#recent.drain();
    this.#beginCapture("phrase");
    for (const later of heard.slice(heard.length - behind)) await this.#take(later);
  }

  #passesGate(frame: AudioFrame): boolean {
    const { gate, isOpen } = levelGate(this.#gate, frameLevel(frame).rms);
    this.#gate = gate;
    if (isOpen && !this.#isGateOpen) {
      // the detector is recurrent: let it hear how the room sounded just before
      for (const earlier of this.#recent.newest().slice(0, -1)) {
        void this.#options.engines.vad.isSpeech(earlier).catch(() => {});
      }
    }
    this.#isGateOpen = isOpen;
    return isOpen;
  }

  async #listen(capture: Capture, frame: AudioFrame): Promise<void> {
    const { engines, policy, events, clock } = this.#options;
    const isSpeech = await engines.vad.isSpeech(frame);
    const nowMs = clock.monotonicMs();
    capture.heard += 1;
    if (isSpeech) {
      capture.lastSpeechAtMs = nowMs;
      capture.lastSpeech = capture.heard;
      capture.firstSpeech ||= capture.heard;
    }
    const step = endpoint(capture.endpoint, isSpeech, policy);
    capture.endpoint = step.state;
    if (step.event === "speech_started") {
      capture.utterance = engines.stt.begin();
      for (const earlier of this.#recent.drain()) this.#give(capture, earlier);
      events.emit("speech_started", { atMs: nowMs });
    } else if (capture.utterance !== null) {
      this.#give(capture, frame);
    }
    if (step.event === "no_speech") {
      this.#endCapture();
      events.emit("no_speech", { reason: "silence" });
    } else if (step.event === "speech_ended" && isEndOfPhrase(capture)) {
      this.#beginCapture("button");
    } else if (step.event === "speech_ended" || step.event === "speech_cut") {
      this.#finish(capture, nowMs, step.event === "speech_cut");
    }
  }

  #give(capture: Capture, frame: AudioFrame): void {
    capture.utterance?.accept(frame);
    capture.frames++;
  }

  #finish(capture: Capture, nowMs: number, isCut: boolean): void {
    const { events, clock } = this.#options;
    const { utterance, lastSpeechAtMs, frames } = capture;
    if (utterance === null) return;
    capture.utterance = null;
    this.#endCapture();
    const ticket = Symbol("utterance");
    this.#awaited = ticket;
    const result = utterance.finish();
    events.emit("speech_ended", { atMs: lastSpeechAtMs, decidedAtMs: nowMs, isCut });
    result.then(
      ({ text, confidence, voice = null }) => {
        if (this.#awaited !== ticket) return;
        this.#awaited = null;
        if (text === "") return events.emit("no_speech", { reason: "not_understood" });
        const sttMs = clock.monotonicMs() - nowMs;
        const audioMs = frames * FRAME_MS;
        events.emit("transcript", { text, confidence, voice, audioMs, sttMs, endedAtMs: lastSpeechAtMs });
      },
      (error: unknown) => this.#reportFailure(ticket, error),
    );
  }

  #reportFailure(ticket: symbol, error: unknown): void {
    if (this.#awaited !== ticket || isAppError(error, "E_ABORTED")) return;
    this.#awaited = null;
    const failure: AppError = toAppError(error, "E_STT_FAILED", "speech recognition failed");
    this.#options.events.emit("stt_failed", { error: failure });
  }

  #beginCapture(by: WakeSource): void {
    this.#isWakeRequested = false;
    this.#endCapture();
    const counts = { frames: 0, lastSpeechAtMs: 0, heard: 0, firstSpeech: 0, lastSpeech: 0 };
    this.#capture = { endpoint: INITIAL_ENDPOINT, utterance: null, isBehindPhrase: by === "phrase", ...counts };
  }

  #endCapture(): void {
    const { vad, wake } = this.#options.engines;
    this.#isDropRequested = false;
    this.#capture?.utterance?.cancel();
    this.#capture = null;
    this.#phraseFrames = null;
    this.#wakeHold = 0;
    this.#gate = OPEN_GATE;
    this.#isGateOpen = true;
    vad.reset();
    wake?.reset();
  }
}

/** Nobody has said anything behind the phrase yet: what was recognised would be a word that was never a command. */
function isEndOfPhrase({ isBehindPhrase, firstSpeech, lastSpeech }: Capture): boolean {
  return isBehindPhrase && firstSpeech <= GAP_FRAMES && lastSpeech <= PHRASE_END_FRAMES;
}
