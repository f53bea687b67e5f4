import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitMessages } from "../../../../src/runtime/llm/context-fit.ts";
import type { ChatMessage } from "../../../../src/runtime/ports.ts";

/** One token a word and two per message. */
const encode = (messages: readonly ChatMessage[]) =>
  messages.flatMap(({ content }) => [1, ...content.split(" ").map(() => 2), 3]);
const words = (count: number, word = "w") => Array.from({ length: count }, () => word).join(" ");
const system: ChatMessage = { role: "system", content: words(8) };
const user = (content: string): ChatMessage => ({ role: "user", content });
const exchange = (i: number): ChatMessage[] => [
  { role: "user", content: words(8, `q${i}`) },
  { role: "assistant", content: words(8, `a${i}`) },
];
const dialogue = (exchanges: number) => Array.from({ length: exchanges }, (_, i) => exchange(i)).flat();

describe("fitMessages", () => {
  test("what fits stays whole", async () => {
    const messages = [system, ...dialogue(3), user("hello")];
    const fitted = await fitMessages(messages, 1000, encode);
    expect(fitted).toMatchObject({ droppedMessages: 0, tokens: encode(messages) });
  });

  test("10 exchanges of 20 tokens into 100: the oldest go, in whole exchanges, down to 75", async () => {
    const messages = [system, ...dialogue(10), user("hello")];
    const fitted = await fitMessages(messages, 100, encode);
    expect(fitted.droppedMessages).toBe(14);
    expect(fitted.firstKept?.content).toBe(words(8, "q7"));
    expect(fitted.tokens).toEqual(encode([system, ...dialogue(10).slice(14), user("hello")]));
  });

  test("the next turn keeps the same cut, so that its prefix is unchanged", async () => {
    const first = await fitMessages([system, ...dialogue(10), user("hello")], 100, encode);
    const second = await fitMessages([system, ...dialogue(11), user("hello")], 100, encode, first.firstKept);
    expect(second.firstKept).toEqual(first.firstKept);
    expect(second.tokens.slice(0, 50)).toEqual(first.tokens.slice(0, 50));
  });

  test("a last message that fills the budget leaves system and message alone", async () => {
    const fitted = await fitMessages([system, ...dialogue(4), user(words(88))], 100, encode);
    expect(fitted).toMatchObject({ droppedMessages: 8, tokens: { length: 100 } });
  });

  test("one word more: E_INPUT_TOO_LONG, without the text in the message", async () => {
    const failure = fitMessages([system, ...dialogue(4), user(words(89, "secret"))], 100, encode);
    await expect(failure).rejects.toMatchObject({ code: "E_INPUT_TOO_LONG" });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
  });

  test("1 MB of text is refused without being tokenised", async () => {
    let encoded = 0;
    const counting = (messages: readonly ChatMessage[]) => {
      encoded++;
      return encode(messages);
    };
    await expect(fitMessages([system, user("x".repeat(1_000_000))], 2000, counting)).rejects.toMatchObject({
      code: "E_INPUT_TOO_LONG",
    });
    expect(encoded).toBe(0);
  });

  test("a last message that is not the user's: E_INTERNAL", async () => {
    await expect(fitMessages([system, ...exchange(1)], 100, encode)).rejects.toMatchObject({ code: "E_INTERNAL" });
  });

  test("any dialogue: within budget, system first, user last, nothing but oldest left out", async () => {
    const message = fc.nat(20).map((count) => words(count + 1));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(message, message), { maxLength: 12 }),
        message,
        fc.integer({ min: 40, max: 200 }),
        fc.boolean(),
        async (exchanges, last, budget, hasSystem) => {
          const middle = exchanges.flatMap(([q, a]): ChatMessage[] => [user(q), { role: "assistant", content: a }]);
          const front = hasSystem ? [system] : [];
          const fitted = await fitMessages([...front, ...middle, user(last)], budget, encode);
          expect(fitted.tokens.length).toBeLessThanOrEqual(budget);
          expect(fitted.droppedMessages % 2).toBe(0);
          expect(fitted.tokens).toEqual(encode([...front, ...middle.slice(fitted.droppedMessages), user(last)]));
        },
      ),
    );
  });
});
