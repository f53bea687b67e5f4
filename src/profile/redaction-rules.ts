/** What is cut out of text before it is written down. */
export const REDACTION_KINDS = ["phone", "email", "card", "account", "id_number", "street_address"] as const;
export type RedactionKind = (typeof REDACTION_KINDS)[number];

/** Stands where something was cut out; plain words, so that what is learned from the text stays language. */
export const PLACEHOLDERS: Readonly<Record<RedactionKind, string>> = {
  phone: "[phone number]",
  email: "[e-mail address]",
  card: "[card number]",
  account: "[account number]",
  id_number: "[id number]",
  street_address: "[street address]",
};

/** A rule by pattern: the whole match is cut out, or the named group `cut` of it. */
export interface PatternRule {
  readonly kind: RedactionKind;
  readonly pattern: RegExp;
}

const TLD =
  "(?:com|net|org|edu|gov|info|io|co|uk|de|fr|es|it|nl|be|at|ch|eu|us|ca|au|nz|ie|pl|se|no|fi|dk|pt|me|dev|app|mail|email|cloud)";
const SPOKEN_TLD = `(?:dot (?:co|com|org|ac) dot (?:uk|au|nz|jp)|dot ${TLD}(?: dot ${TLD})?)`;
const SPOKEN_PART = "[\\p{L}\\p{N}]+(?: ?(?:dot|underscore|dash|hyphen|minus|plus) ?[\\p{L}\\p{N}]+){0,4}";
/** Words in front of "at amazon dot com" that make it a place to shop, not a person to write to. */
const NO_NAME =
  "(?!(?:look|looked|looking|shop|shopping|buy|bought|order|ordered|available|sold|find|found|is|are|was|it|its|them|those|this|that|these|up|one|work|works|working|job|read|watch|shoes|books|more|us|me|page|website|site|only|online|prices?|deals?|reviews?|now|here|out|jobs|stuff|things?) at )";
const MAIL_WORD = "(?:e-?mails?|mail(?:ing)?|inbox|write (?:to )?|address)";

const NUMBERED =
  "(?:\\d{1,5}[a-z]?(?:[-/]\\d{1,4})?|(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|one|two|three|four|five|six|seven|eight|nine|oh|hundred|thousand|zero)[ -]){0,4}(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|one|two|three|four|five|six|seven|eight|nine|hundred|thousand)(?: [ab])?)";
/** Words that are no part of a street's name: "5 miles down the road", "two way street", "a four lane road". */
const NO_STREET =
  "(?!(?:miles?|kilomet(?:er|re)s?|km|m|met(?:er|re)s?|feet|foot|yards?|blocks?|houses?|minutes?|mins?|hours?|hrs?|seconds?|days?|weeks?|months?|years?|percent|degrees?|dollars?|euros?|pounds?|cents?|more|other|of|the|a|an|to|from|in|on|at|by|for|with|and|or|is|are|was|way|lane|track|story|level|times|people|persons?|cars?|lights?|big|small|different|new|busy|long|wide|quiet|narrow|closed|minute|second|third|first|hour|day|mile|block|am|pm|o'clock|down|up|off|per|left|right|into|along|across|dollar|bedroom)\\b)";
const STREET_WORD = `${NO_STREET}[\\p{L}\\p{N}][\\p{L}\\p{N}'’.-]{0,20}`;
const DIRECTION =
  "(?:(?:north|south|east|west|northeast|northwest|southeast|southwest|[nsew]\\.?|upper|lower|old|new|saint|st\\.?|mount|great|little|main|first|second|third|fourth|fifth|the) )";
const SURE_SUFFIX = "(?:street|avenue|ave|road|boulevard|blvd|terrace|crescent|parkway|pkwy|mews|strasse|straße)";
const UNSURE_SUFFIX =
  "(?:st|rd|lane|ln|drive|dr|court|ct|square|sq|way|place|pl|close|circle|cir|alley|row|gardens|hill|grove|trail|walk|park)";
