/**
 * A part with a life: constructors only assign, `start` works, `stop` undoes and may be called twice.
 * `start` rejects when the signal fires or when the part cannot do its job at all; a part that can degrade raises an
 * alert instead and retries by itself.
 */
export interface Service {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
