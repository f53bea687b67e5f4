import { readFile } from "node:fs/promises";
import type { IClientOptions, MqttClient } from "mqtt";
import { type Clock, withDeadline } from "../../core/clock.ts";
import { AppError, systemErrorCode, toAppError } from "../../core/errors.ts";
import { backOffMs } from "../service/retry.ts";

export interface MqttAddress {
  /** Where the broker is; asked at each attempt, since an inside broker has to be started first. */
  url(): Promise<string>;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  /** Read at each attempt, as are the certificates: renewing them needs no restart. "" for none. */
  readonly passwordFile: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly keepaliveS: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Published by the broker, retained with QoS 1, when it loses us. */
  readonly will: { readonly topic: string; readonly payload: string };
}

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

const CONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 2_000;
/** A connection that lived this long was a good one: the next wait starts from the shortest again. */
const STABLE_MS = 10_000;

/**
 * One MQTT 3.1.1 connection, made again whenever it is lost.
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
   * @throws AppError E_MQTT_UNREACHABLE when offline, or when the connection is lost before that.
   */
  publish(topic: string, payload: string, options: { qos: 0 | 1; retain: boolean }): Promise<void> {
    const client = this.#client;
    if (client === null || !this.isConnected) return Promise.reject(offline());
    return new Promise((resolve, reject) => {
      const lost = () => reject(offline());
      this.#unacknowledged.add(lost);
      client.publish(topic, payload, options, (error) => {
        this.#unacknowledged.delete(lost);
        if (error) reject(offline(error));
        else resolve();
      });
    });
  }

  /** @throws AppError E_MQTT_UNREACHABLE, E_MQTT_REFUSED (the broker's access list). */
  async subscribe(filter: string): Promise<void> {
    if (this.#client === null || !this.isConnected) throw offline();
    try {
      await this.#client.subscribeAsync(filter, { qos: 1 });
    } catch (error) {
      if (isSubscriptionRefused(error)) {
        throw new AppError("E_MQTT_REFUSED", "the MQTT broker refused our subscription", { cause: error });
      }
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

async function connectOptions(address: MqttAddress): Promise<IClientOptions> {
  const [filePassword, ca, cert, key] = await Promise.all(
    [address.passwordFile, address.caFile, address.certFile, address.keyFile].map(secretFile),
  );
  const password = filePassword === undefined ? address.password : filePassword.replace(/\r?\n$/, "");
  return {
    protocolVersion: 4,
    protocolId: "MQTT",
    clean: true,
    resubscribe: false,
    reconnectPeriod: 0,
    queueQoSZero: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepalive: address.keepaliveS,
    // mqtt-packet would keep 65,536 buffers of two bytes for faster writes: 14 MB for a device that sends a few a minute
    writeCache: false,
    clientId: address.clientId,
    will: { ...address.will, payload: Buffer.from(address.will.payload), qos: 1, retain: true },
    ...(address.username !== "" && { username: address.username }),
    ...(password !== "" && { password }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function secretFile(path: string): Promise<string | undefined> {
  if (path === "") return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
}

function offline(cause?: unknown): AppError {
  return new AppError("E_MQTT_UNREACHABLE", "no connection to the MQTT broker", { cause });
}

/** MQTT.js rejects with the SUBACK packet; 0x80 is failure (MQTT 3.1.1 section 3.9.3). */
function isSubscriptionRefused(error: unknown): boolean {
  const packet = error instanceof Error && "packet" in error ? error.packet : null;
  const granted = typeof packet === "object" && packet !== null && "granted" in packet ? packet.granted : null;
  return Array.isArray(granted) && granted.includes(0x80);
}

/** CONNACK return codes 2, 4 and 5 are about who we are (MQTT 3.1.1 table 3.1). */
function connectionError(error: Error): AppError {
  const code: unknown = "code" in error ? error.code : undefined;
  if (typeof code === "number" && [2, 4, 5].includes(code)) {
    return new AppError("E_MQTT_REFUSED", `the MQTT broker refused us (return code ${code})`, { cause: error });
  }
  const isTls = typeof code === "string" && /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
  if (isTls)
    return new AppError("E_MQTT_TLS", `the broker's or our certificate was not accepted (${code})`, { cause: error });
  return new AppError("E_MQTT_UNREACHABLE", `cannot reach the MQTT broker (${String(code ?? error.name)})`, {
    cause: error,
  });
}
