import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type AudioFrame, FRAME_SAMPLES } from "../../../src/sensors/ports.ts";
import { SherpaSpeakerRecogniser } from "../../../src/sensors/sherpa-speaker-recogniser.ts";
import { VoiceNotingSpeechToText } from "../../../src/sensors/voice-noting-speech-to-text.ts";
import { toneFrames } from "../../contract/speaker-recogniser.ts";
import { PitchSpeakerRecogniser } from "../../support/pitch-speaker-recogniser.ts";
import { ScriptedSpeechToText } from "../../support/scripted-speech-to-text.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

test("a speaker model that is missing, no ONNX, damaged, or of another kind is E_SPEAKER_MODEL from the real library", async () => {
  await using folder = await makeTempDir("speaker");
  const [text, damaged] = [folder.join("text.onnx"), folder.join("damaged.onnx")];
  await writeFile(text, "this is no model");
  await writeFile(damaged, Buffer.concat([Buffer.of(0x08, 0x07), Buffer.alloc(4_000, 0xff)]));
  const wrongKind = "models/silero_vad_v5.onnx";
  for (const path of [folder.join("none.onnx"), text, damaged, wrongKind]) {
    await expect(SherpaSpeakerRecogniser.open(path)).rejects.toMatchObject({ code: "E_SPEAKER_MODEL" });
  }
});

test("transcripts carry a voice print only while one is wanted, and none for what was not understood", async () => {
  const speaker = new PitchSpeakerRecogniser();
  let isWanted = false;
  const stt = new VoiceNotingSpeechToText(new ScriptedSpeechToText("two"), speaker, () => isWanted);
  const hear = async (frames: readonly AudioFrame[] = toneFrames(120, 20)) => {
    const utterance = stt.begin();
    for (const frame of frames) utterance.accept(frame);
    return await utterance.finish();
  };
  expect(await hear()).not.toHaveProperty("voice");
  expect(speaker.begun).toBe(0);
  isWanted = true;
  expect(await hear()).toMatchObject({ text: "two", voice: { model: "pitch" } });
  expect(await hear([new Int16Array(FRAME_SAMPLES)])).toEqual({ text: "", confidence: null });
});
