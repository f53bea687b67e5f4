import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import * as v from "valibot";
import { AppError } from "../../src/core/errors.ts";

const rowSchema = v.object({
  writer: v.pipe(v.number(), v.integer()),
  order: v.number(),
  topic: v.optional(v.string(), ""),
  turns: v.array(v.string()),
});

/** One person's dialogues, oldest first; every turn is that person's own words. User text. */
export interface Writer {
  readonly writer: number;
  readonly dialogues: readonly (readonly string[])[];
  /** Of each dialogue, as the file names it; empty = not told. */
  readonly topics: readonly string[];
}

/** A writer's dialogues cut by time: settings are chosen on `training` and `validation` only. */
export interface WriterSplit extends Writer {
  readonly training: readonly (readonly string[])[];
  readonly validation: readonly (readonly string[])[];
  readonly test: readonly (readonly string[])[];
}

/** Share of a writer's dialogues, the newest, that is measured and nothing else. */
const TEST_SHARE = 0.3;
/** Share of the rest, its newest, that steers the training. */
const VALIDATION_SHARE = 0.15;

/**
 * Rows of a JSON lines file, gzip or plain.
 * @throws AppError E_DATA_INVALID naming the line.
 */
export async function readRows<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T[]> {
  const bytes = await readFile(path);
  const text = (path.endsWith(".gz") ? await promisify(gunzip)(bytes) : bytes).toString("utf8");
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const row = v.safeParse(schema, parsedJson(line));
    if (!row.success)
      throw new AppError("E_DATA_INVALID", `line ${i + 1} of ${path} is not a row of the expected form`);
    return [row.output];
  });
}

/** The parser's message quotes the line, which is a person's text: it is not kept. */
function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Writers by number, dialogues by their `order`; turns without words are left out, and dialogues without turns. */
export async function readWriters(path: string): Promise<Writer[]> {
  const rows = await readRows(path, rowSchema);
  const byWriter = new Map<number, typeof rows>();
  for (const row of rows) byWriter.set(row.writer, [...(byWriter.get(row.writer) ?? []), row]);
  return [...byWriter]
    .sort(([a], [b]) => a - b)
    .map(([writer, own]) => {
      const dialogues = own
        .sort((a, b) => a.order - b.order)
        .map(({ topic, turns }) => ({ topic, turns: turns.map((turn) => turn.trim()).filter((turn) => turn !== "") }))
        .filter(({ turns }) => turns.length > 0);
      return {
        writer,
        dialogues: dialogues.map(({ turns }) => turns),
        topics: dialogues.map(({ topic }) => topic),
      };
    });
}

/** The last 30 % of the dialogues are the test, the last 15 % of the rest validate. */
export function splitWriter({ writer, dialogues, topics }: Writer): WriterSplit {
  const learned = Math.floor(dialogues.length * (1 - TEST_SHARE));
  const trained = learned - Math.max(1, Math.round(learned * VALIDATION_SHARE));
  return {
    writer,
    dialogues,
    topics,
    training: dialogues.slice(0, trained),
    validation: dialogues.slice(trained, learned),
    test: dialogues.slice(learned),
  };
}

/** Words as people count them: what stands between white space. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}
