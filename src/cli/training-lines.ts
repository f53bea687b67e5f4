import { readFile } from "node:fs/promises";
import * as v from "valibot";
import type { TrainingText } from "../adapt/ports.ts";
import { AppError, systemErrorCode } from "../core/errors.ts";

const lineSchema = v.union([
  v.strictObject({ prompt: v.string(), completion: v.string() }),
  v.strictObject({
    messages: v.array(v.strictObject({ role: v.picklist(["system", "user", "assistant"]), content: v.string() })),
  }),
  v.strictObject({ text: v.string() }),
]);

/** A text to train on and where it came from. */
export interface TrainingLine {
  /** From 1, as editors count. */
  readonly line: number;
  readonly text: TrainingText;
}

/**
 * Reads `{"prompt","completion"}`, `{"messages":[{role,content}]}` and `{"text"}` lines; empty lines are skipped.
 * @throws AppError E_FILE_UNREADABLE; E_DATA_INVALID naming the first bad line, never its text.
 */
export async function readTrainingLines(path: string): Promise<TrainingLine[]> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  const lines = content
    .split("\n")
    .map((text, i) => ({ line: i + 1, text: text.trim() }))
    .filter(({ text }) => text !== "")
    .map(({ line, text }) => ({ line, text: parseTrainingLine(text, line) }));
  if (lines.length === 0) throw new AppError("E_DATA_INVALID", `${path} has no examples`);
  return lines;
}

function parseTrainingLine(text: string, line: number): TrainingText {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the line, which is the user's text: it is not kept as cause.
    throw new AppError("E_DATA_INVALID", `line ${line} is not JSON`);
  }
  const parsed = v.safeParse(lineSchema, json);
  if (!parsed.success) {
    throw new AppError(
      "E_DATA_INVALID",
      `line ${line} is none of {"prompt","completion"}, {"messages":[{"role","content"}]} and {"text"}`,
    );
  }
  const { output } = parsed;
  if ("text" in output) return { kind: "text", text: output.text };
  if ("messages" in output) return { kind: "messages", messages: output.messages };
  return {
    kind: "messages",
    messages: [
      { role: "user", content: output.prompt },
      { role: "assistant", content: output.completion },
    ],
  };
}
