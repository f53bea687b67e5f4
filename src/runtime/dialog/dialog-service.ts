import { Mutex } from "async-mutex";
import type { Clock } from "../../core/clock.ts";
import { AppError, isAppError, toAppError } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";
import type { Logger } from "../../core/logger.ts";
import type { ConsentOrigin, ConsentPurpose, FactKind, Modality, SignalKind } from "../../profile/ports.ts";
import type { LanguageModel } from "../ports.ts";
import type { AnsweringConfig, PromptParts } from "./answering.ts";
import { Conversation } from "./conversation.ts";
import type { PhaseTracker } from "./phase.ts";
import type { Ears, Memory, Voice } from "./ports.ts";
import type { PresenceGate } from "./presence.ts";
import { runTurn, type TurnRequest, type TurnWorld } from "./turn.ts";
import type { TurnReport } from "./turn-report.ts";

export interface DialogConfig extends AnsweringConfig {
  readonly feedbackWindowMs: number;
  readonly rephraseWindowMs: number;
  readonly historyTurns: number;
  readonly turnTimeoutMs: number;
}

export interface DialogDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: Memory;
  readonly voice: Voice;
  readonly ears: Ears;
  readonly phase: PhaseTracker;
  readonly presence: PresenceGate;
  forgetProfile(profileId: string): Promise<void>;
  onSpoken: TurnWorld["onSpoken"];
  model(): LanguageModel | null;
  composePrompt(parts: PromptParts): ReturnType<TurnWorld["composePrompt"]>;
  /** Version of the adapter in use, for the interaction's context. */
  adapterVersion(): string | null;
}

/** For the local socket, MQTT and the LED. `turn` holds user text. */
export interface DialogEvents {
  wake: { readonly by: "button" | "phrase" };
  heard: { readonly text: string; readonly sttMs: number };
  turn: TurnReport;
  feedback: { readonly kind: SignalKind; readonly interactionId: string | null };
  consent: { readonly purpose: ConsentPurpose; readonly granted: boolean };
  learned: { readonly kind: FactKind };
  declined: { readonly reason: "no_speech" | "not_understood" };
}

export interface HeardSpeech {
  readonly text: string;
  /** Monotonic ms at which the speech ended (last speech frame endpointed). */
  readonly endOfSpeechMs: number;
}

/**
 * The conversation: wakes, turns, barge-in and feedback.
 *
 * INVARIANTS: at most one turn runs (mutex); a wake aborts the running turn before anything else, so that capture never
 * competes with it; feedback by button refers to the last answer, within the feedback window.
 */
export class DialogService {
  readonly #deps: DialogDeps;
  readonly #config: DialogConfig;
  readonly #bus: EventBus<DialogEvents>;
  readonly #turns = new Mutex();
  readonly #conversation: Conversation;
  #running: AbortController | null = null;
  #stopping = false;
  #count = 0;

