import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { SystemClock } from "../../../../src/core/clock.ts";
import { encodeWyomingEvent } from "../../../../src/core/wyoming-event.ts";
import { WyomingTextToSpeech } from "../../../../src/runtime/output/wyoming-text-to-speech.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { startWyomingServer } from "../../../support/wyoming-voice-server.ts";

const never = new AbortController().signal;
const MONO = { rate: 16_000, width: 2, channels: 1 };

async function errorFrom(answer: (socket: Socket) => void): Promise<unknown> {
  await using server = await startWyomingServer(answer);
  const voice = new WyomingTextToSpeech({ uri: server.uri, voice: "", clock: new SystemClock() });
  return await voice.synthesize("Hello there.", never).catch((error: unknown) => error);
}

test("asks for the configured voice and averages stereo into mono", async () => {
  await using server = await startWyomingServer((socket) => {
    const format = { ...MONO, rate: 22_050, channels: 2 };
    socket.write(encodeWyomingEvent("audio-chunk", format, new Uint8Array(Int16Array.from([100, 300, -5, 5]).buffer)));
    socket.write(encodeWyomingEvent("audio-stop"));
  });
  const voice = new WyomingTextToSpeech({ uri: server.uri, voice: "en_US-amy", clock: new SystemClock() });
  const audio = await voice.synthesize("It is 20 °C.", never);
  expect(audio).toEqual({ samples: Int16Array.from([200, 0]), sampleRateHz: 22_050 });
  expect(server.requests.map((request) => request.data)).toEqual([
    { text: "It is 20 degrees Celsius.", voice: { name: "en_US-amy" } },
  ]);
});

test("a server that nobody runs is E_TTS_UNAVAILABLE", async () => {
  const server = await startWyomingServer(() => {});
  await server[Symbol.asyncDispose]();
  const voice = new WyomingTextToSpeech({ uri: server.uri, voice: "", clock: new SystemClock() });
  await expect(voice.synthesize("Hello.", never)).rejects.toMatchObject({ code: "E_TTS_UNAVAILABLE" });
});

test("a server that says nothing for 15 s is E_TTS_FAILED", async () => {
  const clock = new FakeClock();
  let heard = () => {};
  const asked = new Promise<void>((resolve) => {
    heard = resolve;
  });
  await using server = await startWyomingServer(() => heard());
  const voice = new WyomingTextToSpeech({ uri: server.uri, voice: "", clock });
  const failed = voice.synthesize("Hello.", never).catch((error: unknown) => error);
  await asked;
  await clock.advance(15_000);
  expect(await failed).toMatchObject({ code: "E_TTS_FAILED" });
  expect(clock.pendingTimers).toBe(0);
});

test.each([
  ["an error event", (socket: Socket) => socket.write(encodeWyomingEvent("error", { text: "no voice" }))],
  ["a broken connection", (socket: Socket) => socket.destroy()],
  ["an end before the audio", (socket: Socket) => socket.end(encodeWyomingEvent("audio-start", MONO))],
  ["8-bit audio", (socket: Socket) => socket.write(encodeWyomingEvent("audio-start", { ...MONO, width: 1 }))],
  ["no audio at all", (socket: Socket) => socket.write(encodeWyomingEvent("audio-stop"))],
])("%s is E_TTS_FAILED without the text in its message", async (_, answer) => {
  const error = await errorFrom((socket) => void answer(socket));
  expect(error).toMatchObject({ code: "E_TTS_FAILED" });
  expect(String(error)).not.toContain("Hello");
});

test("a web server at the address is E_WYOMING_PROTOCOL", async () => {
  const error = await errorFrom((socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
  expect(error).toMatchObject({ code: "E_WYOMING_PROTOCOL" });
});
