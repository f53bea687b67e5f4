/** Feedback on the previous answer that a turn's own words carry. */
export type SpokenFeedback =
  | { readonly kind: "praise" | "complaint" | "repeat_request" | "stop" }
  | {
      readonly kind: "correction";
      /** What the user wants instead; user text, in the user's own casing. */
      readonly target: string;
      /**
       * `answer`: the target is the right answer ("no, it is Canberra"). `request`: the target says what was asked for
       * ("I meant the bedroom lights"): answer it as a new turn, too.
       */
      readonly about: "answer" | "request";
    };

/** Feedback is short; anything longer is a request (also bounds the work for hostile input). */
const LONGEST = 300;

const WHOLE: readonly (readonly ["praise" | "complaint" | "repeat_request" | "stop", RegExp])[] = [
  [
    "stop",
    /^(?:(?:please|ok|okay|no) )?(?:stop(?: (?:it|that|talking|speaking|please|now))*|be quiet|quiet|shut up|hush|silence|enough|that s enough|that is enough|never mind|cancel(?: that)?)(?: please| now)?$/,
  ],
  [
    "repeat_request",
    /^(?:sorry |please |excuse me )?(?:(?:can|could|would) you (?:please )?)?(?:say (?:that|it)(?: one more time| once more| again)|(?:repeat|rephrase)(?: that| it| yourself)?|say again|come again|once more|one more time|what did you (?:just )?say|what was that(?: again)?|i did(?:n t| not) (?:hear|catch|get) (?:that|you|it)|pardon(?: me)?)(?: please)?$/,
  ],
  [
    "praise",
    /^(?:(?:yes|yeah|wow|thanks|thank you) )?(?:(?:that s|that is|that was|this is|you are|you re|you were|it s|it is) )?(?:(?:very|so|really|absolutely|exactly|quite|a|an|the) ){0,2}(?:right|correct|perfect|great|excellent|awesome|brilliant|fantastic|wonderful|helpful|good (?:job|answer|work|one)|nice (?:job|answer|work|one)|great (?:job|answer|work|one)|well done|spot on|what i (?:wanted|needed|asked for|meant))(?: (?:thanks|thank you|answer))?$/,
  ],
  ["praise", /^(?:yes )?(?:i (?:really )?(?:like|love|liked|loved) (?:that|this|your) answer|exactly)$/],
  [
    "complaint",
    /^(?:(?:no|nope|sorry|hey) )?(?:(?:that s|that is|that was|this is|you are|you re|you were|it s|it is) )?(?:(?:very|so|really|absolutely|just|quite|completely|totally|a|an|the) ){0,2}(?:wrong(?: answer)?|incorrect|not (?:right|correct|true|helpful|good|it)|bad(?: answer)?|useless|terrible|awful|nonsense|rubbish|not what i (?:asked(?: for)?|wanted|meant|said))$/,
  ],
  [
    "complaint",
    /^(?:no )?(?:you (?:(?:have )?(?:mis(?:understood|heard)(?: me)?|got (?:it|that) wrong)|did(?:n t| not) (?:understand|get it)(?: me)?|made a mistake)|that did(?:n t| not) work|i (?:do(?:n t| not) like|hate|did(?:n t| not) like) (?:that|this|your) answer)$/,
  ],
];

const BLAME = `(?:that(?:'s| is| was)|you(?:'re| are| were)|it(?:'s| is| was)) (?:(?:all|just|completely|totally) )?(?:wrong|incorrect|not (?:right|correct|true))`;
const SEPARATOR = String.raw`\s*[,.:;!–—-]*\s+`;

/** Tried in order on the text as it was said; the first group is the target. */
const CORRECTIONS: readonly (readonly ["answer" | "request", RegExp])[] = [
  [
    "request",
    new RegExp(
      String.raw`^(?:(?:no|nope|sorry|wait)${SEPARATOR}){0,2}(?:(?:${BLAME}|not that|that(?:'s| is| was) not what i (?:meant|said|wanted))${SEPARATOR})?i (?:actually |really )?(?:meant|mean|said)(?: to say| was)?(?:${SEPARATOR}|\s+)(.+)$`,
      "iu",
    ),
  ],
  [
    "answer",
    new RegExp(`^(?:(?:no|nope|sorry)${SEPARATOR})?you should (?:have said|say|have answered)${SEPARATOR}(.+)$`, "iu"),
  ],
  [
    "answer",
    new RegExp(
      `^(?:(?:no|nope|sorry)${SEPARATOR})?(?:${BLAME}${SEPARATOR})?(?:the )?(?:right|correct) answer (?:is|was|would be|would have been)${SEPARATOR}(.+)$`,
      "iu",
    ),
  ],
  ["answer", new RegExp(`^(?:(?:no|nope|sorry)${SEPARATOR})?${BLAME}${SEPARATOR}(.+)$`, "iu")],
  ["answer", /^(?:(?:no|nope)\s*[\s,.:;!–—-]\s*)+(.+)$/iu],
];

/** A "no" that answers a question or is part of a phrase, rather than corrects. Matched on the words after it. */
const NOT_A_CORRECTION =
  /^(?:no\b.*|thanks?\b.*|thank you\b.*|problem|worries|idea|need\b.*|one\b.*|more\b.*|way\b.*|longer\b.*|matter\b.*|not (?:really|now|yet|today|at all)\b.*|that s (?:all|fine|ok|okay|it|enough|good|great)\b.*|that is (?:all|fine|ok|okay|it|enough|good)\b.*|it s (?:ok|okay|fine|all right|alright)\b.*|never\b.*|stop\b.*|please(?: stop)?|sorry|sir|maam|i (?!meant|mean|said)\w+.*|you (?:are|re|can|can t|do|don t|did|didn t|misunderstood)\b.*|(?:do|don t|can|what|why|how|who|when|where|which|is|are|will|would|could|should)\b.*\?|but\b.*|because\b.*)$/;

/**
 * The feedback in a turn's words, or null when it is an ordinary request. Works on a recogniser's output ("no i meant the
 * bedroom") and on typed text ("No, I meant the bedroom."). English. Meaning is judged by the words alone: the caller
 * applies it only when there is an answer to judge.
 */
export function recogniseFeedback(text: string): SpokenFeedback | null {
  if (text.length > LONGEST) return null;
  const said = text.replace(/[’`]/g, "'").replace(/\s+/g, " ").trim();
  const plain = plainWords(said);
  for (const [kind, pattern] of WHOLE) if (pattern.test(plain)) return { kind };
  for (const [about, pattern] of CORRECTIONS) {
    const target = pattern.exec(said)?.[1]?.trim();
    if (target === undefined || target === "") continue;
    const rest = plainWords(target) + (target.endsWith("?") ? "?" : "");
    if (rest === "" || (about === "answer" && NOT_A_CORRECTION.test(rest))) return null;
    return { kind: "correction", target, about };
  }
  return null;
}

function plainWords(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
