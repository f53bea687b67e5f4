import * as v from "valibot";
import { type Clock, withDeadline } from "../../core/clock.ts";
import { type AppError, ERROR_CODES, type ErrorCode, isAppError, toAppError } from "../../core/errors.ts";
import { randomId } from "../../core/ids.ts";
import type { Logger } from "../../core/logger.ts";
import type { Service } from "../../core/service.ts";
import type { AslsConfig } from "../config/schema.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { type MqttMessage, ReconnectingMqttClient } from "./mqtt-client.ts";
import { alertMessage } from "./payload-values.ts";
import { RequestRouter } from "./request-router.ts";
import type { RequestHandlers } from "./requests.ts";
import { RetainedSnapshot } from "./retained-snapshot.ts";
import { type TopicHandler, TopicWatchers } from "./topic-watchers.ts";
import { alertPath, DeviceTopics, type PayloadOf, PUBLISHED, type PublishedTopic, profilePath } from "./topics.ts";
import { toWire } from "./wire-codec.ts";

/** Retained topics that there is one of; the publisher adds `schema` and `session` to info. */
export interface StatusPayloads
  extends Pick<Payloads, "state" | "health" | "power" | "training" | "adapter" | "safety" | "turn"> {
  readonly info: Omit<Payloads["info"], "schema" | "session">;
}

/** What is told once and not kept. */
export type EventTopic = "event/interaction" | "event/button" | "event/training" | "training/metrics" | "log";

type Payloads = { readonly [T in PublishedTopic]: PayloadOf<T> };

export interface StatusPublisherDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1); default Math.random. Spreads reconnects of a fleet. */
  readonly random?: () => number;
  /** Told on each change: null when connected, else why not. For the alert that only the device itself can show. */
  readonly onConnection?: (error: AppError | null) => void;
  /** Alerts that an earlier run may have left at the broker; default: any. */
  readonly leftAlerts?: readonly ErrorCode[];
  /** Topics outside of the device's own tree to listen to, and what to do with what comes there. */
  readonly listenTo?: ForeignTopics;
}

export interface ForeignTopics {
  readonly topics: readonly string[];
  received(message: MqttMessage): void;
}

/** Unacknowledged events and responses at a time; more are dropped and counted, so memory stays bounded. */
const MAX_IN_FLIGHT = 64;
const OFFLINE_MS = 2_000;

/**
 * Publishes what the device is and does, and takes requests. Everything may be called before `start` and while
 * offline: retained topics are published at the next connect, events are dropped.
 */
export class StatusPublisher implements Service {
  readonly name = "mqtt";
  readonly #config: AslsConfig["mqtt"];
  readonly #deps: StatusPublisherDeps;
  readonly #topics: DeviceTopics;
  readonly #session = randomId("s");
  readonly #client: ReconnectingMqttClient;
  readonly #snapshot: RetainedSnapshot;
  readonly #router: RequestRouter;
  readonly #broker: EmbeddedBroker | null;
  readonly #watchers = new TopicWatchers();
  #brokerUrl: string | null = null;
  #stopping = new AbortController();
  #lastError: ErrorCode | "none" | null = null;
  #inFlight = 0;
  #connects = 0;
  #dropped = 0;

