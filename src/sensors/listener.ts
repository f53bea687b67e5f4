import { type Clock, delay } from "../core/clock.ts";
import { AppError, isAppError, toAppError } from "../core/errors.ts";
import { EventBus } from "../core/event-bus.ts";
import type { Logger } from "../core/logger.ts";
import type { Service } from "../core/service.ts";
import { frameLevel } from "./audio-level.ts";
import { Ear } from "./ear.ts";
import type { EndpointPolicy } from "./endpointer.ts";
import type { HearingEngines } from "./hearing-engines.ts";
import { failedEngine, type ListenerEvents } from "./listener-events.ts";
import { INITIAL_HEALTH, microphoneHealth } from "./microphone-health.ts";
import type { AudioFrame, Microphone } from "./ports.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export interface ListenerDeps {
  readonly microphone: Microphone;
  /** Called at start and again after an engine broke; rejects with a coded error when one is missing. */
  openEngines(): Promise<HearingEngines>;
  readonly policy: EndpointPolicy;
  readonly preRollMs: number;
  /** How many times faster than real time the microphone runs; 1 except for the virtual one. */
  readonly microphoneSpeed: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** stopped: not started. no_microphone: waiting to retry. The rest means that audio arrives. */
export type ListenerState = "stopped" | "muted" | "no_microphone" | "waiting" | "capturing";

/** Why a wake came to nothing; `listening` when it did not. */
export type WakeOutcome = "listening" | "muted" | "no_microphone";

/**
 * The ears of the appliance: microphone, wake, utterances, transcripts. A missing microphone or engine is an event and
 * is tried again after 1 s, 2 s, ... 30 s. Muted means that the recorder process does not run.
 */
