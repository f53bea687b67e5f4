import type { Socket } from "node:net";
import { encodeWyomingEvent, type WyomingEvent } from "../../src/core/wyoming-event.ts";
import { FrameAssembler } from "../../src/sensors/frame-assembler.ts";
import type { SpeechToText, Utterance } from "../../src/sensors/ports.ts";

interface Session {
  readonly utterance: Utterance;
  readonly assembler: FrameAssembler;
}

/** Serves a real recogniser by the protocol: audio-start, audio-chunk, audio-stop -> transcript. One socket a time. */
export function serveRecogniser(stt: SpeechToText): (socket: Socket, event: WyomingEvent) => Promise<void> {
  const sessions = new WeakMap<Socket, Session>();
  return async (socket, event) => {
    if (event.type === "audio-start") {
      sessions.set(socket, { utterance: stt.begin(), assembler: new FrameAssembler() });
    }
    const session = sessions.get(socket);
    if (event.type === "audio-chunk") {
      for (const frame of session?.assembler.push(event.payload) ?? []) session?.utterance.accept(frame);
    }
    if (event.type === "audio-stop" && session !== undefined) {
      const { text } = await session.utterance.finish();
      socket.write(encodeWyomingEvent("transcript", { text: ` ${text.toUpperCase()}`, is_final: true }));
    }
  };
}