  constructor(config: AslsConfig["mqtt"], deviceId: string, deps: StatusPublisherDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#topics = new DeviceTopics(config.baseTopic, deviceId);
    this.#broker = config.url === "" ? new EmbeddedBroker(config.embeddedPort) : null;
    this.#router = new RequestRouter((verb, text) => this.#send(`response/${verb}`, text, 1), deps.log, deps.clock);
    this.#client = new ReconnectingMqttClient(
      {
        ...config,
        clientId: config.clientId === "" ? `asls-${deviceId}` : config.clientId,
        will: { topic: this.#topics.of(PUBLISHED.availability.path), payload: "offline" },
        url: () => this.#findBroker(),
      },
      {
        connected: () => void this.#onConnected(),
        disconnected: (error) => this.#onDisconnected(error),
        received: (message) => void this.#onMessage(message),
      },
      deps.clock,
      deps.random ?? Math.random,
    );
    const health = this.#topics.of(PUBLISHED.health.path);
    this.#snapshot = new RetainedSnapshot((topic, payload) =>
      this.#client.publish(topic, payload, { qos: topic === health ? PUBLISHED.health.qos : 1, retain: true }),
    );
    // Alerts of an earlier run that ended without clearing them are deleted at the first connect.
    for (const code of deps.leftAlerts ?? Object.keys(ERROR_CODES)) this.#snapshot.set(this.#topics.alert(code), "");
  }

  get isConnected(): boolean {
    return this.#client.isConnected;
  }

  /** Where the broker is, once known; the demo tells its user. */
  get brokerUrl(): string | null {
    return this.#brokerUrl;
  }

  /** Events and responses that were not sent, since start. */
  get droppedMessages(): number {
    return this.#dropped;
  }

  /** Connections made since start. */
  get connects(): number {
    return this.#connects;
  }

  /** Begins to connect; never waits for a broker. Does nothing when mqtt.enabled is false. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#config.enabled) return;
    this.#stopping = new AbortController();
    this.#client.start();
  }

  /** Publishes `offline`, says goodbye, stops an inside broker. May be called twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#client.isConnected) {
      const goodbye = this.#publishAvailability("offline");
      await withDeadline(this.#deps.clock, OFFLINE_MS, "publishing offline", goodbye).catch((error: unknown) => {
        this.#deps.log.warn({ code: codeOf(error) }, "offline could not be published");
      });
    }
    this.#snapshot.disconnected();
    await this.#client.stop();
    await this.#broker?.close();
    this.#lastError = null;
  }

  /** Serves these requests from now on. */
  onRequest(handlers: RequestHandlers): void {
    this.#router.handlers = handlers;
  }

  /**
   * Publishes a retained topic now or at the next connect.
   * @throws AppError E_INTERNAL when the payload does not fit the topic's schema.
   */
  publish<T extends keyof StatusPayloads>(topic: T, payload: StatusPayloads[T]): void {
    const full = topic === "info" ? { ...payload, schema: 1, session: this.#session } : payload;
    this.#keep(PUBLISHED[topic].path, toWire(checked(PUBLISHED[topic].payload, full, topic)));
  }

  /** Dropped while offline. @throws AppError E_INTERNAL as {@link publish}. */
  event<E extends EventTopic>(topic: E, payload: PayloadOf<E>): void {
    const { path, qos } = PUBLISHED[topic];
    const text = toWire(checked(PUBLISHED[topic].payload, payload, topic));
    this.#watchers.told(path, text);
    this.#send(path, text, qos);
  }

  /** A profile's figures; null: it is gone. @throws AppError E_INTERNAL as {@link publish}. */
  profile(profileId: string, payload: PayloadOf<"profile"> | null): void {
    const text = payload === null ? "" : toWire(checked(PUBLISHED.profile.payload, payload, "profile"));
    this.#keep(profilePath(profileId), text);
  }

  /** True once the broker has the latest of that profile's topic; false while offline. */
  profileDelivered(profileId: string): Promise<boolean> {
    return this.#snapshot.delivered(this.#topics.profile(profileId));
  }

  /** Keeps a topic outside of the device's own tree, e.g. Home Assistant's discovery; "" deletes it. */
  retain(topic: string, payload: string): void {
    this.#snapshot.set(topic, payload);
  }

  /** Publishes every retained topic again, for somebody who has lost what they knew. */
  republish(): Promise<void> {
    return this.#snapshot.resend();
  }

  /**
   * Raises or (null) clears an alert. Its texts come from the table of error codes. Alerts about this very connection
   * (E_MQTT_*) are for watchers only: to the broker they could only come when they no longer hold.
   */
  alert(code: ErrorCode, alert: { readonly sinceMs: number } | null): void {
    const path = alertPath(code);
    const text =
      alert === null ? "" : toWire(checked(PUBLISHED.alert.payload, alertPayload(code, alert.sinceMs), "alert"));
    if (code.startsWith("E_MQTT_")) this.#watchers.retained(path, text);
    else this.#keep(path, text);
  }

  /** Everything that is published, whether a broker is there or not; see {@link TopicWatchers.watch}. */
  watch(handler: TopicHandler): () => void {
    return this.#watchers.watch(handler);
  }

  /** The response to a request that did not come over MQTT: same checks, same rates, same transactions. Never rejects. */
  request(verb: string, payload: Uint8Array): Promise<string> {
    return this.#router.answer(verb, payload, this.#stopping.signal);
  }

  #keep(path: string, text: string): void {
    this.#snapshot.set(this.#topics.of(path), text);
    this.#watchers.retained(path, text);
  }

  /** True once the broker has the latest of that alert's topic; false while offline. */
  alertDelivered(code: ErrorCode): Promise<boolean> {
    return this.#snapshot.delivered(this.#topics.alert(code));
  }

  async #findBroker(): Promise<string> {
    this.#brokerUrl = this.#broker === null ? this.#config.url : await this.#broker.listen();
    return this.#brokerUrl;
  }

  /** Requests first, so that whoever sees `online` can ask; `online` last, so that it never stands beside old states. */
  async #onConnected(): Promise<void> {
    const stopping = this.#stopping.signal;
    this.#connects += 1;
    try {
      await this.#client.subscribe(this.#topics.requestFilter);
      for (const topic of this.#deps.listenTo?.topics ?? []) await this.#client.subscribe(topic);
      await this.#snapshot.connected();
      // `offline` has been or is being published: it must stay the last word.
      if (stopping.aborted) return;
      await this.#publishAvailability("online");
    } catch (error) {
      this.#report(toAppError(error, "E_MQTT_UNREACHABLE", "the first messages were not accepted"));
      this.#client.drop();
      return;
    }
    this.#report(null);
  }

  #onDisconnected(error: AppError): void {
    this.#snapshot.disconnected();
    this.#report(error);
  }

  async #onMessage(message: MqttMessage): Promise<void> {
    const { topic, payload, retained } = message;
    const verb = this.#topics.verbOf(topic);
    if (verb !== null) await this.#router.handle({ verb, payload, retained }, this.#stopping.signal);
    else this.#deps.listenTo?.received(message);
  }

  #publishAvailability(state: "online" | "offline"): Promise<void> {
    return this.#client.publish(this.#topics.of(PUBLISHED.availability.path), state, { qos: 1, retain: true });
  }

  /** Not retained; dropped when offline or when too many wait for their acknowledgement. */
  #send(path: string, payload: string, qos: 0 | 1): void {
    if (!this.#client.isConnected || this.#inFlight >= MAX_IN_FLIGHT) {
      this.#dropped += 1;
      return;
    }
    this.#inFlight += 1;
    this.#client
      .publish(this.#topics.of(path), payload, { qos, retain: false })
      .catch(() => {
        this.#dropped += 1;
      })
      .finally(() => {
        this.#inFlight -= 1;
      });
  }

  /** One log line and one call per change of state, not per attempt. */
  #report(error: AppError | null): void {
    const now = error === null ? "none" : error.code;
    if (now === this.#lastError || this.#stopping.signal.aborted) return;
    this.#lastError = now;
    if (error === null) this.#deps.log.info({ dropped: this.#dropped }, "connected to the MQTT broker");
    else this.#deps.log.warn({ code: error.code }, "no MQTT broker; the device goes on without");
    this.#deps.onConnection?.(error);
  }
}

/** @param deviceId `[a-z0-9_-]+`, one-way from the machine id (core/ids). */
export function createStatusPublisher(
  config: AslsConfig["mqtt"],
  deviceId: string,
  deps: StatusPublisherDeps,
): StatusPublisher {
  return new StatusPublisher(config, deviceId, deps);
}

function alertPayload(code: ErrorCode, sinceMs: number): PayloadOf<"alert"> {
  return { code, sinceMs, message: alertMessage(code), hint: ERROR_CODES[code].nextStep };
}

/** The payload, if it fits; the error names the field and not its value. */
function checked(schema: v.GenericSchema, payload: unknown, topic: string): object {
  const result = v.safeParse(schema, payload);
  if (result.success && typeof result.output === "object" && result.output !== null) return result.output;
  const field = result.issues?.[0]?.path?.map((item) => String(item.key)).join(".") ?? "payload";
  throw toAppError(null, "E_INTERNAL", `${topic}: ${field} does not fit its schema`);
}

function codeOf(error: unknown): string {
  return isAppError(error) ? error.code : "E_INTERNAL";
}