const UNIT =
  "(?:,? (?:apt|apartment|flat|unit|suite|number)\\.? ?#?(?:\\d+[a-z]?|[a-z]|one|two|three|four|five|six|seven|eight|nine|ten)\\b)?";
const LIVES =
  "(?:live|lives|lived|living|stay(?:s|ing)?|address(?: is|:)?|move[ds]? to|moving to|deliver(?:ed|y)?(?: it| this| them)? to|send (?:it|this|them|the \\p{L}+) to|ship(?:ped)?(?: it| this)? to|meet (?:me|us) at|come to|pick (?:me|us) up at|house (?:is )?(?:at)?|home is|at home at)";

const ANNOUNCED_ID =
  "\\b(?:passport|driver'?s? licen[cs]e|driving licen[cs]e|licen[cs]e number|licen[cs]e plate|national insurance|social security|social|ssn|tax(?:payer)?(?: id| identification)?(?: number)|tax(?:payer)? id|id card|id number|identity (?:card|number)|insurance number|medicare|medicaid|nhs|health card|personnel|student (?:id|number)|employee (?:id|number))\\b";
const PIECE =
  "(?!(?:is|on|in|at|of|to|my|or|it|no|id|an|as|be|by|do|go|he|if|me|so|up|us|we|am|a|i)\\b)(?:\\p{L}{0,8}\\d[\\p{L}\\p{N}]{0,20}|\\p{L}{1,2}(?=[ -]))";

/**
 * Rules by pattern, in this order; numbers are classified by {@link NumberContext} besides. English, with the written forms of
 * German and French street addresses. All are linear in the length of the text (bounded repetitions only).
 */
