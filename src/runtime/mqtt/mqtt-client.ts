import type { MqttClient } from "mqtt";
import { type Clock, withDeadline } from "../../core/clock.ts";
import { AppError, toAppError } from "../../core/errors.ts";
import { backOffMs } from "../service/retry.ts";
import { connectOptions, type MqttAddress } from "./connect-options.ts";
import { connectionError, isRefused } from "./connection-errors.ts";
import { Inflow } from "./inflow.ts";

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
}

export interface MqttListener {
  connected(): void;
  /** Once per loss or failed attempt. */
  disconnected(error: AppError): void;
  received(message: MqttMessage): void;
}

const GOODBYE_MS = 2_000;
/** A connection that lived this long was a good one: the next wait starts from the shortest again. */
const STABLE_MS = 10_000;

/**
 * One MQTT connection, made again whenever it is lost.
 *
 * INVARIANTS: each attempt uses a new client with clean session and empty stores, so nothing sent before a loss is sent
 * after it; nothing is queued while offline; at most one attempt or timer exists at a time.
 */
export class ReconnectingMqttClient {
  readonly #address: MqttAddress;
  readonly #listener: MqttListener;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** Rejects what was published and not acknowledged; called when the connection goes. */
  readonly #unacknowledged = new Set<() => void>();
  #client: MqttClient | null = null;
  #cancelTimer: () => void = () => {};
  #attempt = 0;
  #upSinceMs: number | null = null;
  /** Aborted by `stop`; a new one for each `start`, so that an old attempt cannot come back to life. */
  #run: AbortController | null = null;

  /** @param random in [0, 1), for the jitter of the waits. */
  constructor(address: MqttAddress, listener: MqttListener, clock: Clock, random: () => number) {
    this.#address = address;
    this.#listener = listener;
    this.#clock = clock;
    this.#random = random;
  }

  get isConnected(): boolean {
    return this.#upSinceMs !== null;
  }

  /** Begins to connect and returns at once. */
  start(): void {
    if (this.#run !== null) return;
    this.#run = new AbortController();
    this.#attempt = 0;
    void this.#connect(this.#run.signal);
  }

  /**
   * Resolves when the broker has acknowledged (QoS 1) or the packet was written (QoS 0).
   * @throws AppError E_MQTT_UNREACHABLE when offline, or when the connection is lost before that; E_MQTT_REFUSED when
   * the broker's access list says so (MQTT 5; a 3.1.1 broker drops such a message silently).
   */
  publish(topic: string, payload: string, options: { qos: 0 | 1; retain: boolean }): Promise<void> {
    const client = this.#client;
    if (client === null || !this.isConnected) return Promise.reject(offline());
    return new Promise((resolve, reject) => {
      const lost = () => reject(offline());
      this.#unacknowledged.add(lost);
      client.publish(topic, payload, options, (error) => {
        this.#unacknowledged.delete(lost);
        if (!error) resolve();
        else reject(isRefused(error) ? refused("a message", error) : offline(error));
      });
    });
  }

  /** @throws AppError E_MQTT_UNREACHABLE, E_MQTT_REFUSED (the broker's access list). */
  async subscribe(filter: string): Promise<void> {
    if (this.#client === null || !this.isConnected) throw offline();
    try {
      await this.#client.subscribeAsync(filter, { qos: 1 });
    } catch (error) {
      if (isRefused(error)) throw refused("our subscription", error);
      throw toAppError(error, "E_MQTT_UNREACHABLE", "the subscription failed");
    }
  }

  /** Drops the connection; the next attempt follows as after any loss. */
  drop(): void {
    this.#client?.end(true);
  }

  /** Says goodbye (so that no last will is published), within 2 s. May be called twice. */
  async stop(): Promise<void> {
    this.#run?.abort();
    this.#run = null;
    this.#cancelTimer();
    const client = this.#client;
    this.#client = null;
    if (client === null) return;
    const wasConnected = this.isConnected;
    this.#upSinceMs = null;
    try {
      await withDeadline(this.#clock, GOODBYE_MS, "the MQTT goodbye", client.endAsync(!wasConnected));
    } catch {
      client.end(true);
    }
    this.#rejectUnacknowledged();
  }

  async #connect(run: AbortSignal): Promise<void> {
    try {
      const [{ connect }, url, options] = await Promise.all([
        import("mqtt"),
        this.#address.url(),
        connectOptions(this.#address),
      ]);
      if (!run.aborted) this.#watch(connect(url, options), run);
    } catch (error) {
      this.#lost(run, toAppError(error, "E_MQTT_UNREACHABLE", "the connection could not be prepared"));
    }
  }

  #watch(client: MqttClient, run: AbortSignal): void {
    this.#client = client;
    const inflow = new Inflow(this.#clock);
    client.handleMessage = (_packet, done) => inflow.pass(done);
    let reason: AppError | null = null;
    client.on("connect", () => {
      if (this.#client !== client) return;
      this.#upSinceMs = this.#clock.monotonicMs();
      this.#listener.connected();
    });
    client.on("message", (topic, payload, packet) => {
      if (this.#client === client) this.#listener.received({ topic, payload, retained: packet.retain });
    });
    client.on("error", (error) => {
      reason ??= connectionError(error);
    });
    client.once("close", () => {
      client.end(true);
      if (this.#client !== client) return;
      this.#client = null;
      this.#lost(run, reason ?? offline());
    });
  }

  #lost(run: AbortSignal, error: AppError): void {
    if (run.aborted) return;
    this.#rejectUnacknowledged();
    const upMs = this.#upSinceMs === null ? 0 : this.#clock.monotonicMs() - this.#upSinceMs;
    this.#upSinceMs = null;
    if (upMs >= STABLE_MS) this.#attempt = 0;
    const { reconnectMinMs: firstMs, reconnectMaxMs: maxMs } = this.#address;
    // Between half and all of the wait, so that a fleet does not come back at the same instant.
    const waitMs = backOffMs({ firstMs, maxMs }, this.#attempt) * (0.5 + this.#random() / 2);
    this.#attempt += 1;
    this.#cancelTimer = this.#clock.after(waitMs, () => void this.#connect(run));
    this.#listener.disconnected(error);
  }

  #rejectUnacknowledged(): void {
    for (const reject of this.#unacknowledged) reject();
    this.#unacknowledged.clear();
  }
}

function offline(cause?: unknown): AppError {
  return new AppError("E_MQTT_UNREACHABLE", "no connection to the MQTT broker", { cause });
}

function refused(what: string, cause: unknown): AppError {
  return new AppError("E_MQTT_REFUSED", `the MQTT broker refused ${what}`, { cause });
}
