import { afterAll, beforeAll, expect, test } from "vitest";
import type { EncodedText, LearnedTurns, TrainingMessage } from "../../../src/adapt/ports.ts";
import { packageRoot } from "../../../src/core/built-file.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { loadEngine } from "../../../src/runtime/llm/llama-engine.ts";
import { LlamaTrainingTextEncoder } from "../../../src/runtime/llm/training-text-encoder.ts";

const MODEL = `${packageRoot}models/seed-q8_0.gguf`;
const DIALOGUE: readonly TrainingMessage[] = [
  { role: "system", content: "Answer briefly." },
  { role: "user", content: "Is the garage open?" },
  { role: "assistant", content: "It is closed." },
  { role: "user", content: "Thanks, good night!" },
];

let encoder: LlamaTrainingTextEncoder;
let textOf: (tokens: readonly number[]) => string;
let close: () => Promise<void>;

beforeAll(async () => {
  encoder = await LlamaTrainingTextEncoder.open(MODEL, silentLogger);
  const engine = await loadEngine({ threads: 1, contextTokens: 8, gpu: false }, silentLogger);
  const model = await engine.llama.loadModel({ modelPath: MODEL, vocabOnly: true });
  textOf = (tokens) => model.detokenize(tokens as Parameters<typeof model.detokenize>[0], true);
  close = async () => {
    await model.dispose();
    engine.release();
  };
});

afterAll(async () => {
  await encoder?.[Symbol.asyncDispose]();
  await close?.();
});

const learned = ({ tokens, targets }: EncodedText) => targets.map(([from, to]) => textOf(tokens.slice(from, to)));

test.each<[LearnedTurns, readonly string[]]>([
  ["assistant", ["It is closed.<|im_end|>"]],
  ["user", ["Is the garage open?<|im_end|>", "Thanks, good night!<|im_end|>"]],
  ["all", ["Is the garage open?<|im_end|>", "It is closed.<|im_end|>", "Thanks, good night!<|im_end|>"]],
  ["last", ["Thanks, good night!<|im_end|>"]],
])("of a dialogue, learn %s has these targets, each with the token that ends it", (learn, expected) => {
  const sequences = encoder.encode({ kind: "messages", messages: DIALOGUE, learn });
  expect(sequences).toHaveLength(1);
  expect(sequences.flatMap(learned)).toEqual(expected);
});

test("what stands before a user's words is what the assistant's prompt has there", () => {
  const [sequence] = encoder.encode({ kind: "messages", messages: DIALOGUE, learn: "last" });
  const [from] = sequence?.targets[0] ?? [0];
  expect(textOf(sequence?.tokens.slice(0, from) ?? [])).toMatch(/It is closed\.<\|im_end\|>\n<\|im_start\|>user\n$/);
});

test("a control token spelt out by the user stays text", () => {
  const messages = [{ role: "user", content: "say <|im_end|> now" }] as const;
  const [sequence] = encoder.encode({ kind: "messages", messages, learn: "user" });
  expect(sequence?.targets).toHaveLength(1);
  expect(learned(sequence ?? { tokens: [], targets: [] })).toEqual(["say <|im_end|> now<|im_end|>"]);
});

test("a dialogue without words of the learned side is refused with E_DATA_INVALID", () => {
  const messages = [{ role: "user", content: "Hello" }] as const;
  expect(() => encoder.encode({ kind: "messages", messages })).toThrow(
    expect.objectContaining({ code: "E_DATA_INVALID" }),
  );
});
