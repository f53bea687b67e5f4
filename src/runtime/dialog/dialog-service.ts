import { Mutex } from "async-mutex";
import type { Clock } from "../../core/clock.ts";
import { AppError, isAppError, toAppError } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";
import type { Logger } from "../../core/logger.ts";
import type { ConsentOrigin, ConsentPurpose, FactKind, Modality, SignalKind } from "../../profile/ports.ts";
import type { LanguageModel } from "../ports.ts";
import type { AnsweringConfig, PromptParts } from "./answering.ts";
import type { ConsentConsequence } from "./consent-consequence.ts";
import { type ConsentChange, changeConsent } from "./consent-desk.ts";
import { ConsentInterview } from "./consent-interview.ts";
import { Conversation } from "./conversation.ts";
import { GuestMode } from "./guest-mode.ts";
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
  /** Asks a person who was never asked, after their first spoken turn, whether it may remember and learn. */
  readonly askConsent: boolean;
  /** Guest mode ends after this long without a turn, minutes. */
  readonly guestMinutes: number;
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
  /** Has learning follow what stands in the consent ledger now. */
  followConsent(): Promise<ConsentConsequence>;
  /** A guest speaks from now on, or no longer. Resolves once no adapter answers, or the profile's does again. */
  onGuest(isGuest: boolean): Promise<void>;
  onSpoken: TurnWorld["onSpoken"];
  model(): LanguageModel | null;
  composePrompt(parts: PromptParts): ReturnType<TurnWorld["composePrompt"]>;
  /** Version of the adapter in use, for the interaction's context. */
  adapterVersion(): string | null;
  /** An answer to this input comes next. */
  beforeAnswer(input: string): Promise<void>;
}

/** For the local socket, MQTT and the LED. `turn` holds user text. */
export interface DialogEvents {
  wake: { readonly by: "button" | "phrase" };
  heard: { readonly text: string; readonly sttMs: number };
  turn: TurnReport;
  feedback: { readonly kind: SignalKind; readonly interactionId: string | null };
  consent: ConsentChange;
  guest: { readonly isOn: boolean };
  learned: { readonly kind: FactKind };
  declined: { readonly reason: "no_speech" | "not_understood" };
}

export interface HeardSpeech {
  readonly text: string;
  /** Monotonic ms at which the speech ended (last speech frame endpointed). */
  readonly endOfSpeechMs: number;
  /** Spoken to the device itself; default true. False for a recording that was handed over. */
  readonly isAtDevice?: boolean;
  /** Whose voice it was, where that can be told; default null. */
  readonly speaker?: "owner" | "stranger" | null;
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
  readonly #interview: ConsentInterview;
  readonly #guests: GuestMode;
  #running: AbortController | null = null;
  #stopping = false;
  #count = 0;

  constructor(deps: DialogDeps, config: DialogConfig) {
    this.#deps = deps;
    this.#config = config;
    this.#conversation = new Conversation(config.historyTurns);
    const { clock, memory } = deps;
    this.#interview = new ConsentInterview({
      clock,
      memory,
      change: (profileId, purpose, granted) => this.setConsent(profileId, purpose, granted, "spoken"),
    });
    this.#guests = new GuestMode({
      clock,
      memory,
      idleMs: config.guestMinutes * 60_000,
      onChange: async (isOn) => {
        this.newConversation();
        await deps.onGuest(isOn);
        this.#bus.emit("guest", { isOn });
      },
    });
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
    this.#interview.end();
    this.#deps.phase.enter("idle");
    this.#bus.emit("declined", { reason });
  }

  /** Somebody reaches for the device: falls silent at once; what they want follows. */
  interrupt(): void {
    this.#running?.abort("barge_in");
  }

  /** An utterance was transcribed. Resolves when its turn is over; never rejects. */
  async heard(
    { text, endOfSpeechMs, isAtDevice = true, speaker = null }: HeardSpeech,
    modality: "voice" | "button",
  ): Promise<void> {
    const nowMs = this.#deps.clock.monotonicMs();
    this.#bus.emit("heard", { text, sttMs: nowMs - endOfSpeechMs });
    if (text === "") {
      this.#deps.phase.enter("idle");
      this.#bus.emit("declined", { reason: "not_understood" });
      return;
    }
    if (speaker !== null) await this.#guests.follow(speaker);
    const aloud = { aloud: true, isAtDevice, onText: () => {} };
    await this.#turn({ text, modality, startMs: endOfSpeechMs, transcriptMs: nowMs, ...aloud });
    if (isAtDevice) await this.#goOnAsking();
  }

  /** Asks for consent after a person's first spoken turn, and listens for the answer to whatever was asked. */
  async #goOnAsking(): Promise<void> {
    const { memory, phase, ears } = this.#deps;
    if (!this.#interview.isWaiting && this.#config.askConsent && !this.#guests.isOn && phase.state.phase === "idle") {
      const { id, consent } = await memory.active();
      const question = consent.answer ? await this.#interview.due(id) : null;
      if (question !== null) await this.#announce(question);
    }
    if (!this.#interview.isWaiting || this.#stopping || phase.state.phase === "listening") return;
    phase.enter("listening");
    ears.wake();
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
    const heard = { text, modality: "text" as Modality, isAtDevice: false, startMs: nowMs, transcriptMs: nowMs };
    const request = { ...heard, ...options };
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

  /**
   * Changes consent, has learning follow, and tells the listeners and whoever stands at the device.
   * @throws AppError E_CONSENT_NEEDS_PRESENCE, E_PROFILE_UNKNOWN.
   */
  setConsent(
    profileId: string,
    purpose: ConsentPurpose,
    granted: boolean,
    origin: ConsentOrigin,
  ): Promise<ConsentConsequence> {
    const desk = {
      memory: this.#deps.memory,
      followConsent: () => this.#deps.followConsent(),
      onChange: (change: ConsentChange) => this.#bus.emit("consent", change),
      announce: (sentence: string) => this.#announceInBackground(sentence),
    };
    return changeConsent(desk, profileId, purpose, granted, origin);
  }

  /** True while a guest speaks: nothing is stored, and nothing of a profile is used. */
  get isGuest(): boolean {
    return this.#guests.isOn;
  }

  /** Turns guest mode on or off. */
  setGuest(isGuest: boolean): Promise<void> {
    return this.#guests.set(isGuest);
  }

  /** Takes up guest mode as it stood before a restart. */
  start(): Promise<void> {
    return this.#guests.load();
  }

  /** Forgets the conversation, e.g. when another profile becomes active. */
  newConversation(): void {
    this.#conversation.clear();
    this.#interview.end();
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

  #announceInBackground(sentence: string): void {
    this.#announce(sentence).catch((error: unknown) =>
      this.#deps.log.error({ err: String(error) }, "announcement failed"),
    );
  }

  /** Says something that nobody asked for in this turn; a wake silences it like any answer. */
  #announce(sentence: string): Promise<void> {
    return this.#turns.runExclusive(async () => {
      const controller = new AbortController();
      this.#running = controller;
      try {
        const { voice, phase } = this.#deps;
        const speech = voice.begin(controller.signal, { onFirstAudio: () => phase.enter("speaking") });
        speech.push(sentence);
        this.#deps.onSpoken(await speech.finish());
      } finally {
        this.#running = null;
        if (this.#deps.phase.state.phase === "speaking") this.#deps.phase.enter("idle");
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
        changeConsent: (...change) => this.setConsent(...change),
        interview: this.#interview,
        guests: this.#guests,
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
