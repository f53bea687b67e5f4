/** Promises waiting for the same next event, e.g. everyone who asked for a checkpoint. */
export class Waiters<T> {
  #waiting: { readonly resolve: (value: T) => void; readonly otherwise: T }[] = [];
  #isClosed = false;

  get size(): number {
    return this.#waiting.length;
  }

  /** Resolves with the value of the next `settle`, or with `otherwise` when it is closed before or already. */
  wait(otherwise: T): Promise<T> {
    if (this.#isClosed) return Promise.resolve(otherwise);
    return new Promise((resolve) => this.#waiting.push({ resolve, otherwise }));
  }

  settle(value: T): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(value);
  }

  close(): void {
    this.#isClosed = true;
    for (const { resolve, otherwise } of this.#waiting.splice(0)) resolve(otherwise);
  }
}
