import { expect, test } from "vitest";
import { stageTimes } from "../../../../src/runtime/dialog/turn-report.ts";

const marks = {
  startMs: 1000,
  transcriptMs: 1200,
  contextMs: 1230,
  firstTokenMs: 1260,
  firstSentenceMs: 1300,
  firstSynthesisedMs: 1380,
  firstAudioMs: 1390,
  endMs: 3000,
};

test("ours is start to first audio less STT, LLM and TTS: 390 - 200 - 70 - 80 = 40 ms", () => {
  expect(stageTimes(marks)).toEqual({
    sttMs: 200,
    contextMs: 30,
    llmFirstTokenMs: 30,
    llmFirstSentenceMs: 70,
    ttsMs: 80,
    firstAudioMs: 390,
    oursMs: 40,
    totalMs: 2000,
  });
});

test("stages that did not happen are null", () => {
  const silent = { ...marks, firstSentenceMs: null, firstSynthesisedMs: null, firstAudioMs: null };
  expect(stageTimes(silent)).toMatchObject({ llmFirstSentenceMs: null, ttsMs: null, firstAudioMs: null, oursMs: null });
});
