import { expect, it } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { type Engine, loadEngine } from "../../../src/runtime/llm/llama-engine.ts";

const load = (threads: number): Promise<Engine> => loadEngine({ threads, contextTokens: 8, gpu: false }, silentLogger);

it("an engine has one owner at a time, and the next owner with the same settings gets it again", async () => {
  const first = await load(1);
  const beside = await load(1);
  expect(beside.llama).not.toBe(first.llama);
  first.release();
  first.release(); // twice is once
  const [next, another, withMoreThreads] = [await load(1), await load(1), await load(2)];
  expect(next.llama).toBe(first.llama);
  expect(another.llama).not.toBe(first.llama);
  expect(withMoreThreads.llama).not.toBe(first.llama);
  for (const engine of [beside, next, another, withMoreThreads]) engine.release();
});
