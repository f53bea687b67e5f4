import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Profile } from "../../../../src/profile/ports.ts";
import { PhraseKeeper, rememberedExchanges } from "../../../../src/runtime/service/phrase-keeper.ts";
import { interaction, interactions, signal } from "../../../support/interactions.ts";
import { ScriptedLanguageModel } from "../../../support/scripted-language-model.ts";

describe("what may come up again", () => {
  test("words of the user and answers; of a disliked answer only the user's words", () => {
    const turns = [
      interaction(0),
      interaction(1, { signals: [signal("thumb_down")] }),
      interaction(2, { signals: [signal("thumb_up")] }),
    ];
    expect(rememberedExchanges(turns).map(({ input, answer }) => [input, answer])).toEqual([
      ["question 0", "answer 0"],
      ["question 1", null],
      ["question 2", "answer 2"],
    ]);
  });

  test("a corrected answer as it was corrected", () => {
    const [kept] = rememberedExchanges([interaction(0, { signals: [signal("correction", "the other one")] })]);
    expect(kept?.answer).toBe("the other one");
  });
});

describe("the keeper of phrases", () => {
  function keeper(consent: boolean, isWanted = true) {
    const model = new ScriptedLanguageModel();
    const turns = interactions(3);
    const profile: Profile = {
      id: "p_1",
      createdAtMs: 0,
      consent: { answer: true, store: consent, train: false, telemetry: false, speaker: false },
    };
    const asked: (number | undefined)[] = [];
    const phrases = new PhraseKeeper({
      store: { active: async () => profile },
      archive: {
        interactions: async (_id, limit) => {
          asked.push(limit);
          return turns;
        },
      },
      log: silentLogger,
      limit: 500,
      model: () => model,
      isWanted: () => isWanted,
    });
    return { model, turns, phrases, asked };
  }

  test("gives the model the newest stored turns, and again when they have changed", async () => {
    const { model, turns, phrases, asked } = keeper(true);
    await phrases.refresh();
    expect(model.remembered.map(({ id }) => id)).toEqual(turns.map(({ id }) => id));
    expect(asked).toEqual([500]);
    expect(phrases.turns).toBe(3);
    turns.splice(1, 1);
    await phrases.refresh();
    expect(model.remembered.map(({ id }) => id)).toEqual(turns.map(({ id }) => id));
  });

  test("gives nothing without the consent to store, and nothing to a model that is not to have it", async () => {
    const withdrawn = keeper(false);
    await withdrawn.phrases.refresh();
    expect(withdrawn.asked).toEqual([]);
    const unwanted = keeper(true, false);
    await unwanted.phrases.refresh();
    expect(unwanted.model.remembered).toEqual([]);
  });

  test("refreshes wished while one runs become one", async () => {
    const { phrases, asked } = keeper(true);
    await Promise.all([phrases.refresh(), phrases.refresh(), phrases.refresh()]);
    expect(asked.length).toBe(1);
  });
});
