import { type Clock, delay } from "../core/clock.ts";
import type { ButtonEdge, ButtonInput, ButtonName } from "./ports.ts";

/** A short press of a finger, ms. */
const SHORT_PRESS_MS = 80;

/** The virtual board's buttons: pressed by the demo, by `asls press` and by tests. Presses while nobody watches are lost. */
export class VirtualButtons implements ButtonInput {
  readonly name = "virtual buttons";
  readonly #clock: Clock;
  readonly #watchers = new Set<(edge: ButtonEdge) => void>();
  readonly #down = new Set<ButtonName>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async watch(onEdge: (edge: ButtonEdge) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    // wrapped: the same callback may watch twice
    const watcher = (edge: ButtonEdge) => onEdge(edge);
    this.#watchers.add(watcher);
    signal.addEventListener("abort", () => this.#watchers.delete(watcher), { once: true });
  }

  /** Presses, waits `holdMs` (default 80 ms) on the clock, releases; resolves after the release. */
  async press(button: ButtonName, holdMs: number = SHORT_PRESS_MS): Promise<void> {
    this.set(button, true);
    await delay(this.#clock, holdMs);
    this.set(button, false);
  }

  /** Moves the contact; the same position twice is no edge. */
  set(button: ButtonName, pressed: boolean): void {
    if (this.#down.has(button) === pressed) return;
    if (pressed) this.#down.add(button);
    else this.#down.delete(button);
    const edge = { button, pressed, atMs: this.#clock.monotonicMs() };
    for (const watcher of [...this.#watchers]) watcher(edge);
  }
}
