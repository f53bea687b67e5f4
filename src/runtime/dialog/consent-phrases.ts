import type { ConsentPurpose } from "../../profile/ports.ts";

export interface ConsentRequest {
  readonly purpose: ConsentPurpose;
  readonly granted: boolean;
}

const WHAT = "(?:what i say|me|this|my words|us|our conversations)";
const GRANTS: readonly (readonly [ConsentPurpose, RegExp])[] = [
  ["store", new RegExp(`^(?:yes )?(?:please )?you (?:may|can) (?:remember|keep|store|save) ${WHAT}$`)],
  ["train", new RegExp(`^(?:yes )?(?:please )?you (?:may|can) (?:learn|train) from ${WHAT}$`)],
  ["answer", /^(?:yes )?(?:please )?you (?:may|can) answer(?: me| us)?(?: again)?$/],
  ["telemetry", /^(?:yes )?(?:please )?you (?:may|can) (?:publish|report) (?:figures|numbers)(?: about me)?$/],
  ["speaker", /^(?:yes )?(?:please )?you (?:may|can) (?:know|remember|recognise|recognize|learn) my voice$/],
];
const STOP = "(?:please )?(?:stop|do not|don't|never|you may not|you may no longer)";
const WITHDRAWALS: readonly (readonly [ConsentPurpose, RegExp])[] = [
  ["store", new RegExp(`^${STOP} (?:remember(?:ing)?|keep(?:ing)?|stor(?:e|ing)|sav(?:e|ing)) ${WHAT}$`)],
  ["train", new RegExp(`^${STOP} (?:learn|train)(?:ing)? from ${WHAT}$`)],
  ["answer", new RegExp(`^${STOP} answer(?:ing)?(?: me| us)?$`)],
  ["telemetry", new RegExp(`^${STOP} (?:publish|report)(?:ing)? (?:figures|numbers)(?: about me)?$`)],
  ["speaker", new RegExp(`^${STOP} (?:know|remember|recogni[sz]|learn)(?:e|ing)? my voice$`)],
];
const EXPLAIN =
  /^(?:(?:can you |please )?(?:explain|tell me about) (?:your |my )?(?:privacy|consent)|what do you (?:keep|store|save|record)(?: about me| of what i say| from me)?|ask me about (?:my )?(?:consent|privacy)(?: again)?|ask (?:me )?again (?:whether|if) you may remember(?: me| what i say)?)$/;

/** A spoken consent change, or null. Only whole sentences count, so that a mention inside a longer request changes nothing. */
export function consentRequestIn(utterance: string): ConsentRequest | null {
  const words = plainWords(utterance);
  const granted = GRANTS.find(([, pattern]) => pattern.test(words));
  if (granted !== undefined) return { purpose: granted[0], granted: true };
  const withdrawn = WITHDRAWALS.find(([, pattern]) => pattern.test(words));
  return withdrawn === undefined ? null : { purpose: withdrawn[0], granted: false };
}

/** Somebody wants to hear what is kept, and to be asked. */
export function asksAboutConsent(utterance: string): boolean {
  return EXPLAIN.test(plainWords(utterance));
}

function plainWords(utterance: string): string {
  return utterance
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/[^a-z' ]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
