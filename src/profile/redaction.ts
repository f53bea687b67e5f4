import { patternMatches } from "../core/pattern-matches.ts";
import { isCardNumber, isIbanValid } from "./checksums.ts";
import { digitsOf, type NumberGroup, type NumberRun, numberRuns } from "./number-runs.ts";
import { NumberContext, PATTERN_RULES, PLACEHOLDERS, type RedactionKind } from "./redaction-rules.ts";

/** A stretch of text to cut out; offsets half open. */
export interface Finding {
  readonly kind: RedactionKind;
  readonly start: number;
  readonly end: number;
}

/** Which kinds are cut out. */
export type RedactionSwitches = Readonly<Record<RedactionKind, boolean>>;

export const REDACT_EVERYTHING: RedactionSwitches = {
  phone: true,
  email: true,
  card: true,
  account: true,
  id_number: true,
  street_address: true,
};

/** Characters before a number in which its context is looked for. */
const CONTEXT_CHARACTERS = 48;
/** Longer texts are looked at in pieces of this length, so that hostile input costs linear time. */
const PIECE_CHARACTERS = 1_000;

/** The text with what identifies or reaches a person replaced by {@link PLACEHOLDERS}. */
export function redact(text: string, switches: RedactionSwitches = REDACT_EVERYTHING): string {
  let redacted = "";
  let at = 0;
  for (const { kind, start, end } of findPersonal(text)) {
    if (!switches[kind]) continue;
    redacted += text.slice(at, start) + PLACEHOLDERS[kind];
    at = end;
  }
  return redacted + text.slice(at);
}

/** What would be cut out, in order, without overlaps. */
export function findPersonal(text: string): Finding[] {
  const found: Finding[] = [];
  for (let from = 0, to = 0; from < text.length; from = to) {
    to = pieceEnd(text, from);
    const piece = text.slice(from, to);
    for (const { kind, start, end } of [...byPattern(piece), ...byNumber(piece)]) {
      found.push({ kind, start: start + from, end: end + from });
    }
  }
  return withoutOverlaps(found);
}

/** Between two sentences or words, as long as there are any. */
function pieceEnd(text: string, from: number): number {
  const latest = from + PIECE_CHARACTERS;
  if (latest >= text.length) return text.length;
  const gap = Math.max(text.lastIndexOf(". ", latest), text.lastIndexOf("\n", latest));
  if (gap > from + PIECE_CHARACTERS / 2) return gap + 1;
  const space = text.lastIndexOf(" ", latest);
  return space > from ? space + 1 : latest;
}

function byPattern(text: string): Finding[] {
  return PATTERN_RULES.flatMap(({ kind, pattern }) =>
    patternMatches(text, pattern).flatMap((match) => {
      const cut = match.groups?.cut ?? match[0];
      const start = match.index + (match.groups?.cut === undefined ? 0 : match[0].indexOf(cut));
      if (kind === "account" && !isIbanValid(cut.replaceAll(" ", "").toUpperCase())) return [];
      return [{ kind, start, end: start + cut.length }];
    }),
  );
}

function byNumber(text: string): Finding[] {
  const found: Finding[] = [];
  for (const run of numberRuns(text)) {
    const kind = kindOfRun(run, contextBefore(text, run.start), text.slice(run.end, run.end + 12));
    if (kind !== null) found.push(kind);
  }
  for (const run of numberRuns(text, true)) {
    const finding = identifierIn(run, contextBefore(text, run.start));
    if (finding !== null) found.push(finding);
  }
  return found;
}

function contextBefore(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - CONTEXT_CHARACTERS), at);
  // A new sentence has a context of its own, unless it only goes on with the number.
  return before.split(/[?!]\s|\.\s(?=\p{Lu})/u).at(-1) ?? before;
}

/** Cards, social security and phone numbers, and account and id numbers by their context. */
function kindOfRun(run: NumberRun, before: string, after: string): Finding | null {
  const { groups, start, end } = run;
  const digits = digitsOf(groups);
  const card = cardIn(groups);
  if (card !== null) return card;
  if (digits.length < 6 || digits.length > 19) return null;
  if (isSocialSecurity(groups, NumberContext.idNumber.test(before))) return { kind: "id_number", start, end };
  if (NumberContext.idNumber.test(before)) return { kind: "id_number", start, end };
  if (NumberContext.account.test(before) && !isThing(before)) return { kind: "account", start, end };
  if (NumberContext.card.test(before) && digits.length >= 12) return { kind: "card", start, end };
  return isPhone(run, before, after) ? { kind: "phone", start, end } : null;
}

/** The longest number of a payment card, hence the most groups it can be said in. */
const MAX_CARD_DIGITS = 19;

function cardIn(groups: readonly NumberGroup[]): Finding | null {
  for (let from = 0; from < groups.length; from++) {
    for (let to = Math.min(groups.length, from + MAX_CARD_DIGITS); to > from; to--) {
      const part = groups.slice(from, to);
      const digits = digitsOf(part);
      if (digits.length < 13) break;
      const [first, last] = [part[0], part.at(-1)];
      if (first && last && isCardNumber(digits)) return { kind: "card", start: first.start, end: last.end };
    }
  }
  return null;
}

