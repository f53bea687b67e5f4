import type { Clock } from "../../core/clock.ts";

/** How long a request waits for somebody at the device, ms. */
const PRESENCE_WINDOW_MS = 60_000;

/**
 * One request at a time that waits for proof that somebody stands at the device (the talk button held). A newer request
 * replaces the older, which is told that it expired.
 */
export class PresenceGate {
  readonly #clock: Clock;
  #pending: { readonly settle: (confirmed: boolean) => void; readonly cancel: () => void } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody waits for the button. */
  get isWaiting(): boolean {
    return this.#pending !== null;
  }

  /** Resolves to true when confirmed in time, false otherwise. @param signal withdraws the request. */
  ask(signal?: AbortSignal): Promise<boolean> {
    this.#settle(false);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(PRESENCE_WINDOW_MS, () => this.#settle(false));
      const pending = { settle: resolve, cancel };
      this.#pending = pending;
      const withdraw = () => {
        if (this.#pending === pending) this.#settle(false);
      };
      signal?.addEventListener("abort", withdraw, { once: true });
    });
  }

  /** The talk button was held. Returns whether a request was waiting for it. */
  confirm(): boolean {
    return this.#settle(true);
  }

  #settle(confirmed: boolean): boolean {
    const pending = this.#pending;
    this.#pending = null;
    pending?.cancel();
    pending?.settle(confirmed);
    return pending !== null;
  }
}
