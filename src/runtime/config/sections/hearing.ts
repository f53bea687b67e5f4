import { decimalNumber, integer, oneOf, path, text, url, yesNo } from "../config-key.ts";

export const microphoneSection = {
  kind: oneOf(["lpcm16", "virtual", "none"], {
    default: "lpcm16",
    doc: "lpcm16 records by arecord; virtual is fed by `asls listen` and the demo; none leaves buttons and text.",
  }),
  device: text({ default: "default", doc: "ALSA capture device, as `arecord -L` lists it, e.g. plughw:1,0." }),
  periodMs: integer({
    min: 32,
    max: 250,
    default: 64,
    doc: "Audio is fetched this much (ms) at a time. Longer wakes the processor less often; answers come later by half of it.",
  }),
  stallMs: integer({
    min: 500,
    max: 60_000,
    default: 3_000,
    doc: "No audio for this long (ms) counts as a lost microphone; capture is started again.",
  }),
};

export const vadSection = {
  releaseAfterS: integer({
    min: 5,
    max: 86_400,
    default: 120,
    doc: "After this long (s) without a sound that could be speech, the detector gives its memory back until the next one.",
  }),
  trailingSilenceMs: integer({
    min: 200,
    max: 5_000,
    default: 700,
    doc: "Silence (ms) that ends an utterance.",
  }),
  noSpeechMs: integer({
    min: 500,
    max: 60_000,
    default: 5_000,
    doc: "After a wake without speech for this long (ms), back to idle.",
  }),
  maxUtteranceMs: integer({
    min: 1_000,
    max: 120_000,
    default: 15_000,
    doc: "Longest utterance (ms); what was heard until then is used.",
  }),
  preRollMs: integer({
    min: 0,
    max: 2_000,
    default: 300,
    doc: "Audio (ms) kept from before the detector noticed speech, since it starts 100 to 250 ms late.",
  }),
  threshold: decimalNumber({
    min: 0.05,
    max: 0.95,
    default: 0.5,
    doc: "Speech probability above which a frame counts as speech.",
  }),
};

export const wakeSection = {
  phraseEnabled: yesNo({
    default: true,
    doc: "Listen for the wake phrase all the time; off leaves the talk button.",
  }),
  phrase: text({
    default: "okay computer",
    pattern: /^[a-z']+( [a-z']+)*$/,
    accepts: "lower-case words of the recogniser's dictionary",
    doc: "Wake phrase. Two or more words of four syllables together make false alarms rare.",
  }),
  threshold: decimalNumber({
    min: 1e-50,
    max: 1,
    default: 1e-20,
    doc: "Wake sensitivity: smaller wakes more easily.",
  }),
};

export const speakerSection = {
  model: path({
    default: "",
    doc: "Speaker embedding model of sherpa-onnx (.onnx). Used only for people who allow it (`asls consent grant speaker`). Empty: voices are not told apart.",
  }),
  threshold: decimalNumber({
    min: 0,
    max: 1,
    default: 0.5,
    doc: "Likeness (cosine) from which a voice is taken for the person's; what fits depends on the model.",
  }),
};

export const sttSection = {
  engine: oneOf(["pocketsphinx", "sherpa", "wyoming", "none"], {
    default: "pocketsphinx",
    doc: "Speech recogniser. sherpa needs stt.modelDir, wyoming needs stt.uri.",
  }),
  modelDir: path({
    default: "",
    doc: "Model folder. Empty: for pocketsphinx Debian's en-US model with our home language model.",
  }),
  uri: url(["tcp"], { default: "", doc: "Wyoming speech-to-text server, e.g. tcp://192.0.2.10:10300." }),
};