  constructor(deps: DialogDeps, config: DialogConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#conversation = new Conversation(config.historyTurns);
    this.#bus = new EventBus((event, error) =>
      deps.log.error({ event: String(event), err: String(error) }, "dialog listener failed"),
    );
  }

  on<K extends keyof DialogEvents>(event: K, handler: (payload: DialogEvents[K]) => void): () => void {
    return this.#bus.on(event, handler);
  }

  /** Somebody wants to speak: stop talking and listen. For the wake phrase the ears capture already. */
  wake(by: "button" | "phrase"): void {
    this.#running?.abort("barge_in");
    this.#bus.emit("wake", { by });
    this.#deps.phase.enter("listening");
    if (by === "button") this.#deps.ears.wake();
  }

  /** The ears gave up: nobody spoke, or it was not speech. Does nothing when nobody was listened to. */
  heardNothing(reason: DialogEvents["declined"]["reason"]): void {
    if (this.#deps.phase.state.phase !== "listening") return;
    this.#deps.phase.enter("idle");
    this.#bus.emit("declined", { reason });
  }

  /** Somebody reaches for the device: falls silent at once; what they want follows. */
  interrupt(): void {
    this.#running?.abort("barge_in");
  }

  /** An utterance was transcribed. Resolves when its turn is over; never rejects. */
  async heard({ text, endOfSpeechMs }: HeardSpeech, modality: "voice" | "button"): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#bus.emit("heard", { text, sttMs: nowMs - endOfSpeechMs });
    if (text === "") {
      this.#deps.phase.enter("idle");
      this.#bus.emit("declined", { reason: "not_understood" });
      return;
    }
    await this.#turn({ text, modality, startMs: endOfSpeechMs, transcriptMs: nowMs, aloud: true, onText: () => {} });
  }

  /**
   * A turn by text.
   * @throws AppError E_ABORTED when the caller's signal fires, or the turn's own error code.
   */
  async say(
    text: string,
    options: { readonly aloud: boolean; onText(piece: string): void; readonly signal: AbortSignal },
  ): Promise<TurnReport> {
    const nowMs = this.#deps.clock.monotonicMs();
    const request = { text, modality: "text" as Modality, startMs: nowMs, transcriptMs: nowMs, ...options };
    const report = await this.#turn(request, options.signal);
    if (report.errorCode !== null && report.error !== null) throw report.error;
    return report;
  }

  /** Stops speaking or generating, without listening. Returns whether there was a turn to stop. */
  silence(): boolean {
    const running = this.#running;
    running?.abort("stop");
    return running !== null;
  }

  /**
   * Feedback on the last answer from a button, the CLI or MQTT.
   * @param withinWindow true for buttons: too late is not taken.
   * @throws AppError E_NOTHING_TO_RATE when there is no stored answer to refer to.
   */
  async rate(
    kind: "thumb_up" | "thumb_down" | "correction",
    correction: string | null,
    withinWindow: boolean,
  ): Promise<void> {
    const { clock, memory } = this.#deps;
    const last = this.#conversation.turnsAt(clock.monotonicMs()).at(-1);
    if (last === undefined || (withinWindow && clock.monotonicMs() - last.endedMs > this.#config.feedbackWindowMs)) {
      throw new AppError("E_NOTHING_TO_RATE", "there is no recent answer to rate");
    }
    if (last.interactionId === null) {
      throw new AppError("E_NOTHING_TO_RATE", "the last answer was not stored", {
        hint: "Feedback is kept only after you have allowed storing: say `you may remember what I say`.",
      });
    }
    await memory.addSignal(last.interactionId, { kind, atMs: clock.now(), correction });
    this.#bus.emit("feedback", { kind, interactionId: last.interactionId });
  }

  /** Changes consent and tells the listeners. @throws AppError E_CONSENT_NEEDS_PRESENCE, E_PROFILE_UNKNOWN. */
  async setConsent(profileId: string, purpose: ConsentPurpose, granted: boolean, origin: ConsentOrigin): Promise<void> {
    await this.#deps.memory.setConsent(profileId, purpose, granted, origin);
    this.#bus.emit("consent", { purpose, granted });
  }

  /** Forgets the conversation, e.g. when another profile becomes active. */
  newConversation(): void {
    this.#conversation.clear();
  }

  /** No further turns; aborts the running one and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#running?.abort("stop");
    await this.#turns.waitForUnlock();
  }

  #whenPresent(action: () => Promise<void>, saidAfterwards: string): void {
    const { presence, log } = this.#deps;
    const confirmed = async () => {
      if (!(await presence.ask())) return;
      await action();
      await this.#announce(saidAfterwards);
    };
    confirmed().catch((error: unknown) => log.error({ err: String(error) }, "confirmed action failed"));
  }

  /** Says something that nobody asked for in this turn; a wake silences it like any answer. */
  #announce(sentence: string): Promise<void> {
    return this.#turns.runExclusive(async () => {
      const controller = new AbortController();
      this.#running = controller;
      try {
        const speech = this.#deps.voice.begin(controller.signal, {});
        speech.push(sentence);
        this.#deps.onSpoken(await speech.finish());
      } finally {
        this.#running = null;
      }
    });
  }

  #turn(request: TurnRequest, signal?: AbortSignal): Promise<TurnReport & { readonly error: AppError | null }> {
    return this.#turns.runExclusive(async () => {
      if (this.#stopping || signal?.aborted === true) throw new AppError("E_ABORTED", "the service is stopping");
      const controller = new AbortController();
      const onAbort = () => controller.abort("stop");
      signal?.addEventListener("abort", onAbort, { once: true });
      const cancelTimeout = this.#deps.clock.after(this.#config.turnTimeoutMs, () => controller.abort("timeout"));
      this.#running = controller;
      this.#count += 1;
      const world: TurnWorld = {
        ...this.#deps,
        whenPresent: (action, said) => this.#whenPresent(action, said),
        turn: this.#count,
        conversation: this.#conversation,
        rephraseWindowMs: this.#config.rephraseWindowMs,
        answering: this.#config,
        onFeedback: (kind, interactionId) => this.#bus.emit("feedback", { kind, interactionId }),
        onLearned: (kind) => this.#bus.emit("learned", { kind }),
        onConsent: (purpose, granted) => this.#bus.emit("consent", { purpose, granted }),
      };
      let failure: AppError | null = null;
      try {
        const report = await runTurn(world, request, controller.signal, (error) => {
          failure = isAppError(error) ? error : toAppError(error, "E_INTERNAL", "the turn failed");
          this.#deps.log.error({ code: failure.code, turn: this.#count, err: failure.message }, "turn failed");
        });
        this.#bus.emit("turn", report);
        return { ...report, error: failure };
      } finally {
        cancelTimeout();
        signal?.removeEventListener("abort", onAbort);
        this.#running = null;
        // After a barge-in the device may be listening already.
        if (this.#deps.phase.state.phase !== "listening") this.#deps.phase.enter("idle");
      }
    });
  }
}
