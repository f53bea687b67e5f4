/** Counts pieces of work between two turns of the event loop: how long other work has to wait. */
export class WorkPerRound implements Disposable {
  #round = 0;
  #isOver = false;
  readonly #done = new Map<number, number>();

  constructor() {
    const next = () => {
      this.#round += 1;
      if (!this.#isOver) setImmediate(next);
    };
    setImmediate(next);
  }

  count(): void {
    this.#done.set(this.#round, (this.#done.get(this.#round) ?? 0) + 1);
  }

  get most(): number {
    return Math.max(0, ...this.#done.values());
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
  }
}
