import { AppError } from "../../core/errors.ts";
import { CONSENT_WORDING, type ConsentWording } from "../../profile/consent-wording.ts";
import type { ConsentEntry, ConsentOrigin, ConsentPurpose, Profile } from "../../profile/ports.ts";
import type { ControlHandlers } from "../control/control-server.ts";
import type { ServiceParts } from "./service-parts.ts";

type ConsentMethod = "consent" | "consentShow" | "consentDecide" | "guest";

/** What stands, how it came to that, and in which words it is asked. */
export interface ConsentState {
  readonly profile: string;
  readonly standing: Profile["consent"];
  /** The person is still to be asked. */
  readonly isDue: boolean;
  readonly history: readonly ConsentEntry[];
  readonly wording: ConsentWording;
}

type Parts = Pick<ServiceParts, "dialog" | "profiles" | "presence">;

/** Consent and guest mode on the control socket. */
export function consentControls(parts: Parts): Pick<ControlHandlers, ConsentMethod> {
  const { dialog, profiles } = parts;
  return {
    consentShow: async (): Promise<ConsentState> => {
      const { id } = await profiles.store.active();
      const { consent, consentHistory } = await profiles.archive.summary(id);
      const isDue = await profiles.store.isConsentDue(id);
      return { profile: id, standing: consent, isDue, history: consentHistory, wording: CONSENT_WORDING };
    },
    consentDecide: async ({ store, train }) => {
      const { id } = await profiles.store.active();
      await profiles.store.noteConsentAsked(id);
      const decisions = [
        ["store", store],
        ["train", store && train],
      ] as const;
      return await decide(parts, decisions, "cli");
    },
    consent: async ({ purpose, granted }) => {
      const [decided] = await decide(parts, [[purpose, granted]], "cli");
      return decided;
    },
    guest: async ({ on }) => {
      await dialog.setGuest(on);
      return { guest: dialog.isGuest };
    },
  };
}

/**
 * Carries out decisions about the active profile; what is granted waits for the talk button, once for all of it.
 * @throws AppError E_CONSENT_NEEDS_PRESENCE when nobody held it in time: then nothing is granted, refusals stand.
 */
async function decide(
  { dialog, profiles, presence }: Parts,
  decisions: readonly (readonly [ConsentPurpose, boolean])[],
  origin: ConsentOrigin,
) {
  const { id, consent } = await profiles.store.active();
  const done = [];
  for (const [purpose, granted] of decisions) {
    if (!granted) done.push({ purpose, granted, ...(await dialog.setConsent(id, purpose, false, origin)) });
  }
  const asked = decisions.filter(([purpose, granted]) => granted && !consent[purpose]);
  if (asked.length > 0 && !(await presence.ask())) {
    throw new AppError("E_CONSENT_NEEDS_PRESENCE", "nobody held the talk button in time");
  }
  for (const [purpose] of asked) {
    done.push({ purpose, granted: true, ...(await dialog.setConsent(id, purpose, true, "button")) });
  }
  return done;
}
