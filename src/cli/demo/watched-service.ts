import { type Clock, withDeadline } from "../../core/clock.ts";
import { callService } from "../../runtime/control/control-client.ts";
import type { ControlMethod, ControlParams } from "../../runtime/control/control-protocol.ts";

const FIRST_EVENT_MS = 30_000;

export interface SeenEvent {
  readonly event: string;
  readonly data: Record<string, unknown>;
  /** Where in the stream of events it is. */
  readonly position: number;
}

/**
 * A running service seen through its control socket. Events are kept, so that one that came before it was awaited is not
 * missed.
 */
export class WatchedService implements Disposable {
  readonly #socketPath: string;
  readonly #clock: Clock;
  readonly #seen: SeenEvent[] = [];
  readonly #watching = new AbortController();
  #wake: () => void = () => {};
  #ended: Promise<void> = Promise.resolve();

  private constructor(socketPath: string, clock: Clock) {
    this.#socketPath = socketPath;
    this.#clock = clock;
  }

  /**
   * Begins to watch. When the service ends, every await for an event times out by name.
   * @param onEvent called for each event as it happens.
   * @throws AppError E_TIMEOUT when no first event comes within `firstEventMs` (default 30 s).
   */
  static async open(
    socketPath: string,
    clock: Clock,
    onEvent: (seen: SeenEvent) => void = () => {},
    firstEventMs = FIRST_EVENT_MS,
  ): Promise<WatchedService> {
    const service = new WatchedService(socketPath, clock);
    const watching = callService(
      socketPath,
      "watch",
      {},
      {
        signal: service.#watching.signal,
        onEvent: (event, data) => {
          const fields = typeof data === "object" && data !== null ? { ...data } : {};
          const seen = { event, data: fields, position: service.#seen.length };
          service.#seen.push(seen);
          onEvent(seen);
          service.#wake();
        },
      },
    );
    const hungUp = () => {};
    service.#ended = watching.then(hungUp, hungUp);
    await service.next(0, "the first event", firstEventMs, ({ event }) => event === "watching");
    return service;
  }

  call<M extends ControlMethod>(method: M, params: ControlParams<M>): Promise<unknown> {
    return callService(this.#socketPath, method, params);
  }

  /** Resolves when the service has hung up. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Where in the stream of events we are; pass it to {@link next}. */
  get position(): number {
    return this.#seen.length;
  }

  /** The first event from `position` on that fits. @throws AppError E_TIMEOUT naming what was awaited. */
  next(position: number, what: string, timeoutMs: number, fits: (seen: SeenEvent) => boolean): Promise<SeenEvent> {
    return withDeadline(this.#clock, timeoutMs, what, this.#find(position, fits));
  }

  [Symbol.dispose](): void {
    this.#watching.abort();
  }

  async #find(position: number, fits: (seen: SeenEvent) => boolean): Promise<SeenEvent> {
    for (let at = position; ; at += 1) {
      while (at >= this.#seen.length) {
        await new Promise<void>((resolve) => {
          const before = this.#wake;
          this.#wake = () => {
            before();
            resolve();
          };
        });
      }
      const seen = this.#seen[at];
      if (seen !== undefined && fits(seen)) return seen;
    }
  }
}
