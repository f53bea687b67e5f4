import { SystemClock } from "../../src/core/clock.ts";
import { deviceIdFrom } from "../../src/core/ids.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { type AslsConfig, newConvict } from "../../src/runtime/config/schema.ts";
import type { StatePayload } from "../../src/runtime/mqtt/payloads.ts";
import {
  createStatusPublisher,
  type StatusPayloads,
  type StatusPublisher,
} from "../../src/runtime/mqtt/status-publisher.ts";

const INFO: StatusPayloads["info"] = {
  version: "0.1.0",
  commit: null,
  node: process.version,
  board: "virtual",
  model: { name: "llama 2M", quant: "Q8_0", sha256: "0".repeat(64) },
  capabilities: ["microphone", "buttons", "speech"],
  logLevel: "info",
  restartRequired: false,
  configHash: "0".repeat(12),
};
const PHASES = ["listening", "thinking", "speaking", "idle"] as const;

/** A time that nothing else has: tells the states of all devices apart on the wire, where it is `since`. */
let stamp = Date.UTC(2026, 0, 1);

/** One simulated device: the product's own publisher without the rest of the service. */
export class FleetDevice {
  readonly id: string;
  readonly #publisher: StatusPublisher;
  #turns = 0;
  /** `since` of its latest state. */
  latest = 0;

  constructor(index: number, url: string) {
    this.id = deviceIdFrom(`fleet ${index}`);
    const { mqtt } = newConvict().getProperties() as AslsConfig;
    this.#publisher = createStatusPublisher({ ...mqtt, url }, this.id, {
      clock: new SystemClock(),
      log: silentLogger,
      // As a service that ended in order and left none.
      leftAlerts: [],
    });
    this.#publisher.publish("info", INFO);
    this.changeState();
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#publisher.start(signal);
  }

  stop(): Promise<void> {
    return this.#publisher.stop();
  }

  get isConnected(): boolean {
    return this.#publisher.isConnected;
  }

  /** Publishes its next phase; gives the state's `since`. */
  changeState(): number {
    stamp += 1;
    const phase: StatePayload["phase"] = PHASES[this.#turns % PHASES.length] ?? "idle";
    this.#turns += 1;
    this.latest = stamp;
    const since = { phase, sinceMs: stamp, fault: null, micMuted: false, learningEnabled: true, profile: null };
    this.#publisher.publish("state", since);
    return stamp;
  }
}
