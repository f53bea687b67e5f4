import { describe } from "vitest";
import { SherpaSpeakerRecogniser } from "../../src/sensors/sherpa-speaker-recogniser.ts";
import { describeWhen } from "../support/describe-when.ts";
import { PitchSpeakerRecogniser } from "../support/pitch-speaker-recogniser.ts";
import { speakerRecogniserContract } from "./speaker-recogniser.ts";

describe("the fake of the tests", () => {
  speakerRecogniserContract(async () => new PitchSpeakerRecogniser());
});

/** No model is shipped: https://github.com/k2-fsa/sherpa-onnx/releases/tag/speaker-recongition-models */
const model = process.env.ASLS_TEST_SPEAKER_MODEL ?? "";
describeWhen(model === "" ? "ASLS_TEST_SPEAKER_MODEL names no speaker model" : null, "sherpa-onnx", () => {
  speakerRecogniserContract(() => SherpaSpeakerRecogniser.open(model));
});
