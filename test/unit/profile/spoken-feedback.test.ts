import { describe, expect, test } from "vitest";
import { recogniseFeedback } from "../../../src/profile/spoken-feedback.ts";

describe.each([
  [
    "praise",
    [
      "That's right.",
      "perfect",
      "well done",
      "thank you that was helpful",
      "good job",
      "yes exactly",
      "that was a great answer",
      "I like that answer",
    ],
  ],
  [
    "complaint",
    [
      "That was wrong.",
      "that's not right",
      "wrong answer",
      "no that is incorrect",
      "that's not what I asked for",
      "you misunderstood me",
      "that did not work",
    ],
  ],
  [
    "repeat_request",
    [
      "say that again",
      "Can you repeat that, please?",
      "pardon",
      "what did you say",
      "I didn't hear you",
      "say it again please",
    ],
  ],
  ["stop", ["stop", "Stop talking!", "be quiet please", "never mind", "okay stop it", "that's enough"]],
] as const)("%s", (kind, sentences) => {
  test.each(sentences)("%j", (sentence) => {
    expect(recogniseFeedback(sentence)).toEqual({ kind });
  });
});

describe("correction, with its target", () => {
  test.each([
    ["No, it's Canberra.", "it's Canberra.", "answer"],
    ["no the kitchen is upstairs", "the kitchen is upstairs", "answer"],
    ["no no the blue one", "the blue one", "answer"],
    ["That was wrong, the capital is Canberra", "the capital is Canberra", "answer"],
    ["that's wrong the capital is canberra", "the capital is canberra", "answer"],
    ["that was wrong. It is closed on Mondays", "It is closed on Mondays", "answer"],
    ["The right answer is forty two", "forty two", "answer"],
    ["No, you should have said good night", "good night", "answer"],
    ["I meant the bedroom lights", "the bedroom lights", "request"],
    ["no i meant the bedroom", "the bedroom", "request"],
    ["No, I said turn it OFF", "turn it OFF", "request"],
    ["that's not what i meant i meant the hall", "the hall", "request"],
  ])("%j", (sentence, target, about) => {
    expect(recogniseFeedback(sentence)).toEqual({ kind: "correction", target, about });
  });
});

describe("is not feedback", () => {
  test.each([
    "turn on the kitchen lights",
    "stop the music",
    "stop the timer in the kitchen",
    "what is the right answer to everything",
    "is that right?",
    "no thanks",
    "no thank you",
    "no problem",
    "no",
    "No, that's all.",
    "no not now",
    "no i don't think so",
    "No, never mind the timer",
    "nobody is home",
    "notify me at six",
    "who said that",
    "play that song again",
    "I like that band",
    "",
    "?!",
  ])("%j", (sentence) => {
    expect(recogniseFeedback(sentence)).toBeNull();
  });
});

test("text beyond 300 characters is never feedback, and hostile input is decided at once", () => {
  expect(recogniseFeedback(`no, ${"very ".repeat(100)}wrong`)).toBeNull();
  expect(recogniseFeedback("no ".repeat(99))).toBeNull();
});
