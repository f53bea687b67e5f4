/** Publishes one retained message; resolves once the broker has it, rejects when the connection went first. */
export type SendRetained = (topic: string, payload: string) => Promise<void>;

/**
 * The latest payload of every retained topic. Nothing is queued: while offline only the latest value is kept, and each
 * connect publishes all of them.
 *
 * INVARIANTS: at most one message per topic is in flight; the last value set is the last one sent; an empty payload
 * (a deletion) is forgotten once the broker has it.
 */
export class RetainedSnapshot {
  readonly #send: SendRetained;
  readonly #latest = new Map<string, string>();
  /** Of the present connection; a new map with each. */
  #inFlight = new Map<string, Promise<boolean>>();
  #online = false;

  constructor(send: SendRetained) {
    this.#send = send;
  }

  /** Remembers the value and, while online, publishes it. An empty payload deletes the topic at the broker. */
  set(topic: string, payload: string): void {
    if (this.#latest.get(topic) === payload) return;
    this.#latest.set(topic, payload);
    if (this.#online) void this.#publish(topic);
  }

  /** True once the broker has the topic's latest value; false while offline, or when it was not taken. */
  async delivered(topic: string): Promise<boolean> {
    return this.#online && ((await this.#inFlight.get(topic)) ?? true);
  }

  /** Publishes everything; resolves when the broker has all of it or the connection was lost. */
  async connected(): Promise<void> {
    this.#online = true;
    this.#inFlight = new Map();
    await this.resend();
  }

  /** Publishes everything again, e.g. for a subscriber that lost what it knew. Does nothing while offline. */
  async resend(): Promise<void> {
    if (!this.#online) return;
    await Promise.all([...this.#latest.keys()].map((topic) => this.#publish(topic)));
  }

  disconnected(): void {
    this.#online = false;
    this.#inFlight = new Map();
  }

  #publish(topic: string): Promise<boolean> {
    const inFlight = this.#inFlight;
    const running = inFlight.get(topic);
    if (running !== undefined) return running;
    const sending = this.#sendLatest(topic, inFlight).finally(() => inFlight.delete(topic));
    inFlight.set(topic, sending);
    return sending;
  }

  /** False when the broker did not take it. */
  async #sendLatest(topic: string, inFlight: ReadonlyMap<string, Promise<boolean>>): Promise<boolean> {
    try {
      for (let sent: string | undefined; this.#isCurrent(inFlight) && sent !== this.#latest.get(topic); ) {
        sent = this.#latest.get(topic) ?? "";
        await this.#send(topic, sent);
        if (sent === "" && this.#latest.get(topic) === "" && this.#isCurrent(inFlight)) {
          this.#latest.delete(topic);
          return true;
        }
      }
      return this.#isCurrent(inFlight);
    } catch {
      // The connection is gone: the next connect publishes the latest value again.
      return false;
    }
  }

  /** False for what belongs to an earlier connection. */
  #isCurrent(inFlight: ReadonlyMap<string, Promise<boolean>>): boolean {
    return this.#online && inFlight === this.#inFlight;
  }
}
