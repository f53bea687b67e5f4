import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { randomId } from "../../core/ids.ts";
import type { RequestHandlers, ResponseOf } from "../mqtt/requests.ts";

export interface ForgetDeps {
  readonly clock: Clock;
  /**
   * Resolves true when somebody held the talk button within 60 s; null when something else waits for the button.
   * @param signal withdraws it.
   */
  askPresence(signal: AbortSignal): Promise<boolean> | null;
  /** The active profile. */
  activeProfile(): Promise<string>;
  /** @throws AppError E_PROFILE_UNKNOWN. */
  requireProfile(profileId: string): Promise<void>;
  /** @throws AppError E_PROFILE_UNKNOWN. */
  forget(profileId: string): Promise<NonNullable<ResponseOf<"profile/forget">["receipt"]>>;
  /** An erasure confirmed by button failed. */
  onFailure(error: unknown): void;
}

interface Armed {
  readonly profile: string;
  readonly confirm: string;
  readonly untilMs: number;
  /** Ends the wait for the button. */
  readonly over: AbortController;
}

const ARMED_MS = 60_000;

/**
 * The two steps of `profile/forget`: arm, then confirm by token or by the talk button.
 *
 * INVARIANTS: at most one erasure is armed, the newest; a token works once, for its profile, for 60 s; the button confirms
 * only what was armed while nothing else waited for it, so that consent given by button never erases anything.
 */
export class ForgetRequests {
  readonly #deps: ForgetDeps;
  #armed: Armed | null = null;

  constructor(deps: ForgetDeps) {
    this.#deps = deps;
  }

  readonly handle: RequestHandlers["profile/forget"] = async ({ profile, confirm }, { followUp }) => {
    const { clock, activeProfile, requireProfile } = this.#deps;
    if (confirm !== null) return this.#confirmed(profile, confirm);
    const id = profile ?? (await activeProfile());
    await requireProfile(id);
    this.#disarm();
    const untilMs = clock.monotonicMs() + ARMED_MS;
    const armed: Armed = { profile: id, confirm: randomId("c"), untilMs, over: new AbortController() };
    this.#armed = armed;
    this.#awaitButton(armed, followUp);
    return { outcome: "armed", profile: id, confirm: armed.confirm, expiresS: ARMED_MS / 1000, receipt: null };
  };

  /** @throws AppError E_CONFIRM_INVALID: another token, another profile, or too late. */
  async #confirmed(profile: string | null, confirm: string): Promise<ResponseOf<"profile/forget">> {
    const armed = this.#armed;
    const isRight =
      armed !== null &&
      armed.confirm === confirm &&
      (profile === null || profile === armed.profile) &&
      this.#deps.clock.monotonicMs() < armed.untilMs;
    if (!isRight) throw new AppError("E_CONFIRM_INVALID", "nothing is armed with that confirmation");
    return await this.#forget(armed);
  }

  #awaitButton(armed: Armed, followUp: (data: ResponseOf<"profile/forget">) => void): void {
    this.#deps
      .askPresence(armed.over.signal)
      ?.then(async (isPresent) => {
        if (isPresent && this.#armed === armed) followUp(await this.#forget(armed));
      })
      .catch((error: unknown) => this.#deps.onFailure(error));
  }

  #disarm(): void {
    this.#armed?.over.abort();
    this.#armed = null;
  }

  async #forget({ profile }: Armed): Promise<ResponseOf<"profile/forget">> {
    this.#disarm();
    const receipt = await this.#deps.forget(profile);
    return { outcome: "forgotten", profile, confirm: null, expiresS: null, receipt };
  }
}
