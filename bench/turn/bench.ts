import { recordSentence } from "../../src/cli/demo/demo-recordings.ts";
import type { TurnReport } from "../../src/runtime/dialog/turn-report.ts";
import { bench as decode } from "../decode/bench.ts";
import { type BenchContext, type Benchmark, medianFigure, spreadOf } from "../report.ts";
import { withService } from "../service.ts";

const REQUESTS = [
  "turn on the kitchen lights",
  "is the garage door open",
  "what is the temperature in the bedroom",
  "close the front door",
  "turn off the radio in the living room",
];

/** Spoken turns on the virtual board in real time, with the profile in use: what a user waits for. */
async function speakTurns(context: BenchContext, count: number): Promise<TurnReport[]> {
  return withService([], async (service, folder) => {
    const { signal } = context;
    await service.call("listen", { path: await recordSentence(folder, "consent", "you may remember what i say") });
    const reports: TurnReport[] = [];
    for (let turn = 0; turn < count && !signal.aborted; turn += 1) {
      const sentence = REQUESTS[turn % REQUESTS.length] ?? "";
      const path = await recordSentence(folder, `request-${turn % REQUESTS.length}`, sentence);
      const report = (await service.call("listen", { path })) as TurnReport | null;
      if (report?.outcome === "answered") reports.push(report);
      context.log(
        `turn ${turn + 1} of ${count}: first audio after ${report?.stages.firstAudioMs?.toFixed(0) ?? "-"} ms`,
      );
    }
    return reports;
  });
}

/** From the end of speech to the first audio, stage by stage; and decoding as the service does it against node-llama-cpp. */
export const bench: Benchmark = {
  summary: "a spoken turn from end of speech to first audio: ours and the engines'; decode and prefix reuse ratios",
  packages: ["node-llama-cpp", "sherpa-onnx-node"],
  run: async (context) => {
    const reports = await speakTurns(context, context.quick ? 3 : 15);
    const stage = (pick: (report: TurnReport) => number | null) => reports.map(pick).filter((value) => value !== null);
    const defaults = Object.entries(decode.options ?? {}).map(([name, option]) => [name, option.default]);
    const decoding = await decode.run({ ...context, options: Object.fromEntries(defaults) });
    const { decode_ratio, prefix_ttft_ratio } = decoding.figures;
    if (decode_ratio === undefined || prefix_ttft_ratio === undefined)
      throw new TypeError("bench decode lost a figure");
    const row = (name: string, whose: string, samples: readonly number[]) => {
      const { median, min, max, runs } = spreadOf(samples);
      return { stage: name, whose, median_ms: round(median), min_ms: round(min), max_ms: round(max), runs };
    };
    return {
      figures: {
        ours_ms: medianFigure(
          stage(({ stages }) => stages.oursMs),
          "ms",
          "<= 100",
        ),
        first_audio_ms: medianFigure(
          stage(({ stages }) => stages.firstAudioMs),
          "ms",
        ),
        decode_ratio,
        prefix_ttft_ratio,
      },
      rows: [
        row(
          "speech to text, after the end of speech",
          "pocketsphinx",
          stage(({ stages }) => stages.sttMs),
        ),
        row(
          "profile, retrieval, prompt",
          "asls",
          stage(({ stages }) => stages.contextMs),
        ),
        row(
          "language model, to the first sentence",
          "node-llama-cpp",
          stage(({ stages }) => stages.llmFirstSentenceMs),
        ),
        row(
          "voice, first sentence",
          "flite",
          stage(({ stages }) => stages.ttsMs),
        ),
        row(
          "everything outside the engines",
          "asls",
          stage(({ stages }) => stages.oursMs),
        ),
        row(
          "end of speech to first audio",
          "all",
          stage(({ stages }) => stages.firstAudioMs),
        ),
      ],
      conditions: { requests: REQUESTS.length, trailing_silence_ms: 700 },
    };
  },
};

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
