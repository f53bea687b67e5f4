import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import * as v from "valibot";
import { AppError, systemErrorCode } from "../core/errors.ts";
import type { MetaTask } from "./meta-initialisation.ts";
import type { TrainingMessage, TrainingTextEncoder } from "./ports.ts";
import type { TokenExample } from "./token-file.ts";

const rowSchema = v.object({
  writer: v.optional(v.union([v.string(), v.number()])),
  turns: v.pipe(v.array(v.string()), v.minLength(1)),
});

/** One person's dialogues; the person wrote every turn. User text. */
export interface Person {
  readonly id: string;
  readonly dialogues: readonly (readonly string[])[];
}

/**
 * Reads dialogues, JSON lines of `{"writer": ..., "turns": [...]}`, plain or gzip: a file, or a folder of them. Without
 * `writer`, the file is the person.
 *
 * @throws AppError E_FILE_UNREADABLE; E_DATA_INVALID naming file and line, never its text.
 */
export async function readPeople(path: string): Promise<Person[]> {
  const people = new Map<string, string[][]>();
  for (const file of await filesOf(path)) {
    for (const [i, line] of (await textOf(file)).split("\n").entries()) {
      if (line.trim() === "") continue;
      const row = parsedRow(line);
      if (row === null) throw new AppError("E_DATA_INVALID", `line ${i + 1} of ${file} is not {"writer","turns"}`);
      const id = `${row.writer ?? basename(file)}`;
      const own = people.get(id) ?? [];
      own.push(row.turns);
      people.set(id, own);
    }
  }
  return [...people].map(([id, dialogues]) => ({ id, dialogues }));
}

/**
 * Dialogues in tokens, cut between turns into stretches of at most `maxTokens`; a turn that is longer is left out.
 *
 * @param most dialogues per person, the first ones; bounds the time of tokenising.
 */
export function peopleTasks(
  people: readonly Person[],
  encoder: TrainingTextEncoder,
  maxTokens: number,
  most: number,
): MetaTask[] {
  return people.map(({ id, dialogues }) => {
    const examples = dialogues.slice(0, most).flatMap((turns) => stretches(turns, encoder, maxTokens));
    return { id, examples: examples.map((example, i): TokenExample => ({ ...example, id: `${i}`, kind: "ce" })) };
  });
}

function stretches(turns: readonly string[], encoder: TrainingTextEncoder, maxTokens: number) {
  const encode = (part: readonly string[]) =>
    encoder.encode({ kind: "messages", messages: messagesOf(part), learn: "all" });
  const found: { readonly tokens: readonly number[]; readonly targets: readonly (readonly [number, number])[] }[] = [];
  let rest = turns.map((turn) => turn.trim()).filter((turn) => turn !== "");
  while (rest.length > 0) {
    // Longest beginning that fits, by halves: a template is rendered for every turn of what is tried.
    let [fits, fails] = [0, rest.length + 1];
    let best: ReturnType<typeof encode> = [];
    for (let tried = rest.length; fails - fits > 1; tried = Math.floor((fits + fails) / 2)) {
      const sequences = encode(rest.slice(0, tried));
      if (sequences.every(({ tokens }) => tokens.length <= maxTokens)) [fits, best] = [tried, sequences];
      else fails = tried;
    }
    found.push(...best);
    rest = rest.slice(Math.max(1, fits));
  }
  return found;
}

function messagesOf(turns: readonly string[]): TrainingMessage[] {
  return turns.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));
}

async function filesOf(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => /\.jsonl(\.gz)?$/.test(name)).sort();
    return names.map((name) => join(path, name));
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    return (file.endsWith(".gz") ? await promisify(gunzip)(bytes) : bytes).toString("utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The parser's message quotes the line, which is a person's text: it is not kept. */
function parsedRow(line: string): v.InferOutput<typeof rowSchema> | null {
  try {
    const result = v.safeParse(rowSchema, JSON.parse(line));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

function unreadable(path: string, error: unknown): AppError {
  return new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
    cause: error,
  });
}