export const PATTERN_RULES: readonly PatternRule[] = [
  {
    kind: "email",
    pattern:
      /[\p{L}\p{N}](?:[\p{L}\p{N}._%+-]{0,62}[\p{L}\p{N}_])?@[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}\.){1,4}\p{L}{2,24}/giu,
  },
  // "sam@example dot com"
  {
    kind: "email",
    pattern: new RegExp(`[\\p{L}\\p{N}][\\p{L}\\p{N}._+-]{0,62}@[\\p{L}\\p{N}-]{1,61} ${SPOKEN_TLD}\\b`, "giu"),
  },
  // after a word that announces one: everything up to the top-level domain
  {
    kind: "email",
    pattern: new RegExp(
      `\\b${MAIL_WORD}\\b[^.?!@\\n]{0,24}?\\b(?:is|to|at|:|me|him|her|us|address|contact)\\b:? (?<cut>(?:[\\p{L}\\p{N}]+ ){0,4}?${SPOKEN_PART} at ${SPOKEN_PART} ?${SPOKEN_TLD})\\b`,
      "giu",
    ),
  },
  // "sam at example.com" after such a word
  {
    kind: "email",
    pattern: new RegExp(
      `\\b${MAIL_WORD}\\b[^.?!@\\n]{0,24}?(?<cut>\\b${NO_NAME}${SPOKEN_PART}(?:\\.[\\p{L}\\p{N}]+)? at [\\p{L}\\p{N}-]{1,40}(?:\\.[\\p{L}\\p{N}-]{1,20}){0,2}\\.${TLD})\\b`,
      "giu",
    ),
  },
  { kind: "email", pattern: new RegExp(`\\b${NO_NAME}${SPOKEN_PART} at ${SPOKEN_PART} ?${SPOKEN_TLD}\\b`, "giu") },
  { kind: "account", pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/gi },
  // behind a word that announces one: letters and digits in pieces, four digits at least
  {
    kind: "id_number",
    pattern: new RegExp(
      `(?:${ANNOUNCED_ID})[^.?!\\d]{0,20}?(?<![\\p{L}\\p{N}])(?<cut>(?=(?:[^.?!]{0,30}?\\d){4})${PIECE}(?:[ -]${PIECE}){0,6}(?:[ -](?![ai]\\b)\\p{L})?)(?![\\p{L}\\p{N}])`,
      "giu",
    ),
  },
  // UK National Insurance number
  { kind: "id_number", pattern: /\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b/gi },
  {
    kind: "street_address",
    pattern:
      /\bp\.? ?o\.? ?box (?:\d{1,6}|(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine) ?){2,6})(?!\p{L})/giu,
  },
  {
    kind: "street_address",
    pattern:
      /\bpost office box (?:\d{1,6}|(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine) ?){2,6})(?!\p{L})/giu,
  },
  {
    kind: "street_address",
    pattern: new RegExp(
      `(?<![\\p{L}\\p{N}.,:]|\\b(?:route|highway|channel|page|chapter|episode|version) )${NUMBERED},? ${DIRECTION}{0,2}(?:${STREET_WORD} ){1,3}${SURE_SUFFIX}\\b\\.?${UNIT}`,
      "giu",
    ),
  },
  {
    kind: "street_address",
    pattern: new RegExp(
      `\\b${LIVES} (?:(?:is|at|on|in|the|number|my|address) ){0,2}(?<cut>${NUMBERED},? ${DIRECTION}{0,2}(?:${STREET_WORD} ){0,3}(?:${SURE_SUFFIX}|${UNSURE_SUFFIX})\\b\\.?${UNIT})`,
      "giu",
    ),
  },
  // written with capitals: 12 Rose Lane, 7 St Mary's Close
  {
    kind: "street_address",
    pattern:
      /(?<![\p{L}\p{N}.,:])\d{1,5}[a-z]?,? (?:[NSEW]\.? |St\.? |Old |New |The )?(?:[A-Z][\p{L}'’.-]{1,20} ){1,3}(?:St|Rd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Way|Place|Pl|Close|Circle|Cir|Row|Gardens|Hill|Grove|Trail|Walk|Park)\b\.?(?:,? (?:[Aa]pt|[Aa]partment|[Ff]lat|[Uu]nit|[Ss]uite)\.? ?#?\d{0,4}[A-Za-z]?\b)?/gu,
  },
  // 5th Avenue 120 and the like are rare; German: Hauptstraße 12, Am Alten Markt needs its suffix
  {
    kind: "street_address",
    pattern:
      /(?<!\p{L})(?:\p{Lu}[\p{L}-]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer)|\p{Lu}[\p{L}-]{2,20} (?:Straße|Strasse|Str\.|Weg|Platz|Allee)) \d{1,4} ?[a-z]?(?![\p{L}\d])/gu,
  },
  // French: 12 rue de la Paix
  {
    kind: "street_address",
    pattern:
      /(?<![\p{L}\p{N}])\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|allée|quai|impasse) (?:(?:de |du |des |la |le |les |l['’]|d['’]){0,2})\p{L}[\p{L}'’-]{1,25}(?: \p{Lu}[\p{L}'’-]{1,25}){0,2}/giu,
  },
];

/** Words in front of a number that say what it is; looked for in the 48 characters before it. */
export const NumberContext = {
  phone:
    /\b(?:phone|telephone|mobile|cell(?:phone)?|call(?:ing)?|dial|ring|reach|text(?:ing)?|fax|tel|whatsapp|voicemail|landline|extension|contact|hotline|sms)\b/i,
  card: /\b(?:card|visa|mastercard|amex|american express|credit|debit)\b/i,
  account: /\b(?:account|routing|sort code|iban|bank)\b/i,
  idNumber: new RegExp(ANNOUNCED_ID, "i"),
  /** Numbers of things, not of people. */
  thing:
    /\b(?:order|tracking|invoice|serial|isbn|part|model|reference|ticket|confirmation|booking|flight|version|build|article|item|product|sku|barcode|recipe|room|channel|frequency|error|code|pi|digits|score|bus|train|gate|page|chapter|episode|count(?:ing)?|lottery|numbers are|zip|postcode|postal|coordinates|latitude|longitude|ip|port|calculate|times|plus|minus|divided|square root|population|distance|timestamp|imei|batch|case|claim|policy|case number)\b/i,
} as const;
