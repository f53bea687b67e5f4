import type { EncodedExample } from "../../src/adapt/example-encoding.ts";
import type { EncodedDialogue } from "./dialogue-encoder.ts";

/** How much of a dialogue the model sees at a time. */
export interface WindowSize {
  /** Longest window, tokens. */
  readonly tokens: number;
  /** Earlier turns of the same dialogue in front of what is learned or measured, at most; tokens. */
  readonly overlap: number;
}

/** A stretch of a dialogue. Spans count from its own start. */
export interface Window {
  readonly tokens: readonly number[];
  readonly spans: readonly (readonly [from: number, to: number])[];
  /** Turns of the dialogue in front of the first span; what a prompt may be chosen by. */
  readonly firstTurn: number;
}

/**
 * Cuts a dialogue at turns: every turn is in the spans of exactly one window, behind as many earlier turns as fit.
 *
 * @param spans one per turn: `learned` or `own` of the dialogue.
 */
export function windowsOf(
  { tokens, learned }: EncodedDialogue,
  spans: EncodedDialogue["own"],
  { tokens: limit, overlap }: WindowSize,
): Window[] {
  const ends = learned.map(([, to]) => to);
  const starts = [0, ...ends.slice(0, -1).map((end) => end + 1)];
  const start = (turn: number) => starts[turn] ?? 0;
  const end = (turn: number) => ends[turn] ?? 0;
  const windows: Window[] = [];
  for (let turn = 0; turn < spans.length; ) {
    let first = turn;
    while (first > 0 && end(turn) - start(first - 1) <= limit && end(turn - 1) - start(first - 1) <= overlap)
      first -= 1;
    let next = turn + 1;
    while (next < spans.length && end(next) - start(first) <= limit) next += 1;
    const origin = start(first);
    windows.push({
      tokens: tokens.slice(origin, end(next - 1)),
      spans: spans.slice(turn, next).map(([from, to]) => [Math.max(1, from - origin), to - origin]),
      firstTurn: turn,
    });
    turn = next;
  }
  return windows;
}

/** The window behind a prompt that is only read. */
export function behind(prompt: readonly number[], window: Window): Window {
  if (prompt.length === 0) return window;
  const shift = prompt.length;
  return {
    ...window,
    tokens: [...prompt, ...window.tokens],
    spans: window.spans.map(([from, to]) => [from + shift, to + shift]),
  };
}

/** As the product's training and measuring take it. */
export function asExample(id: string, { tokens, spans }: Window): EncodedExample {
  return {
    example: {
      id,
      kind: "next_utterance",
      objective: { kind: "ce" },
      weight: 1,
      text: { kind: "text", text: "" },
      interactionIds: [id],
      domain: null,
      order: 0,
    },
    sequences: [{ id, kind: "ce", tokens, targets: spans }],
    tokens: tokens.length,
    targetTokens: spans.reduce((sum, [from, to]) => sum + to - from, 0),
  };
}
