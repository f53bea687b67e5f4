import { connectAsync, type MqttClient } from "mqtt";

/** A dashboard's view of the whole fleet: when each state arrived, and what each device last said. */
export class FleetWatcher {
  readonly #client: MqttClient;
  readonly #arrivedAtMs = new Map<number, number>();
  /** Latest `since` by device. */
  readonly states = new Map<string, number>();
  readonly online = new Set<string>();

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload) => this.#take(topic, payload.toString()));
  }

  /** Connected and subscribed; connects again by itself. */
  static async on(url: string): Promise<FleetWatcher> {
    const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 200, clean: true });
    const watcher = new FleetWatcher(client);
    await client.subscribeAsync(["asls/+/state", "asls/+/availability"], { qos: 1 });
    return watcher;
  }

  /** When the state with this `since` arrived (performance.now), or undefined. */
  arrivedAtMs(since: number): number | undefined {
    return this.#arrivedAtMs.get(since);
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  #take(topic: string, text: string): void {
    const [, device = "", path = ""] = topic.split("/");
    if (path === "availability") {
      if (text === "online") this.online.add(device);
      else this.online.delete(device);
      return;
    }
    const { since } = JSON.parse(text) as { since: string };
    const stamp = Date.parse(since);
    if (!this.#arrivedAtMs.has(stamp)) this.#arrivedAtMs.set(stamp, performance.now());
    this.states.set(device, stamp);
  }
}
