import { decimalNumber, integer, oneOf, oneOfOrOff, path, text, yesNo } from "../config-key.ts";

export const modelSection = {
  enabled: yesNo({ default: true, doc: "false: no language model is loaded; buttons, profile and MQTT work." }),
  path: path({
    default: "",
    doc: "GGUF file of architecture llama, qwen2 or qwen3. Empty: the seed model in the package.",
  }),
  gpu: oneOfOrOff(["auto", "cuda", "vulkan"], {
    default: false,
    doc: "Where the model runs. false: CPU; auto: CUDA or Vulkan when the library finds one.",
  }),
  threads: integer({
    min: 0,
    max: 64,
    default: 0,
    doc: "CPU threads. 0: one fewer than the cores, at least 1; threads that wait for a busy core stall all of them.",
  }),
  contextTokens: integer({
    min: 256,
    max: 32_768,
    default: 2_048,
    doc: "Context window; more needs more memory. A model trained with less limits it.",
  }),
  maxAnswerTokens: integer({ min: 8, max: 2_048, default: 96, doc: "Longest answer (tokens)." }),
  temperature: decimalNumber({ min: 0, max: 2, default: 0, doc: "0 always takes the most likely word." }),
  extraArchitectures: text({
    default: "",
    pattern: /^([a-z0-9_-]+( *, *[a-z0-9_-]+)*)?$/,
    accepts: "names of GGUF architectures with commas between",
    doc: "Architectures to accept besides llama, qwen2 and qwen3, e.g. `gemma3, phi3`. They answer but cannot be trained.",
  }),
  addressByName: oneOf(["auto", "always", "never"], {
    default: "auto",
    doc: "Begin answers with the user's name, once it is known. auto: for models too small to do it by themselves.",
  }),
  phraseMemory: oneOf(["auto", "always", "never"], {
    default: "auto",
    doc: "Let answers take up phrases of stored turns, word by word, at once and without training. auto: for small models (below 50 M parameters).",
  }),
  persona: text({
    default: "You are a helpful voice assistant. Answer in one or two short sentences.",
    doc: "First lines of every prompt. The profile's facts are added after it.",
  }),
};

export const dialogSection = {
  feedbackWindowMs: integer({
    min: 0,
    max: 120_000,
    default: 8_000,
    doc: "After an answer, thumb buttons and `that was wrong` refer to it for this long (ms).",
  }),
  rephraseWindowMs: integer({
    min: 0,
    max: 300_000,
    default: 30_000,
    doc: "A similar request within this time (ms) counts as a rephrase: the answer did not help.",
  }),
  askConsent: yesNo({
    default: true,
    doc: "After the first spoken turn of a person who was never asked, ask once whether it may remember and learn.",
  }),
  guestMinutes: integer({
    min: 1,
    max: 10_080,
    default: 120,
    doc: "Guest mode ends (and says so) at the first turn after this long (minutes) without one.",
  }),
  historyTurns: integer({ min: 0, max: 50, default: 6, doc: "Earlier turns of the conversation in the prompt." }),
  factTokens: integer({ min: 0, max: 2_000, default: 200, doc: "Tokens of the prompt for facts of the profile." }),
  exchangeTokens: integer({
    min: 0,
    max: 4_000,
    default: 300,
    doc: "Tokens of the prompt for retrieved past exchanges.",
  }),
  maxExchanges: integer({ min: 0, max: 20, default: 3, doc: "Retrieved past exchanges in the prompt, at most." }),
  turnTimeoutMs: integer({
    min: 5_000,
    max: 600_000,
    default: 60_000,
    doc: "A turn that takes longer (ms) after the request was understood is given up with an error.",
  }),
};
