/** Told a topic below the device's own and its payload as on the wire; "" = what was retained there is deleted. */
export type TopicHandler = (path: string, payload: string) => void;

/**
 * Everything the device publishes, for who is inside the same process (its own page, its metrics): there whether a
 * broker is or not.
 */
export class TopicWatchers {
  readonly #retained = new Map<string, string>();
  readonly #handlers = new Set<TopicHandler>();

  /** Tells the handler everything that is retained, then what is published from now on. Returns what ends it. */
  watch(handler: TopicHandler): () => void {
    for (const [path, payload] of this.#retained) handler(path, payload);
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
    };
  }

  /** A retained topic has this payload now. */
  retained(path: string, payload: string): void {
    if (payload === (this.#retained.get(path) ?? "")) return;
    if (payload === "") this.#retained.delete(path);
    else this.#retained.set(path, payload);
    this.told(path, payload);
  }

  /** Something that is told once. */
  told(path: string, payload: string): void {
    for (const handler of this.#handlers) handler(path, payload);
  }
}
