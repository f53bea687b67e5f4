/** What an utterance means as the answer to a question of consent. */
export type InterviewReply = "yes" | "no" | "later" | "repeat" | "other";

/** Consent has to be clear: "okay", "fine" or silence are none. */
const REPLIES: readonly (readonly [Exclude<InterviewReply, "other">, RegExp])[] = [
  ["later", /^(?:maybe )?(?:later|not now|not yet|another time|ask (?:me )?(?:again )?later|maybe|i don't know)$/],
  [
    "no",
    /^(?:no|nope|never|rather not|please don't|don't|do not|you may not|i'd rather not|i do not want (?:that|this)|i don't want (?:that|this))(?: no)*(?: thanks| thank you| please| you may not| don't| do not)*$/,
  ],
  [
    "yes",
    /^(?:yes|yeah|yep|sure|of course|certainly|i agree|i do|you may|you can|go ahead|please do)(?: yes)*(?: please| you may| you can| of course| i do| i agree| sure| go ahead| do| remember| learn)*$/,
  ],
  [
    "repeat",
    /^(?:what|pardon|sorry|excuse me|what was that|what did you say|say (?:that|it) again|repeat(?: that| it| the question)?(?: please)?|i (?:did not|didn't|do not|don't) understand(?: that| the question)?)$/,
  ],
];

/** @param text a recogniser's words, or typed. English. */
export function replyIn(text: string): InterviewReply {
  const words = text
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/[^a-z' ]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  return REPLIES.find(([, pattern]) => pattern.test(words))?.[0] ?? "other";
}
