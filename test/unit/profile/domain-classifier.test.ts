import { describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { DomainClassifier } from "../../../src/profile/domain-classifier.ts";
import { WORD_VECTOR_FILE } from "../../../src/profile/open-embedder.ts";
import { WordVectorEmbedder } from "../../../src/profile/word-vector-embedder.ts";

describe("domainOf, on sentences that are no prototypes", async () => {
  const embedder = await WordVectorEmbedder.load(`${packageRoot}models/${WORD_VECTOR_FILE}`);
  const classifier = new DomainClassifier({ embedder });

  test.each([
    ["switch on the lamp in the hall please", "lights"],
    ["set the heating to nineteen degrees", "climate"],
    ["play something by the beatles", "media"],
    ["set an alarm for half past five", "timers"],
    ["is the garage door closed", "home"],
    ["what is the capital of spain", "facts"],
    ["tell me something funny, a joke", "smalltalk"],
    ["qwertz asdfgh", "other"],
    ["", "other"],
  ])("%j is about %s", async (sentence, domain) => {
    expect(await classifier.domainOf(sentence)).toBe(domain);
  });
});
