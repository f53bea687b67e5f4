import { readFile } from "node:fs/promises";
import { AppError, systemErrorCode } from "../core/errors.ts";
import type { TrainingExample } from "./examples.ts";
import { seededRandom, shuffled } from "./seeded-random.ts";

/** One exchange that is nobody's. */
export interface GeneralExchange {
  readonly request: string;
  readonly answer: string;
}

/** General text, cut in three: what is mixed into training or steers it is never what the gate measures. */
export interface GeneralText {
  readonly replay: readonly GeneralExchange[];
  /** Watched while training, to hold back before the gate has to. */
  readonly watched: readonly GeneralExchange[];
  /** For the gate. */
  readonly measured: readonly GeneralExchange[];
}

/**
 * Reads lines of `request<TAB>answer`; empty lines and lines that begin with # are notes.
 * @throws AppError E_FILE_UNREADABLE; E_DATA_INVALID naming the first bad line.
 */
export async function readGeneralText(path: string): Promise<GeneralText> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  const exchanges = content.split("\n").flatMap((line, i): GeneralExchange[] => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const [request = "", answer = "", ...rest] = line.split("\t").map((part) => part.trim());
    if (request === "" || answer === "" || rest.length > 0) {
      throw new AppError("E_DATA_INVALID", `line ${i + 1} of ${path} is not request, tab, answer`);
    }
    return [{ request, answer }];
  });
  return generalTextOf(exchanges);
}

/** By turns, so that all parts are of the same kind: a third each. */
export function generalTextOf(exchanges: readonly GeneralExchange[]): GeneralText {
  return {
    replay: exchanges.filter((_, i) => i % 3 === 0),
    watched: exchanges.filter((_, i) => i % 3 === 1),
    measured: exchanges.filter((_, i) => i % 3 === 2),
  };
}

/** `count` replay examples in random order by seed; lines come again only after all were used. */
export function replayExamples(exchanges: readonly GeneralExchange[], count: number, seed: number): TrainingExample[] {
  const order = shuffled(
    exchanges.map((exchange, line) => ({ exchange, line })),
    seededRandom(seed),
  );
  return Array.from({ length: order.length === 0 ? 0 : count }, (_, i) => order[i % order.length]).flatMap(
    (drawn, i): TrainingExample[] =>
      drawn === undefined ? [] : [generalExample(drawn.exchange, `replay.${i}.${drawn.line}`)],
  );
}

/** Exchanges to measure, ids `general.<line>`. */
export function generalExamples(exchanges: readonly GeneralExchange[]): TrainingExample[] {
  return exchanges.map((exchange, line) => generalExample(exchange, `general.${line}`));
}

function generalExample({ request, answer }: GeneralExchange, id: string): TrainingExample {
  const messages = [
    { role: "user", content: request },
    { role: "assistant", content: answer },
  ] as const;
  return {
    id,
    kind: "replay",
    objective: { kind: "ce" },
    weight: 1,
    text: { kind: "messages", messages, learn: "all" },
    interactionIds: [],
    domain: null,
    order: -1,
  };
}
