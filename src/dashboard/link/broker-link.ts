import type { MqttClient } from "mqtt";
import type { Verb } from "../../runtime/mqtt/requests.ts";
import { ANSWER_MS, type Answer, type Link, type LinkHandlers, noAnswer, parseAnswer } from "./link.ts";

export interface BrokerAddress {
  /** ws:// or wss:// address of the broker's WebSocket listener. */
  readonly url: string;
  readonly baseTopic: string;
  readonly username: string;
  readonly password: string;
}

/** What the fleet's table needs of every device. Nobody's requests are listened to: they may hold what a user said. */
const OF_ALL = ["availability", "info", "state", "power", "training", "adapter", "alert/+"] as const;
const OF_ONE = ["training/metrics", "profiles/+", "turn", "health", "safety", "event/+", "log", "response/#"] as const;

const RECONNECT_MS = 2_000;

/** Any MQTT broker with a WebSocket listener: every device below the base topic. */
export class BrokerLink implements Link {
  readonly #address: BrokerAddress;
  readonly #handlers: LinkHandlers;
  readonly #waiting = new Map<string, (answer: Answer<never>) => void>();
  #client: MqttClient | null = null;
  #watched: string | null = null;
  #isClosed = false;
  #lastTransaction = 0;

  constructor(address: BrokerAddress, handlers: LinkHandlers) {
    this.#address = address;
    this.#handlers = handlers;
    handlers.status({ kind: "connecting" });
    void this.#connect();
  }

  watch(deviceId: string | null): void {
    if (deviceId === this.#watched) return;
    if (this.#watched !== null) this.#client?.unsubscribe(this.#topicsOf(this.#watched));
    this.#watched = deviceId;
    if (deviceId !== null && this.#client?.connected === true) this.#subscribe(this.#topicsOf(deviceId));
  }

  request<V extends Verb>(deviceId: string, verb: V, fields: object): Promise<Answer<V>> {
    const client = this.#client;
    if (client?.connected !== true) return Promise.resolve(noAnswer("There is no connection to the broker."));
    this.#lastTransaction += 1;
    const transaction = `${client.options.clientId}.${this.#lastTransaction}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        settle(noAnswer("The device is offline, or the broker does not let this account ask for it."));
      }, ANSWER_MS);
      const settle = (answer: Answer<never>) => {
        clearTimeout(timer);
        this.#waiting.delete(transaction);
        resolve(answer);
      };
      this.#waiting.set(transaction, settle);
      const topic = `${this.#address.baseTopic}/${deviceId}/request/${verb}`;
      client.publish(topic, JSON.stringify({ ...fields, transaction }), { qos: 1 }, (error) => {
        if (error) settle(noAnswer("The broker did not take the request."));
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.end(true);
    this.#client = null;
  }

  async #connect(): Promise<void> {
    const { default: mqtt } = await import("../vendor/mqtt.js");
    if (this.#isClosed) return;
    const { url, username, password } = this.#address;
    const client = mqtt.connect(url, {
      clientId: `asls-page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
      protocolVersion: 4,
      clean: true,
      resubscribe: false,
      queueQoSZero: false,
      reconnectPeriod: RECONNECT_MS,
      keepalive: 30,
      ...(username !== "" && { username, password }),
    });
    this.#client = client;
    client.on("connect", () => {
      this.#handlers.reset();
      if (this.#watched !== null) this.#subscribe(this.#topicsOf(this.#watched));
      void this.#subscribeToAll(client);
      this.#handlers.status({ kind: "connected" });
    });
    client.on("message", (topic, payload) => this.#accept(topic, new TextDecoder().decode(payload)));
    client.on("close", () => {
      if (!this.#isClosed) this.#handlers.status({ kind: "lost" });
    });
    client.on("error", (error) => {
      // CONNACK 4 and 5 are about who we are (MQTT 3.1.1 table 3.1): trying again changes nothing.
      if (!("code" in error) || ![4, 5].includes(Number(error.code))) return;
      this.close();
      this.#handlers.status({ kind: "refused" });
    });
  }

  #accept(topic: string, payload: string): void {
    const prefix = `${this.#address.baseTopic}/`;
    if (!topic.startsWith(prefix)) return;
    const [deviceId = "", ...levels] = topic.slice(prefix.length).split("/");
    if (levels[0] !== "response") {
      this.#handlers.message(deviceId, levels.join("/"), payload);
      return;
    }
    const parsed = parseAnswer(payload);
    if (parsed !== null) this.#waiting.get(String(parsed.transaction))?.(parsed.answer);
  }

  #topicsOf(deviceId: string): string[] {
    return OF_ONE.map((path) => `${this.#address.baseTopic}/${deviceId}/${path}`);
  }

  /**
   * One kind of topic after the other, and without acknowledgements: a subscription brings everything retained at once,
   * and a broker drops what exceeds its queue (Mosquitto's max_queued_messages: 1,000 unless configured).
   */
  async #subscribeToAll(client: MqttClient): Promise<void> {
    try {
      for (const path of OF_ALL) await client.subscribeAsync(`${this.#address.baseTopic}/+/${path}`, { qos: 0 });
    } catch {
      // The connection is lost: the next one subscribes again.
    }
  }

  #subscribe(topics: string[]): void {
    this.#client?.subscribe(topics, { qos: 1 });
  }
}
