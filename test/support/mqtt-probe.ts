import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";

export interface SeenMessage {
  readonly topic: string;
  readonly text: string;
  readonly retained: boolean;
}

/** An independent MQTT client that collects what it sees and waits for it by predicate. */
export class MqttProbe implements AsyncDisposable {
  readonly seen: SeenMessage[] = [];
  readonly #client: MqttClient;
  readonly #waiting = new Set<() => void>();

  constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload, packet) => {
      this.seen.push({ topic, text: payload.toString("utf8"), retained: packet.retain });
      for (const check of this.#waiting) check();
    });
  }

  static async connect(url: string, filter: string | null = "#", options: IClientOptions = {}): Promise<MqttProbe> {
    const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ...options });
    const probe = new MqttProbe(client);
    if (filter !== null) await client.subscribeAsync(filter, { qos: 1 });
    return probe;
  }

  async send(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1, retain });
  }

  /** The first message from index `from` on that fits; waits for it, up to the test's own time limit. */
  waitFor(fits: (message: SeenMessage) => boolean, from = 0): Promise<SeenMessage> {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.seen.slice(from).find(fits);
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** As {@link waitFor}, of one topic, its JSON parsed. */
  async json(topic: string, from = 0): Promise<Record<string, unknown>> {
    const { text } = await this.waitFor((message) => message.topic === topic && message.text !== "", from);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Sends a request and gives the next response to it. */
  async request(root: string, verb: string, payload: string | Buffer): Promise<Record<string, unknown>> {
    const from = this.seen.length;
    await this.send(`${root}/request/${verb}`, payload);
    return this.json(`${root}/response/${verb}`, from);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}
