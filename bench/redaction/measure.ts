import { type Finding, findPersonal } from "../../src/profile/redaction.ts";
import { REDACTION_KINDS, type RedactionKind } from "../../src/profile/redaction-rules.ts";

/** A sentence and what must be cut out of it. */
export interface Labelled {
  readonly text: string;
  readonly spans: readonly Finding[];
}

export interface RedactionScore {
  readonly labelled: number;
  readonly found: number;
  /** Share of what was cut out that had to be; 1 when nothing was. */
  readonly precision: number;
  /** Share of what had to be cut out that was, every letter and digit of it; 1 when there was nothing. */
  readonly recall: number;
  readonly f1: number;
}

export interface RedactionResult {
  readonly total: RedactionScore;
  readonly byKind: Readonly<Record<RedactionKind, RedactionScore>>;
  /** Sentences in which something stayed, and in which something was cut out by mistake (wrong kind: both). */
  readonly misses: readonly string[];
  readonly excesses: readonly string[];
}

const LABEL = /\{([a-z_]+):([^}]*)\}/g;

/** One sentence per line, `{kind:text}` around what must go; `#` begins a comment. */
export function parseLabelled(content: string): Labelled[] {
  return content
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      const spans: Finding[] = [];
      let text = "";
      let at = 0;
      for (const match of line.matchAll(LABEL)) {
        const kind = REDACTION_KINDS.find((known) => known === match[1]);
        if (kind === undefined) throw new TypeError(`unknown kind of label: ${match[1]}`);
        text += line.slice(at, match.index);
        spans.push({ kind, start: text.length, end: text.length + (match[2]?.length ?? 0) });
        text += match[2] ?? "";
        at = match.index + match[0].length;
      }
      return { text: text + line.slice(at), spans };
    });
}

/** A label counts as found when one finding of its kind covers it; a finding as right when it touches a label of its kind. */
export function measureRedaction(sentences: readonly Labelled[]): RedactionResult {
  const counts = REDACTION_KINDS.map((kind) => ({ kind, labelled: 0, covered: 0, found: 0, right: 0 }));
  const misses: string[] = [];
  const excesses: string[] = [];
  for (const { text, spans } of sentences) {
    const findings = findPersonal(text);
    for (const count of counts) {
      const labels = spans.filter(({ kind }) => kind === count.kind);
      const found = findings.filter(({ kind }) => kind === count.kind);
      const covered = labels.filter((label) =>
        found.some(({ start, end }) => start <= label.start && end >= label.end),
      );
      const right = found.filter(({ start, end }) => labels.some((label) => start < label.end && end > label.start));
      count.labelled += labels.length;
      count.covered += covered.length;
      count.found += found.length;
      count.right += right.length;
      if (covered.length < labels.length) misses.push(`${text} (${count.kind})`);
      if (right.length < found.length) excesses.push(`${text} (${count.kind})`);
    }
  }
  const sum = (pick: (count: (typeof counts)[number]) => number) =>
    counts.reduce((total, each) => total + pick(each), 0);
  const total = scoreOf({
    labelled: sum(({ labelled }) => labelled),
    covered: sum(({ covered }) => covered),
    found: sum(({ found }) => found),
    right: sum(({ right }) => right),
  });
  const byKind = Object.fromEntries(counts.map(({ kind, ...count }) => [kind, scoreOf(count)])) as Record<
    RedactionKind,
    RedactionScore
  >;
  return { total, byKind, misses, excesses };
}

function scoreOf({ labelled, covered, found, right }: Record<"labelled" | "covered" | "found" | "right", number>) {
  const precision = found === 0 ? 1 : right / found;
  const recall = labelled === 0 ? 1 : covered / labelled;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { labelled, found, precision, recall, f1 };
}
