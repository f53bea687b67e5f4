import type { ConsentPurpose } from "../../profile/ports.ts";

export interface ConsentRequest {
  readonly purpose: ConsentPurpose;
  readonly granted: boolean;
}

const GRANT = /^(?:yes )?(?:please )?you (?:may|can) (remember|keep|learn from) (?:what i say|me|this|my words)$/;
const WITHDRAW =
  /^(?:please )?(?:stop|do not|don't) (remember(?:ing)?|keep(?:ing)?|learn(?:ing)? from) (?:what i say|me|this|my words)$/;

/**
 * A spoken consent change, or null. Only whole sentences count, so that a mention inside a longer request changes
 * nothing. "remember" and "keep" mean `store`, "learn from" means `train`.
 */
export function consentRequestIn(utterance: string): ConsentRequest | null {
  const words = utterance
    .toLowerCase()
    .replaceAll(/[^a-z' ]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const grant = GRANT.exec(words);
  const match = grant ?? WITHDRAW.exec(words);
  if (match?.[1] === undefined) return null;
  return { purpose: match[1].startsWith("learn") ? "train" : "store", granted: grant !== null };
}
