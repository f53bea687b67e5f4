import { describe, expect, test } from "vitest";
import type { ChatMessage, GenerateRequest, LanguageModel } from "../../src/runtime/ports.ts";

/** A fresh model for every test; the suite disposes of it. */
export type MakeLanguageModel = () => Promise<LanguageModel>;

const system: ChatMessage = { role: "system", content: "You are a helpful assistant." };
const user = (content: string): ChatMessage => ({ role: "user", content });
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });

/** A request that keeps the pieces it is given. */
export function recordingRequest(
  changes: Partial<GenerateRequest> = {},
): GenerateRequest & { readonly pieces: string[] } {
  const pieces: string[] = [];
  return {
    messages: [system, user("Is the garage door open?")],
    maxTokens: 24,
    temperature: 0,
    seed: null,
    onText: (text) => pieces.push(text),
    ...changes,
    pieces,
  };
}

const never = () => new AbortController().signal;

/** What every {@link LanguageModel} promises, whatever runs it. */
export function languageModelContract(name: string, make: MakeLanguageModel): void {
  describe(`${name} as a LanguageModel`, () => {
    test("says what it is: name, 64 hex digits of hash, a context no longer than it was trained for", async () => {
      await using model = await make();
      expect(model.info.name).not.toBe("");
      expect(model.info.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(model.info.contextTokens).toBeLessThanOrEqual(model.info.trainedContextTokens);
      expect(model.info.parameters).toBeGreaterThan(0);
    });

    test("streams the answer in pieces that make up its text, and counts tokens", async () => {
      await using model = await make();
      const request = recordingRequest();
      const result = await model.generate(request, never());
      expect(result.text).not.toBe("");
      expect(request.pieces.length).toBeGreaterThan(1);
      expect(request.pieces.join("").trimEnd()).toBe(result.text);
      expect(result.promptTokens).toBeGreaterThan(0);
      expect(result.generatedTokens).toBeGreaterThan(0);
      expect(result).toMatchObject({ stopReason: "end", reusedTokens: 0, droppedMessages: 0 });
      expect(result.firstTokenMs).toBeLessThanOrEqual(result.totalMs);
    });

    test("greedy: the same messages give the same answer, with or without a cached prefix", async () => {
      await using model = await make();
      const first = await model.generate(recordingRequest(), never());
      const cached = await model.generate(recordingRequest(), never());
      await model.generate(recordingRequest({ messages: [user("Do you like music?")] }), never());
      const evaluated = await model.generate(recordingRequest(), never());
      expect([cached.text, evaluated.text]).toEqual([first.text, first.text]);
    });

    test("the next turn takes the unchanged beginning from the cache", async () => {
      await using model = await make();
      const first = await model.generate(recordingRequest(), never());
      const messages = [...recordingRequest().messages, assistant(first.text), user("And the window?")];
      const second = await model.generate(recordingRequest({ messages }), never());
      expect(second.reusedTokens).toBeGreaterThanOrEqual(first.promptTokens);
      expect(second.reusedTokens).toBeLessThan(second.promptTokens);
    });

    test("stops after maxTokens", async () => {
      await using model = await make();
      const result = await model.generate(recordingRequest({ maxTokens: 2 }), never());
      expect(result).toMatchObject({ stopReason: "max_tokens", generatedTokens: 2 });
    });

    test("an abort while it speaks ends it within one token", async () => {
      await using model = await make();
      const abort = new AbortController();
      let pieces = 0;
      const request = recordingRequest({
        onText: () => {
          pieces++;
          abort.abort();
        },
      });
      const result = await model.generate(request, abort.signal);
      expect(result.stopReason).toBe("aborted");
      expect(pieces).toBeLessThanOrEqual(2);
      const after = await model.generate(recordingRequest(), never());
      expect(after.stopReason).toBe("end");
    });

    test("what is remembered changes no answer that may not use it", async () => {
      await using model = await make();
      const before = await model.generate(recordingRequest(), never());
      await model.remember([{ id: "a", input: "Is the garage door open?", answer: "It is painted green." }]);
      const none = await model.generate(recordingRequest(), never());
      const other = await model.generate(
        recordingRequest({ phrases: { of: new Set(["b"]), conversation: ["a"] } }),
        never(),
      );
      expect([none.text, other.text]).toEqual([before.text, before.text]);
    });

    test("a signal that has fired already: nothing is generated", async () => {
      await using model = await make();
      const request = recordingRequest();
      const result = await model.generate(request, AbortSignal.abort());
      expect(result).toMatchObject({ stopReason: "aborted", generatedTokens: 0, text: "" });
      expect(request.pieces).toEqual([]);
    });

    test("a second call waits for the first", async () => {
      await using model = await make();
      const order: string[] = [];
      const one = model.generate(recordingRequest({ onText: () => order.push("one") }), never());
      const two = model.generate(recordingRequest({ onText: () => order.push("two") }), never());
      await Promise.all([one, two]);
      expect(order).toContain("two");
      expect(order.lastIndexOf("one")).toBeLessThan(order.indexOf("two"));
    });

    test("a dialogue longer than the context loses its oldest exchanges, not the system message", async () => {
      await using model = await make();
      const long = Array.from({ length: 2 * model.info.contextTokens }, (_, i) =>
        i % 2 === 0 ? user("Do you like music?") : assistant("Yes, I do."),
      );
      const result = await model.generate(recordingRequest({ messages: [system, ...long, user("Hello")] }), never());
      expect(result.droppedMessages).toBeGreaterThan(0);
      expect(result.promptTokens).toBeLessThan(model.info.contextTokens);
      const next = await model.generate(recordingRequest(), never());
      expect(next.reusedTokens).toBeGreaterThan(0);
    });

    test("1 MB of text: E_INPUT_TOO_LONG, none of it in the error, and the next turn works", async () => {
      await using model = await make();
      const messages = [system, user("xyzzy ".repeat(180_000))];
      const failure = model.generate(recordingRequest({ messages }), never());
      await expect(failure).rejects.toMatchObject({ code: "E_INPUT_TOO_LONG" });
      await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("xyzzy") });
      expect((await model.generate(recordingRequest(), never())).stopReason).toBe("end");
    });

    test("counts no tokens in nothing, more in longer text, and more than the context in 1 MB", async () => {
      await using model = await make();
      expect(model.countTokens("")).toBe(0);
      expect(model.countTokens("turn on the light in the kitchen")).toBeGreaterThan(model.countTokens("turn on"));
      expect(model.countTokens("word ".repeat(200_000))).toBeGreaterThan(model.info.contextTokens);
    });

    test("a missing adapter: E_ADAPTER_INVALID, and the answers stay as they were", async () => {
      await using model = await make();
      const before = await model.generate(recordingRequest(), never());
      await expect(model.useAdapters([{ path: "/nowhere/adapter.gguf", scale: 1 }])).rejects.toMatchObject({
        code: "E_ADAPTER_INVALID",
      });
      expect((await model.generate(recordingRequest(), never())).text).toBe(before.text);
    });

    test("closed twice is closed once; afterwards a request is E_ABORTED", async () => {
      const model = await make();
      await model[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
      await expect(model.generate(recordingRequest(), never())).rejects.toMatchObject({ code: "E_ABORTED" });
    });

    test("closing while it speaks ends the answer first", async () => {
      const model = await make();
      let closed: PromiseLike<void> | undefined;
      const request = recordingRequest({
        onText: () => {
          closed ??= model[Symbol.asyncDispose]();
        },
      });
      expect((await model.generate(request, never())).stopReason).toBe("aborted");
      await closed;
      expect(closed).toBeDefined();
    });
  });
}
