import { describe, expect, test } from "vitest";
import { extractFacts } from "../../../src/profile/fact-extractor.ts";

describe("learns one fact", () => {
  test.each([
    ["call me sam", "name", "Sam", "The user's name is Sam."],
    ["Please call me Sam.", "name", "Sam", "The user's name is Sam."],
    ["my name is mary ann", "name", "Mary Ann", "The user's name is Mary Ann."],
    ["Hi! My name's McCoy.", "name", "McCoy", "The user's name is McCoy."],
    ["okay from now on call me jo please", "name", "Jo", "The user's name is Jo."],
    ["I'm called O'Brien", "name", "O'Brien", "The user's name is O'Brien."],
    ["shorter answers please", "answer_length", "short", "The user wants short answers."],
    ["shorter please", "answer_length", "short", "The user wants short answers."],
    ["be more concise", "answer_length", "short", "The user wants short answers."],
    ["longer answers please", "answer_length", "long", "The user wants long answers."],
    ["give me more detail", "answer_length", "long", "The user wants long answers."],
    ["answer in one sentence", "answer_length", "one sentence", "The user wants answers of one sentence."],
    ["use celsius", "unit", "celsius", "The user wants temperatures in Celsius."],
    ["Please use Fahrenheit instead.", "unit", "fahrenheit", "The user wants temperatures in Fahrenheit."],
    ["use the metric system", "unit", "metric", "The user wants metric units."],
    ["use twenty four hour time", "unit", "24 hour", "The user wants the 24-hour clock."],
    ["i like jazz", "preference", "jazz", "The user likes jazz."],
    [
      "I really love my mother's cooking!",
      "preference",
      "my mothers cooking",
      "The user likes their mother's cooking.",
    ],
    ["i hate the dentist", "preference", "dentist", "The user does not like the dentist."],
    ["I don't like olives", "preference", "olives", "The user does not like olives."],
    ["i prefer tea", "preference", "tea", "The user prefers tea."],
    ["My favourite colour is green.", "preference", "favourite colour: green", "The user's favourite colour is green."],
    ["i am allergic to nuts", "health", "nuts", "The user is allergic to nuts."],
    ["by the way, I'm allergic to peanuts", "health", "peanuts", "The user is allergic to peanuts."],
    ["I have a nut allergy", "health", "nut", "The user has a nut allergy."],
    ["i'm vegetarian", "health", "vegetarian", "The user is vegetarian."],
    ["I have diabetes", "health", "diabetes", "The user has diabetes."],
    ["I don't eat pork", "health", "pork", "The user does not eat pork."],
  ])("%j", (sentence, kind, value, statement) => {
    expect(extractFacts(sentence)).toEqual([{ kind: "learn", fact: { kind, value, statement } }]);
  });
});

test("learns two facts from one sentence", () => {
  const facts = extractFacts("Hello, my name is Sam and I love jazz. What is the weather?");
  expect(facts.map((found) => found.kind === "learn" && found.fact.value)).toEqual(["Sam", "jazz"]);
});

describe("learns nothing", () => {
  test.each([
    "call me back later",
    "call me a taxi",
    "call me when it is done",
    "what is my name",
    "Is my name Sam?",
    "do you like jazz",
    "i like that",
    "I love you",
    "i'd like a coffee",
    "i would like to hear some jazz",
    "I like to know what time it is",
    "I hate it",
    "turn on the lights and play some jazz",
    "if my name is sam then what",
    "remember the milk",
    "",
  ])("%j", (sentence) => {
    expect(extractFacts(sentence)).toEqual([]);
  });

  test("from more than 500 characters", () => {
    expect(extractFacts(`call me sam. ${"word ".repeat(200)}`)).toEqual([]);
  });
});

describe("forgets", () => {
  test.each([
    ["forget my name", { kind: "name", words: null }],
    ["please forget that my name is sam", { kind: "name", words: null }],
    ["forget that I like jazz", { kind: null, words: ["jazz"] }],
    ["forget what i said about the dentist", { kind: null, words: ["dentist"] }],
    ["Forget my allergies.", { kind: "health", words: null }],
    ["forget that i am allergic to nuts", { kind: null, words: ["nuts"] }],
  ])("%j", (sentence, topic) => {
    expect(extractFacts(sentence)).toEqual([{ kind: "forget", topic }]);
  });

  test.each(["forget everything about me", "forget everything you know about me", "delete my data"])(
    "%j asks for all of it",
    (sentence) => {
      expect(extractFacts(sentence)).toEqual([{ kind: "forget_all" }]);
    },
  );

  test.each(["forget it", "forget about that"])("%j names nothing", (sentence) => {
    expect(extractFacts(sentence)).toEqual([]);
  });
});
