import type { StatusLed } from "./ports.ts";

/** The virtual board's light: remembers its state and tells who looks. */
export class VirtualLed implements StatusLed {
  #isOn = false;
  readonly #onChange: (on: boolean) => void;

  /** @param onChange called at each change of state, not at each `set`. */
  constructor(onChange: (on: boolean) => void = () => {}) {
    this.#onChange = onChange;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  async set(on: boolean): Promise<void> {
    if (on === this.#isOn) return;
    this.#isOn = on;
    this.#onChange(on);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.set(false);
  }
}
