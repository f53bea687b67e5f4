import { expect, test } from "vitest";
import { crossProblems } from "../../../src/runtime/config/cross-checks.ts";
import { type AslsConfig, newConvict } from "../../../src/runtime/config/schema.ts";

/** Problems of the defaults with these keys changed: the key to look at first of each. */
function problemsWith(changes: Readonly<Record<string, unknown>>): string[] {
  const convict = newConvict();
  for (const [key, value] of Object.entries(changes)) convict.set(key, value);
  convict.validate({ allowed: "strict" });
  return crossProblems(convict.getProperties() as AslsConfig).map(({ keys }) => keys[0]);
}

test("the defaults go together", () => {
  expect(problemsWith({})).toEqual([]);
});

/** Changes that cannot work, the key that is named, and what makes them work. */
const CASES: readonly [Record<string, unknown>, string, Record<string, unknown>][] = [
  [
    { "vad.maxUtteranceMs": 1_000, "vad.trailingSilenceMs": 1_000 },
    "vad.trailingSilenceMs",
    { "vad.trailingSilenceMs": 999 },
  ],
  [{ "vad.maxUtteranceMs": 1_500, "vad.preRollMs": 1_500 }, "vad.preRollMs", { "vad.preRollMs": 1_499 }],
  [{ "stt.engine": "sherpa" }, "stt.modelDir", { "stt.modelDir": "/models/zipformer" }],
  [{ "stt.engine": "wyoming" }, "stt.uri", { "stt.uri": "tcp://192.0.2.10:10300" }],
  [{ "tts.engine": "sherpa" }, "tts.modelDir", { "tts.modelDir": "/models/vits" }],
  [{ "tts.engine": "wyoming" }, "tts.uri", { "tts.uri": "tcp://192.0.2.10:10200" }],
  [{ "buttons.debounceMs": 150, "buttons.doubleMs": 150 }, "buttons.debounceMs", { "buttons.debounceMs": 149 }],
  [{ "buttons.holdMs": 500, "buttons.doubleMs": 500 }, "buttons.doubleMs", { "buttons.doubleMs": 499 }],
  [{ "buttons.backend": "gpiod" }, "buttons.talkLine", { "buttons.upLine": 3 }],
  [{ "buttons.backend": "onoff" }, "buttons.talkLine", { "buttons.talkLine": 0 }],
  [{ "buttons.talkLine": 17, "buttons.downLine": 17 }, "buttons.downLine", { "buttons.downLine": 27 }],
  [{ "buttons.upLine": 4, "led.line": 4 }, "led.line", { "led.line": null }],
  [{ "model.contextTokens": 596 }, "model.contextTokens", { "model.contextTokens": 597 }],
  [{ "mqtt.username": "u", "mqtt.password": "p", "mqtt.passwordFile": "/f" }, "mqtt.password", { "mqtt.password": "" }],
  [{ "mqtt.passwordFile": "/f" }, "mqtt.username", { "mqtt.username": "u" }],
  [{ "mqtt.protocolVersion": "5" }, "mqtt.protocolVersion", { "mqtt.url": "mqtt://h" }],
  [{ "mqtt.url": "mqtts://h", "mqtt.certFile": "/c" }, "mqtt.certFile", { "mqtt.keyFile": "/k" }],
  [{ "mqtt.url": "mqtt://h", "mqtt.caFile": "/c" }, "mqtt.url", { "mqtt.url": "wss://h/mqtt" }],
  [
    { "mqtt.reconnectMinMs": 5_000, "mqtt.reconnectMaxMs": 4_999 },
    "mqtt.reconnectMinMs",
    { "mqtt.reconnectMaxMs": 5_000 },
  ],
];

test.each(CASES)("%j names %s, and %j cures it", (changes, key, cure) => {
  expect(problemsWith(changes)).toEqual([key]);
  expect(problemsWith({ ...changes, ...cure })).toEqual([]);
});