function isSocialSecurity(groups: readonly NumberGroup[], isAnnounced: boolean): boolean {
  const digits = digitsOf(groups);
  if (!/^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(digits)) return false;
  const isWrittenSo = shapeOf(groups) === "3-2-4" && groups.slice(1).every(({ separator }) => separator === "-");
  return isWrittenSo || isAnnounced;
}

function shapeOf(groups: readonly NumberGroup[]): string {
  return groups.map(({ text }) => text.length).join("-");
}

const MIN_PHONE_DIGITS = 7;
const MAX_PHONE_DIGITS = 15;

function isPhone({ groups, hasPlus }: NumberRun, before: string, after: string): boolean {
  const digits = digitsOf(groups);
  if (digits.length < MIN_PHONE_DIGITS || digits.length > MAX_PHONE_DIGITS) return false;
  if (isDateOrTime(groups) || isCounting(digits) || isFollowedByUnit(after)) return false;
  if (hasPlus && !isThing(before)) return true;
  const isAnnounced = NumberContext.phone.test(before);
  if (isThing(before) && !isAnnounced) return false;
  if (isAnnounced) return !lastSaysThing(before);
  const isJoined = groups.slice(1).every(({ separator }) => /^[-. ()]{1,3}$/.test(separator));
  const shape = shapeOf(groups);
  if (/^(?:1-)?3-3-4$/.test(shape)) return isJoined;
  if (shape === "3-4") return groups[1]?.separator === "-";
  if (groups.every(({ isSpoken }) => isSpoken)) return groups.length >= 5 && !isRound(digits);
  // National numbers begin with their trunk prefix.
  return /^0[1-9]\d{8,9}$/.test(digits) && (groups.length === 1 ? digits.startsWith("07") : isJoined);
}

function isThing(before: string): boolean {
  return NumberContext.thing.test(before);
}

const EVERY_THING = new RegExp(NumberContext.thing, "gi");
const EVERY_PHONE = new RegExp(NumberContext.phone, "gi");

/** Of two announcements the nearer counts: "call me about order 5551234" is an order. */
function lastSaysThing(before: string): boolean {
  return lastIndexOf(before, EVERY_THING) > lastIndexOf(before, EVERY_PHONE);
}

function lastIndexOf(text: string, pattern: RegExp): number {
  return patternMatches(text, pattern).at(-1)?.index ?? -1;
}

function isDateOrTime(groups: readonly NumberGroup[]): boolean {
  const written = groups
    .map(({ separator, text }) => separator + text)
    .join("")
    .replaceAll(" ", "");
  return (
    /^(?:19|20)\d{2}[-./]?(?:0?[1-9]|1[0-2])[-./]?(?:0?[1-9]|[12]\d|3[01])(?:\d{2,6})?$/.test(written) ||
    /^(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|1[0-2]|0?[1-9]|[12]\d|3[01])[-./](?:19|20)\d{2}(?:\d{4})?$/.test(
      written,
    ) ||
    /^(?:19|20)\d{2}[-–/](?:19|20)\d{2}$/.test(written) ||
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(written)
  );
}

/** "one two three four five six seven", or back. */
function isCounting(digits: string): boolean {
  const steps = Array.from(digits.slice(1), (digit, i) => Number(digit) - Number(digits[i]));
  return steps.every((step) => step === 1 || step === -9) || steps.every((step) => step === -1);
}

function isRound(digits: string): boolean {
  return /0{4,}$/.test(digits);
}

function isFollowedByUnit(after: string): boolean {
  return /^ ?(?:%|percent|degrees|dollars|euros|pounds|miles|km|kilometers|people|years|bytes|times|points)/i.test(
    after,
  );
}

/** Account, passport, licence and like numbers with letters in them: only where the context announces one, or as an IBAN. */
function identifierIn({ groups, start, end }: NumberRun, before: string): Finding | null {
  const text = digitsOf(groups).toUpperCase();
  if (isIbanValid(text)) return { kind: "account", start, end };
  const digitCount = text.replaceAll(/\D/g, "").length;
  if (digitCount < 4 || text.length < 5) return null;
  if (NumberContext.idNumber.test(before)) return { kind: "id_number", start, end };
  return null;
}

function withoutOverlaps(found: readonly Finding[]): Finding[] {
  const rank = (kind: RedactionKind) => ORDER.indexOf(kind);
  const kept: Finding[] = [];
  for (const finding of found.toSorted((a, b) => rank(a.kind) - rank(b.kind) || b.end - b.start - (a.end - a.start))) {
    if (kept.every(({ start, end }) => finding.end <= start || finding.start >= end)) kept.push(finding);
  }
  return kept.sort((a, b) => a.start - b.start);
}

/** What wins where two kinds overlap: those with a checksum or a sure form first. */
const ORDER: readonly RedactionKind[] = ["email", "card", "account", "id_number", "street_address", "phone"];
