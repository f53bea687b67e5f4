import { ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import { EventBus } from "../../core/event-bus.ts";

/** A named, lasting condition that someone should know of. Texts hold no user text. */
export interface Alert {
  readonly code: ErrorCode;
  readonly sinceMs: number;
  readonly message: string;
  readonly hint: string;
}

export interface AlertEvents {
  changed: { readonly code: ErrorCode; readonly alert: Alert | null };
}

/** The alerts that stand. Raising a standing alert again keeps its `since`. */
export class Alerts {
  readonly #standing = new Map<ErrorCode, Alert>();
  readonly #bus: EventBus<AlertEvents>;
  readonly #now: () => number;

  constructor(now: () => number, onHandlerError: (event: string, error: unknown) => void) {
    this.#now = now;
    this.#bus = new EventBus(onHandlerError);
  }

  get standing(): readonly Alert[] {
    return [...this.#standing.values()];
  }

  onChange(handler: (change: AlertEvents["changed"]) => void): () => void {
    return this.#bus.on("changed", handler);
  }

  raise(code: ErrorCode, message: string, hint: string = ERROR_CODES[code].nextStep): void {
    if (this.#standing.get(code)?.message === message) return;
    const alert: Alert = { code, sinceMs: this.#standing.get(code)?.sinceMs ?? this.#now(), message, hint };
    this.#standing.set(code, alert);
    this.#bus.emit("changed", { code, alert });
  }

  clear(code: ErrorCode): void {
    if (this.#standing.delete(code)) this.#bus.emit("changed", { code, alert: null });
  }
}