export class Listener implements Service {
  readonly name = "listener";
  readonly #deps: ListenerDeps;
  readonly #events: EventBus<ListenerEvents>;
  #stopping: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();
  #engines: HearingEngines | null = null;
  #ear: Ear | null = null;
  #isMuted = false;
  /** Replaced with every change of mute; its abort ends the capture or the wait for it. */
  #muteChange = new AbortController();
  #captureEnded: Promise<void> = Promise.resolve();
  #isHearing = false;
  #isLostReported = false;
  #reportedEngineCode = "";

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
    this.#events = new EventBus((event, error) => {
      const failure = toAppError(error, "E_INTERNAL", "a listener handler failed");
      deps.log.error({ event, code: failure.code, err: failure }, "hearing event handler failed");
    });
  }

  /** Returns the unsubscribe function. */
  on<K extends keyof ListenerEvents>(event: K, handler: (payload: ListenerEvents[K]) => void): () => void {
    return this.#events.on(event, handler);
  }

  get state(): ListenerState {
    if (this.#stopping === null) return "stopped";
    if (this.#isMuted) return "muted";
    if (!this.#isHearing || this.#ear === null) return "no_microphone";
    return this.#ear.isCapturing ? "capturing" : "waiting";
  }

  /**
   * Resolves once the engines are open, or have failed to open for the first time (then `engine_failed` was emitted and
   * opening is retried). The microphone is not waited for: `mic_back` or `mic_lost` tells.
   */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new AppError("E_ABORTED", "aborted before hearing was started");
    if (this.#stopping !== null) return;
    const stopping = new AbortController();
    this.#stopping = stopping;
    const firstTry = this.#openEngines().catch((error: unknown) => this.#reportEngine(error));
    const onAbort = () => stopping.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    await firstTry;
    signal.removeEventListener("abort", onAbort);
    this.#running = this.#run(stopping.signal);
    if (signal.aborted) {
      await this.stop();
      throw new AppError("E_ABORTED", "aborted while hearing was starting");
    }
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    await this.#running;
    this.#stopping = null;
    await this.#closeEngines();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Resolves when the recorder process has ended (muted) or capture is being started again. */
  async setMuted(isMuted: boolean): Promise<void> {
    if (isMuted === this.#isMuted) return;
    this.#isMuted = isMuted;
    const previous = this.#muteChange;
    this.#muteChange = new AbortController();
    previous.abort();
    if (isMuted) await this.#captureEnded;
    this.#events.emit("muted", { isMuted });
  }

  /** The talk button: begins an utterance, with what was said just before. During one it changes nothing. */
  wake(): WakeOutcome {
    if (this.#isMuted) return "muted";
    if (this.#ear === null || !this.#isHearing) return "no_microphone";
    this.#ear.wake("button");
    return "listening";
  }

  /** Forgets the current utterance, and its transcript if that is still to come; waits for the next wake. */
  cancelUtterance(): void {
    this.#ear?.drop();
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const change = AbortSignal.any([signal, this.#muteChange.signal]);
      if (this.#isMuted) {
        await aborted(change);
        continue;
      }
      try {
        const engines = this.#engines ?? (await this.#openEngines());
        const capture = this.#capture(engines, change, () => {
          failures = 0;
        });
        this.#captureEnded = capture.catch(() => {});
        await capture;
      } catch (error) {
        if (signal.aborted) break;
        await this.#report(error);
        await delay(this.#deps.clock, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures), change).catch(() => {});
        failures++;
      }
    }
  }

  async #capture(engines: HearingEngines, signal: AbortSignal, onFirstFrame: () => void): Promise<void> {
    const { microphone, clock, policy, preRollMs, microphoneSpeed } = this.#deps;
    const ear = new Ear({ engines, policy, preRollMs, clock, events: this.#events });
    this.#ear = ear;
    let health = INITIAL_HEALTH;
    try {
      for await (const frame of microphone.capture(signal)) {
        if (!this.#isHearing) {
          this.#isHearing = true;
          onFirstFrame();
          this.#reportBack();
        }
        const previous = health.condition;
        health = microphoneHealth(health, frame, clock.monotonicMs(), microphoneSpeed, frameLevel(frame));
        if (health.condition !== previous) this.#reportCondition(health.condition);
        await this.#hear(ear, frame);
      }
    } finally {
      this.#isHearing = false;
      this.#ear = null;
      ear.close();
    }
  }

  async #hear(ear: Ear, frame: AudioFrame): Promise<void> {
    try {
      await ear.accept(frame);
    } catch (error) {
      // engines are only disposed of by stop(): then the frame is of no interest
      if (!isAppError(error, "E_ABORTED")) throw error;
    }
  }

  async #openEngines(): Promise<HearingEngines> {
    const engines = await this.#deps.openEngines();
    this.#engines = engines;
    this.#reportedEngineCode = "";
    if (engines.wakeFailure !== null) this.#emitEngineFailure(engines.wakeFailure);
    if (engines.speakerFailure !== null) this.#emitEngineFailure(engines.speakerFailure);
    this.#events.emit("engines_ready", {
      wakePhrase: engines.wake?.phrase ?? null,
      stt: engines.stt.name,
      hasSpeaker: engines.speakerFailure === null,
    });
    return engines;
  }

  async #closeEngines(): Promise<void> {
    const engines = this.#engines;
    this.#engines = null;
    await engines?.[Symbol.asyncDispose]();
  }

  async #report(error: unknown): Promise<void> {
    const isMicrophone = isAppError(error, "E_MIC_LOST") || isAppError(error, "E_MIC_UNAVAILABLE");
    if (!isMicrophone) {
      await this.#closeEngines();
      return this.#reportEngine(error);
    }
    if (this.#isLostReported) return;
    this.#isLostReported = true;
    this.#deps.log.warn({ code: error.code, microphone: this.#deps.microphone.name }, "microphone lost");
    this.#events.emit("mic_lost", { error });
  }

  #reportEngine(error: unknown): void {
    const failure = toAppError(error, "E_INTERNAL", "hearing failed");
    if (failure.code === this.#reportedEngineCode) return;
    this.#reportedEngineCode = failure.code;
    this.#emitEngineFailure(failure);
  }

  #emitEngineFailure(error: AppError): void {
    this.#deps.log.warn({ code: error.code, engine: failedEngine(error), err: error }, "hearing engine failed");
    this.#events.emit("engine_failed", { engine: failedEngine(error), error });
  }

  #reportBack(): void {
    this.#isLostReported = false;
    this.#deps.log.info({ microphone: this.#deps.microphone.name }, "microphone hears");
    this.#events.emit("mic_back", { name: this.#deps.microphone.name });
  }

  #reportCondition(condition: ListenerEvents["mic_condition"]["condition"]): void {
    this.#deps.log.warn({ condition }, "microphone condition changed");
    this.#events.emit("mic_condition", { condition });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
