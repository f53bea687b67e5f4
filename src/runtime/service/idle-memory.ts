import type { Clock } from "../../core/clock.ts";
import type { Service } from "../../core/service.ts";
import type { PhaseTracker } from "../dialog/phase.ts";

/** How long nobody spoke before memory is given back, ms. Collecting garbage holds up the event loop for some tens of ms. */
const QUIET_MS = 30_000;
/** How often after that, ms: what is done every few seconds fills free pieces of the native heap again, a megabyte in hours. */
const AGAIN_MS = 3_600_000;

export interface IdleMemoryDeps {
  readonly phase: PhaseTracker;
  readonly clock: Clock;
  /** Begins it; must not throw. */
  readonly giveBack: () => void;
}

/**
 * Gives back, after each conversation, what its turns left behind: with a small young generation (core/service-launch.ts)
 * their garbage lies in V8's old one, which is collected late on a device that idles. Then every hour until somebody speaks.
 */
export class IdleMemory implements Service {
  readonly name = "idle memory";
  readonly #deps: IdleMemoryDeps;
  #unsubscribe = () => {};
  #cancel = () => {};

  constructor(deps: IdleMemoryDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#deps.phase.onChange(({ phase: now }) => {
      this.#cancel();
      if (now === "idle") this.#giveBackAfter(QUIET_MS);
    });
    this.#giveBackAfter(AGAIN_MS);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#cancel();
  }

  #giveBackAfter(ms: number): void {
    const { clock, giveBack } = this.#deps;
    this.#cancel = clock.after(ms, () => {
      this.#giveBackAfter(AGAIN_MS);
      giveBack();
    });
  }
}
