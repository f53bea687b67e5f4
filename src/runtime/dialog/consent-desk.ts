import type { ConsentOrigin, ConsentPurpose } from "../../profile/ports.ts";
import { consentWithdrawnElsewhere } from "./acknowledgements.ts";
import type { ConsentConsequence } from "./consent-consequence.ts";
import type { Memory } from "./ports.ts";

/** A change of consent as it is told to the listeners. */
export interface ConsentChange extends ConsentConsequence {
  readonly purpose: ConsentPurpose;
  readonly granted: boolean;
  readonly origin: ConsentOrigin;
}

export interface ConsentDeskDeps {
  readonly memory: Pick<Memory, "setConsent" | "active">;
  /** Has learning follow what stands in the ledger now. */
  followConsent(): Promise<ConsentConsequence>;
  onChange(change: ConsentChange): void;
  /** Says it aloud, when the device is free. */
  announce(sentence: string): void;
}

/**
 * Changes consent: ledger first, then what follows from it, then everybody is told; who stands at the device hears of a
 * withdrawal that came from elsewhere.
 *
 * @throws AppError E_CONSENT_NEEDS_PRESENCE, E_PROFILE_UNKNOWN.
 */
export async function changeConsent(
  deps: ConsentDeskDeps,
  profileId: string,
  purpose: ConsentPurpose,
  granted: boolean,
  origin: ConsentOrigin,
): Promise<ConsentConsequence> {
  const { id, consent } = await deps.memory.active();
  await deps.memory.setConsent(profileId, purpose, granted, origin);
  const consequence = await deps.followConsent();
  deps.onChange({ purpose, granted, origin, ...consequence });
  const isAtDevice = origin === "spoken" || origin === "button";
  if (!granted && !isAtDevice && id === profileId && consent[purpose]) {
    deps.announce(consentWithdrawnElsewhere({ purpose, granted }, consequence));
  }
  return consequence;
}
