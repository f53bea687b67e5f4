type Handler<T> = (payload: T) => void;

/**
 * Typed, synchronous publish/subscribe. A handler that throws stops neither the publisher nor the other handlers; its
 * error goes to `onHandlerError`.
 */
export class EventBus<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<Handler<never>>>();
  readonly #onHandlerError: (event: keyof Events, error: unknown) => void;

  constructor(onHandlerError: (event: keyof Events, error: unknown) => void) {
    this.#onHandlerError = onHandlerError;
  }

  /** Returns the unsubscribe function. */
  on<K extends keyof Events>(event: K, handler: Handler<Events[K]>): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    handlers.add(handler as Handler<never>);
    this.#handlers.set(event, handlers);
    return () => {
      handlers.delete(handler as Handler<never>);
    };
  }

  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        (handler as Handler<Events[K]>)(payload);
      } catch (error) {
        this.#onHandlerError(event, error);
      }
    }
  }
}
