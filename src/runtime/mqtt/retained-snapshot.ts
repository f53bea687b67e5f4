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
  #inFlight = new Set<string>();
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

  /** Publishes everything; resolves when the broker has all of it or the connection was lost. */
  async connected(): Promise<void> {
    this.#online = true;
    this.#inFlight = new Set();
    await Promise.all([...this.#latest.keys()].map((topic) => this.#publish(topic)));
  }

  disconnected(): void {
    this.#online = false;
    this.#inFlight = new Set();
  }

  async #publish(topic: string): Promise<void> {
    const inFlight = this.#inFlight;
    if (inFlight.has(topic)) return;
    inFlight.add(topic);
    try {
      for (let sent: string | undefined; this.#isCurrent(inFlight) && sent !== this.#latest.get(topic); ) {
        sent = this.#latest.get(topic) ?? "";
        await this.#send(topic, sent);
        if (sent === "" && this.#latest.get(topic) === "" && this.#isCurrent(inFlight)) {
          this.#latest.delete(topic);
          return;
        }
      }
    } catch {
      // The connection is gone: the next connect publishes the latest value again.
    } finally {
      inFlight.delete(topic);
    }
  }

  /** False for what belongs to an earlier connection. */
  #isCurrent(inFlight: ReadonlySet<string>): boolean {
    return this.#online && inFlight === this.#inFlight;
  }
}
