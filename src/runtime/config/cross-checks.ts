import type { AslsConfig } from "./schema.ts";

/** A combination of keys that cannot work; `keys` are those to look at, the one to change first. */
export interface CrossProblem {
  readonly keys: readonly [string, ...string[]];
  readonly message: string;
}

type Check = (config: AslsConfig) => CrossProblem | null;

/** Problem when the condition does not hold. */
function must(holds: boolean, keys: CrossProblem["keys"], message: string): CrossProblem | null {
  return holds ? null : { keys, message };
}

const CHECKS: readonly Check[] = [
  ({ vad }) =>
    must(
      vad.trailingSilenceMs < vad.maxUtteranceMs,
      ["vad.trailingSilenceMs", "vad.maxUtteranceMs"],
      "must be shorter than vad.maxUtteranceMs, or no utterance ends by silence",
    ),
  ({ vad }) =>
    must(
      vad.preRollMs < vad.maxUtteranceMs,
      ["vad.preRollMs", "vad.maxUtteranceMs"],
      "must be shorter than vad.maxUtteranceMs",
    ),
  ({ mqtt }) =>
    must(
      mqtt.url !== "" || mqtt.protocolVersion === "3.1.1",
      ["mqtt.protocolVersion", "mqtt.url"],
      "must be 3.1.1 without mqtt.url: the broker inside the service speaks no other version",
    ),
  ({ stt }) =>
    must(
      stt.engine !== "sherpa" || stt.modelDir !== "",
      ["stt.modelDir", "stt.engine"],
      "is needed by stt.engine sherpa",
    ),
  ({ stt }) =>
    must(stt.engine !== "wyoming" || stt.uri !== "", ["stt.uri", "stt.engine"], "is needed by stt.engine wyoming"),
  ({ tts }) =>
    must(
      tts.engine !== "sherpa" || tts.modelDir !== "",
      ["tts.modelDir", "tts.engine"],
      "is needed by tts.engine sherpa",
    ),
  ({ tts }) =>
    must(tts.engine !== "wyoming" || tts.uri !== "", ["tts.uri", "tts.engine"], "is needed by tts.engine wyoming"),
  ({ buttons }) =>
    must(
      buttons.debounceMs < buttons.doubleMs,
      ["buttons.debounceMs", "buttons.doubleMs"],
      "must be shorter than buttons.doubleMs, or no double press is seen",
    ),
  ({ buttons }) =>
    must(
      buttons.doubleMs < buttons.holdMs,
      ["buttons.doubleMs", "buttons.holdMs"],
      "must be shorter than buttons.holdMs, or a hold cannot be told from a double press",
    ),
  ({ buttons }) =>
    must(
      !(buttons.backend === "onoff" || buttons.backend === "gpiod") ||
        [buttons.talkLine, buttons.upLine, buttons.downLine].some((line) => line !== null),
      ["buttons.talkLine", "buttons.backend"],
      "or another button's line is needed by that buttons.backend",
    ),
  gpioLinesDiffer,
  ({ governor }) =>
    must(
      governor.resumeC < governor.throttleC && governor.throttleC < governor.stopC,
      ["governor.throttleC", "governor.resumeC", "governor.stopC"],
      "must lie between governor.resumeC and governor.stopC",
    ),
  ({ governor }) =>
    must(
      governor.memoryResumePct < governor.memoryStopPct,
      ["governor.memoryResumePct", "governor.memoryStopPct"],
      "must be less than governor.memoryStopPct",
    ),
  ({ dialog, model }) =>
    must(
      dialog.factTokens + dialog.exchangeTokens + model.maxAnswerTokens < model.contextTokens,
      ["model.contextTokens", "dialog.factTokens", "dialog.exchangeTokens", "model.maxAnswerTokens"],
      "must be more than dialog.factTokens, dialog.exchangeTokens and model.maxAnswerTokens together",
    ),
  ({ mqtt }) =>
    must(
      mqtt.password === "" || mqtt.passwordFile === "",
      ["mqtt.password", "mqtt.passwordFile"],
      "and mqtt.passwordFile exclude each other",
    ),
  ({ mqtt }) =>
    must(
      (mqtt.password === "" && mqtt.passwordFile === "") || mqtt.username !== "",
      ["mqtt.username", "mqtt.passwordFile"],
      "is needed with a password (MQTT 3.1.1 section 3.1.2.9)",
    ),
  ({ mqtt }) =>
    must(
      (mqtt.certFile === "") === (mqtt.keyFile === ""),
      ["mqtt.certFile", "mqtt.keyFile"],
      "and mqtt.keyFile need each other",
    ),
  ({ mqtt }) =>
    must(
      (mqtt.caFile === "" && mqtt.certFile === "") || /^(mqtts|wss):/.test(mqtt.url),
      ["mqtt.url", "mqtt.caFile", "mqtt.certFile"],
      "must start with mqtts:// or wss:// when certificates are given",
    ),
  ({ mqtt }) =>
    must(
      mqtt.reconnectMinMs <= mqtt.reconnectMaxMs,
      ["mqtt.reconnectMinMs", "mqtt.reconnectMaxMs"],
      "must not be longer than mqtt.reconnectMaxMs",
    ),
];

function gpioLinesDiffer({ buttons, led }: AslsConfig): CrossProblem | null {
  const taken = new Map<number, string>();
  const lines: [string, number | null][] = [
    ["buttons.talkLine", buttons.talkLine],
    ["buttons.upLine", buttons.upLine],
    ["buttons.downLine", buttons.downLine],
    ["led.line", led.line],
  ];
  for (const [key, line] of lines) {
    if (line === null) continue;
    const other = taken.get(line);
    if (other !== undefined) return { keys: [key, other], message: `uses line ${line}, which ${other} has already` };
    taken.set(line, key);
  }
  return null;
}

/** Every combination of valid values that cannot work together. */
export function crossProblems(config: AslsConfig): readonly CrossProblem[] {
  return CHECKS.map((check) => check(config)).filter((problem) => problem !== null);
}
