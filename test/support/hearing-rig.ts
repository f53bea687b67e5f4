import { type Clock, SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { createHearing, type HearingConfig } from "../../src/sensors/hearing.ts";
import type { Listener } from "../../src/sensors/listener.ts";
import type { ListenerEvents } from "../../src/sensors/listener-events.ts";
import { VirtualMicrophone } from "../../src/sensors/virtual-microphone.ts";
import { eventually } from "./eventually.ts";

export const HEARING_DEFAULTS: HearingConfig = {
  vad: {
    threshold: 0.5,
    trailingSilenceMs: 700,
    noSpeechMs: 5_000,
    maxUtteranceMs: 15_000,
    preRollMs: 300,
    releaseAfterS: 120,
  },
  wake: { phraseEnabled: true, phrase: "okay computer", threshold: 1e-20 },
  speaker: { model: "" },
  stt: { engine: "pocketsphinx", modelDir: "", uri: "" },
};

/** Air moves this much faster than real time; what a slow machine has not heard yet waits. */
const SPEED = 8;

/** The real listener with real engines on the virtual microphone. */
export class HearingRig implements AsyncDisposable {
  readonly microphone: VirtualMicrophone;
  readonly listener: Listener;
  /** Every event in order: name and payload. */
  readonly log: { readonly event: keyof ListenerEvents; readonly payload: unknown }[] = [];

  constructor(config: Partial<HearingConfig> = {}, clock: Clock = new SystemClock()) {
    this.microphone = new VirtualMicrophone({ clock, speed: SPEED });
    this.listener = createHearing(
      { ...HEARING_DEFAULTS, ...config },
      { microphone: this.microphone, microphoneSpeed: SPEED, clock, log: silentLogger },
    );
    for (const event of EVENTS) this.listener.on(event, (payload) => this.log.push({ event, payload }));
  }

  /** Starts and waits until audio arrives. */
  async start(): Promise<void> {
    await this.listener.start(new AbortController().signal);
    await this.next("mic_back");
  }

  /** The nth event of that name (1 = first), waited for. */
  async next<K extends keyof ListenerEvents>(event: K, nth = 1): Promise<ListenerEvents[K]> {
    await eventually(() => this.#all(event).length >= nth);
    return this.#all(event)[nth - 1] as ListenerEvents[K];
  }

  /** Names of the events so far, in order. */
  get names(): string[] {
    return this.log.map(({ event }) => event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.stop();
  }

  #all<K extends keyof ListenerEvents>(event: K): unknown[] {
    return this.log.filter((entry) => entry.event === event).map(({ payload }) => payload);
  }
}

const EVENTS = [
  "wake",
  "speech_started",
  "speech_ended",
  "transcript",
  "no_speech",
  "stt_failed",
  "mic_lost",
  "mic_back",
  "mic_condition",
  "engine_failed",
  "engines_ready",
  "muted",
] as const satisfies readonly (keyof ListenerEvents)[];
