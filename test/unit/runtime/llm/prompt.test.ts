import { describe, expect, test } from "vitest";
import type { Fact, PromptContext } from "../../../../src/profile/ports.ts";
import { buildPrompt, isSmallModel, type PromptInput } from "../../../../src/runtime/llm/prompt.ts";
import type { ChatMessage } from "../../../../src/runtime/ports.ts";

const empty: PromptContext = { facts: [], exchanges: [], answerWords: null };
const name: Fact = {
  id: "f1",
  kind: "name",
  statement: "The user's name is Sam.",
  value: "Sam",
  interactionId: null,
  updatedAtMs: 0,
};
const base: PromptInput = {
  persona: "You are a voice assistant.",
  context: empty,
  recent: [],
  input: "Good morning",
  nowMs: Date.UTC(2026, 0, 5, 11),
  timeZone: "Europe/Berlin",
  addressByName: false,
  isSmallModel: false,
};
const recent: ChatMessage[] = [
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
];

describe("buildPrompt", () => {
  test("an empty profile: persona, time of the place, input", () => {
    expect(buildPrompt(base)).toEqual({
      messages: [
        { role: "system", content: "You are a voice assistant." },
        { role: "system", content: "It is Monday, 5 January 2026, 12:00." },
        { role: "user", content: "Good morning" },
      ],
      salutation: "",
    });
  });

  test("facts and answer length stand in the first message, in the order given", () => {
    const context = {
      ...empty,
      facts: [name, { ...name, kind: "unit" as const, statement: "Use\nCelsius." }],
      answerWords: 7.6,
    };
    expect(buildPrompt({ ...base, context }).messages[0]?.content).toBe(
      "You are a voice assistant.\nThe user's name is Sam.\nUse Celsius.\nAnswer in about 8 words.",
    );
  });

  test("time, retrieved exchanges and input change nothing in front of the new exchange", () => {
    const context = { ...empty, facts: [name] };
    const first = buildPrompt({ ...base, context, recent });
    const exchanges = [{ input: "lamp on", answer: "Done.", interactionId: "i1" }];
    const second = buildPrompt({
      ...base,
      context: { ...context, exchanges },
      recent: [...recent, { role: "user", content: "Good morning" }, { role: "assistant", content: "Morning" }],
      input: "Thanks",
      nowMs: base.nowMs + 60_000,
    });
    expect(second.messages.slice(0, 3)).toEqual(first.messages.slice(0, 3));
  });

  test("retrieved exchanges stand in the note before the input, best first, one line each", () => {
    const exchanges = [
      { input: "lamp\non", answer: "Done.", interactionId: "i1" },
      { input: "lamp off", answer: "Off.", interactionId: "i2" },
    ];
    const { messages } = buildPrompt({ ...base, context: { ...empty, exchanges } });
    expect(messages.at(-2)?.content.split("\n").slice(1)).toEqual([
      "Earlier the user said: lamp on",
      "You answered: Done.",
      "Earlier the user said: lamp off",
      "You answered: Off.",
    ]);
  });

  test("the user is addressed by name when asked for and known", () => {
    const context = { ...empty, facts: [name] };
    expect(buildPrompt({ ...base, context, addressByName: true }).salutation).toBe("Sam, ");
    expect(buildPrompt({ ...base, context }).salutation).toBe("");
    expect(buildPrompt({ ...base, addressByName: true }).salutation).toBe("");
  });
});

test("a small model reads the last two turns and no time", () => {
  const exchanges = Array.from({ length: 3 }, () => recent).flat();
  const { messages } = buildPrompt({ ...base, recent: exchanges, isSmallModel: true });
  expect(messages).toEqual([
    { role: "system", content: "You are a voice assistant." },
    ...recent,
    ...recent,
    { role: "user", content: "Good morning" },
  ]);
});

test("only models below 50M parameters are small", () => {
  expect([isSmallModel(1_967_808), isSmallModel(135_000_000)]).toEqual([true, false]);
});
