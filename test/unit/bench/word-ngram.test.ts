import { describe, expect, test } from "vitest";
import { TrigramMixture, WordTrigram } from "../../../bench/personalisation/word-ngram.ts";

function trigram(...turns: readonly string[]): WordTrigram {
  const model = new WordTrigram();
  for (const turn of turns) model.add(turn);
  return model;
}

describe("the word 3-gram yardstick", () => {
  test("gives a word that was seen more than one that was not", () => {
    const model = trigram("we like jazz", "we like rock");
    expect(model.probability("jazz", ["we", "like"])).toBeGreaterThan(model.probability("opera", ["we", "like"]));
  });

  test("sums to 1 over seen words and 50,000 slots for the rest, also behind words never seen", () => {
    const model = trigram("we like jazz", "they like rock");
    const seen = ["we", "they", "like", "jazz", "rock", "</s>"];
    for (const before of [
      ["we", "like"],
      ["never", "heard"],
    ] as const) {
      const sum = seen.reduce((total, word) => total + model.probability(word, before), 0);
      const unseen = model.probability("opera", before);
      expect(sum + (50_000 - seen.length) * unseen).toBeCloseTo(1, 6);
    }
  });

  test("gives the own model weight when it predicts better, and lowers the nats of own words", () => {
    const general = trigram("we like jazz", "they like rock", "the cat sat");
    const mixture = new TrigramMixture(general, trigram("zydeco is the best", "zydeco forever"));
    mixture.fit(["zydeco is the best"]);
    expect(mixture.ownWeight).toBeGreaterThan(0.5);
    const nats = mixture.nats(["zydeco forever"]);
    expect(nats.mixture).toBeLessThan(nats.general);
  });
});
