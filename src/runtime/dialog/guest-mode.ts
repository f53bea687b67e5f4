import type { Clock } from "../../core/clock.ts";
import type { Memory } from "./ports.ts";

export interface GuestModeDeps {
  readonly clock: Clock;
  readonly memory: Pick<Memory, "guestSince" | "setGuestSince">;
  /** Without a guest's turn for this long, guest mode ends, ms. */
  readonly idleMs: number;
  /** Called before `set` resolves. */
  onChange(isOn: boolean): Promise<void>;
}

/**
 * Whether a guest is speaking: then nothing is stored, no profile is used and no adapter answers. Survives a restart.
 *
 * Ends when it is told to, or at the first wake after `idleMs` without a turn. The turn that finds it out is still a guest's:
 * whoever speaks hears that it has ended before anything of theirs can be kept.
 */
export class GuestMode {
  readonly #deps: GuestModeDeps;
  #isOn = false;
  #isByVoice = false;
  #lastTurnMs = 0;

  constructor(deps: GuestModeDeps) {
    this.#deps = deps;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Takes up what stood before a restart. */
  async load(): Promise<void> {
    if ((await this.#deps.memory.guestSince()) === null || this.#isOn) return;
    this.#enter();
    await this.#deps.onChange(true);
  }

  /** Written down before it resolves. */
  async set(isOn: boolean): Promise<void> {
    this.#isByVoice = false;
    if (isOn === this.#isOn) return;
    const { memory, clock, onChange } = this.#deps;
    await memory.setGuestSince(isOn ? clock.now() : null);
    if (isOn) this.#enter();
    else this.#isOn = false;
    await onChange(isOn);
  }

  /** A voice was told apart: a stranger's turns guest mode on, and the owner's turns off again what a voice turned on. */
  async follow(speaker: "owner" | "stranger"): Promise<void> {
    if (speaker === "owner") {
      if (this.#isByVoice) await this.set(false);
    } else if (!this.#isOn) {
      await this.set(true);
      this.#isByVoice = true;
    }
  }

  /** A turn begins. `ended`: it is the last one of a guest who has been silent for too long. */
  takeTurn(): "none" | "guest" | "ended" {
    if (!this.#isOn) return "none";
    const nowMs = this.#deps.clock.monotonicMs();
    const isIdle = nowMs - this.#lastTurnMs > this.#deps.idleMs;
    this.#lastTurnMs = nowMs;
    return isIdle ? "ended" : "guest";
  }

  #enter(): void {
    this.#isOn = true;
    this.#lastTurnMs = this.#deps.clock.monotonicMs();
  }
}
