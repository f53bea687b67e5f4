// Child process of SherpaTextToSpeech: sherpa-onnx ends its whole process on a model it cannot read, so the service
// never loads it itself.
import type { SherpaReply, SherpaRequest } from "./sherpa-voice-protocol.ts";

interface OfflineTts {
  readonly numSpeakers: number;
  generate(request: { text: string; sid: number; speed: number; enableExternalBuffer: boolean }): {
    readonly samples: Float32Array;
    readonly sampleRate: number;
  };
}

interface SherpaVoices {
  readonly OfflineTts: new (config: object) => OfflineTts;
}

function hasVoices(module: object): module is SherpaVoices {
  return "OfflineTts" in module && typeof module.OfflineTts === "function";
}

let voice: OfflineTts | null = null;

function send(reply: SherpaReply): void {
  process.send?.(reply);
}

async function open(request: SherpaRequest & { kind: "open" }): Promise<void> {
  const { default: sherpa } = await import("sherpa-onnx-node");
  if (!hasVoices(sherpa)) return send({ kind: "failed", id: null, reason: "sherpa-onnx-node has no voices" });
  voice = new sherpa.OfflineTts({
    model: {
      [request.voice.kind]: request.voice.files,
      numThreads: request.threads,
      provider: "cpu",
      debug: false,
    },
    maxNumSentences: 1,
  });
  send({ kind: "opened", speakers: voice.numSpeakers });
}

function speak(request: SherpaRequest & { kind: "speak" }): void {
  if (voice === null) throw new TypeError("no voice is open");
  const audio = voice.generate({ text: request.text, sid: request.speaker, speed: 1, enableExternalBuffer: false });
  const samples = new Int16Array(audio.samples.length);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = Math.round(Math.max(-1, Math.min(1, audio.samples[i] ?? 0)) * 32767);
  }
  send({ kind: "spoken", id: request.id, samples, sampleRateHz: audio.sampleRate });
}

process.on("message", (request: SherpaRequest) => {
  const id = request.kind === "speak" ? request.id : null;
  const work = request.kind === "open" ? open(request) : Promise.resolve().then(() => speak(request));
  // the reason is sherpa-onnx's class of error only: its message may quote the text
  work.catch((error: unknown) =>
    send({ kind: "failed", id, reason: error instanceof Error ? error.name : "unknown error" }),
  );
});
process.once("disconnect", () => process.exit(0));
