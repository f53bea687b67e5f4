import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { SystemClock } from "../../../src/core/clock.ts";
import { encodeWyomingEvent, type WyomingEvent } from "../../../src/core/wyoming-event.ts";
import { parseWyomingUri, WyomingSpeechToText } from "../../../src/sensors/wyoming-speech-to-text.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { roomFrames } from "../../support/speech-clips.ts";
import { startWyomingServer } from "../../support/wyoming-voice-server.ts";

type Answer = (socket: Socket, event: WyomingEvent) => void;

/** One utterance of 10 frames against a server that answers like that. */
async function ask(answer: Answer): Promise<{ text: string } | { code: unknown }> {
  await using server = await startWyomingServer(answer);
  await using stt = new WyomingSpeechToText({ ...parseWyomingUri(server.uri), clock: new SystemClock() });
  const utterance = stt.begin();
  for (const frame of roomFrames(10)) utterance.accept(frame);
  return await utterance.finish().then(
    ({ text }) => ({ text }),
    (error: unknown) => ({ code: error instanceof Error && "code" in error ? error.code : error }),
  );
}

const onStop =
  (act: (socket: Socket) => void): Answer =>
  (socket, event) => {
    if (event.type === "audio-stop") act(socket);
  };

describe("Wyoming speech to text", () => {
  test("sends transcribe, audio-start, every frame as 16 kHz mono PCM and audio-stop, in that order", async () => {
    const events: WyomingEvent[] = [];
    await ask((socket, event) => {
      events.push(event);
      if (event.type === "audio-stop") socket.write(encodeWyomingEvent("transcript", { text: "Hello" }));
    });
    expect(events.map(({ type }) => type)).toEqual([
      "transcribe",
      "audio-start",
      ...Array.from({ length: 10 }, () => "audio-chunk"),
      "audio-stop",
    ]);
    expect(events[2]?.data).toEqual({ rate: 16_000, width: 2, channels: 1 });
    expect(events[2]?.payload).toHaveLength(1_024);
  });

  test("a transcript in pieces over TCP, after events we do not know, is understood", async () => {
    const bytes = Buffer.concat([
      encodeWyomingEvent("transcript-start", {}),
      encodeWyomingEvent("transcript", { text: " Turn ON the light " }),
    ]);
    const result = await ask(
      onStop((socket) => {
        socket.setNoDelay(true);
        for (const byte of bytes) socket.write(Uint8Array.of(byte));
      }),
    );
    expect(result).toEqual({ text: "turn on the light" });
  });

  test.each([
    ["closes without a transcript", "E_STT_FAILED", (socket: Socket) => socket.end()],
    ["resets the connection", "E_STT_UNAVAILABLE", (socket: Socket) => socket.resetAndDestroy()],
    ["reports an error", "E_STT_FAILED", (socket: Socket) => socket.write(encodeWyomingEvent("error", { text: "no" }))],
    ["sends no JSON", "E_WYOMING_PROTOCOL", (socket: Socket) => socket.write("HTTP/1.1 400 Bad Request\n")],
    ["sends an endless line", "E_WYOMING_PROTOCOL", (socket: Socket) => socket.write("x".repeat(100_000))],
  ] as const)("a server that %s is %s", async (_, code, act) => {
    expect(await ask(onStop((socket) => void act(socket)))).toEqual({ code });
  });

  test("a server that accepts and stays silent is E_STT_FAILED after 10 s on the clock", async () => {
    await using server = await startWyomingServer(() => {});
    const clock = new FakeClock();
    await using stt = new WyomingSpeechToText({ ...parseWyomingUri(server.uri), clock });
    const outcome = stt.begin().finish();
    outcome.catch(() => {});
    await eventually(() => clock.pendingTimers === 1);
    await clock.advance(10_000);
    await expect(outcome).rejects.toMatchObject({ code: "E_STT_FAILED" });
  });

  test("nobody listening there is E_STT_UNAVAILABLE, and later frames are no error", async () => {
    await using stt = new WyomingSpeechToText({ host: "127.0.0.1", port: 9, clock: new SystemClock() });
    const utterance = stt.begin();
    const outcome = utterance.finish();
    await expect(outcome).rejects.toMatchObject({ code: "E_STT_UNAVAILABLE" });
    for (const frame of roomFrames(3)) utterance.accept(frame);
  });
});
