import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { encodeWyomingEvent, type WyomingEvent, WyomingReader } from "../../src/core/wyoming-event.ts";
import type { TextToSpeech } from "../../src/runtime/ports.ts";

/** Samples per audio-chunk, as wyoming-piper sends them. */
const CHUNK_SAMPLES = 1024;

/** A Wyoming text-to-speech server on a loopback port. */
export interface WyomingVoiceServer extends AsyncDisposable {
  readonly uri: string;
  /** `synthesize` requests, in order. */
  readonly requests: WyomingEvent[];
}

/** Answers every request as `answer` says. */
export async function startWyomingServer(
  answer: (socket: Socket, request: WyomingEvent) => Promise<void> | void,
): Promise<WyomingVoiceServer> {
  const requests: WyomingEvent[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    const reader = new WyomingReader((event) => {
      if (event.type === "synthesize") requests.push(event);
      void answer(socket, event);
    });
    socket.on("data", (chunk) => reader.accept(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    uri: `tcp://127.0.0.1:${address.port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Serves a real voice by the protocol: audio-start, chunks of 1024 samples, audio-stop. */
export function serveVoice(voice: TextToSpeech): (socket: Socket, request: WyomingEvent) => Promise<void> {
  return async (socket, request) => {
    if (request.type !== "synthesize") return;
    const audio = await voice.synthesize(String(request.data.text), new AbortController().signal);
    const format = { rate: audio.sampleRateHz, width: 2, channels: 1 };
    socket.write(encodeWyomingEvent("audio-start", format));
    for (let at = 0; at < audio.samples.length; at += CHUNK_SAMPLES) {
      const part = audio.samples.slice(at, at + CHUNK_SAMPLES);
      socket.write(encodeWyomingEvent("audio-chunk", format, new Uint8Array(part.buffer)));
    }
    socket.write(encodeWyomingEvent("audio-stop"));
  };
}
