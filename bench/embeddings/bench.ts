import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";
import { type Benchmark, type Figure, medianFigure, quantile, skippedFigure } from "../report.ts";
import { CANDIDATES } from "./candidates.ts";
import type { Measurement } from "./measure.ts";

const SHIPPED = "words+ngrams (shipped)";
const USE_LITE = "USE-lite (not shipped)";

/**
 * Which sentence embedder the profile uses: 1-nearest-neighbour intent on CLINC150 with 10 random examples per intent
 * against memory and time. Constants of the shipped engine were chosen on the validation split, never on the test split.
 */
export const bench: Benchmark = {
  summary: "sentence embedders: CLINC150 1-NN accuracy, memory, load and sentence time",
  packages: ["node-llama-cpp"],
  options: {
    data: { type: "string", default: "../shared/data/corpus/clinc150.jsonl.gz", doc: "CLINC150, JSON lines, gzip" },
    "use-lite": {
      type: "string",
      default: "",
      doc: "folder where @energetic-ai/embeddings, core and model-embeddings-en 0.2.0 are installed, to compare with",
    },
  },
  async run({ quick, options, log, signal }) {
    const data = String(options.data);
    const useLite = String(options["use-lite"]);
    if (!existsSync(data)) throw new AppError("E_FILE_UNREADABLE", `no such data file: ${data}`);
    const draws = quick ? 1 : 3;
    const every = quick ? 6 : 1;
    const rows: Record<string, string | number>[] = [];
    let shipped: Measurement | undefined;
    for (const { name } of CANDIDATES) {
      if (name === USE_LITE && useLite === "") {
        log(`${name}: left out, --use-lite is not given`);
        continue;
      }
      const measured = await measure([name, data, String(draws), String(every), useLite], signal);
      if (name === SHIPPED) shipped = measured;
      rows.push(rowOf(name, measured));
      log(`${name}: ${quantile(measured.accuracies, 0.5).toFixed(1)} %`);
    }
    if (!shipped) throw new AppError("E_INTERNAL", "the shipped engine is not among the candidates");
    return {
      figures: figuresOf(shipped),
      rows,
      conditions: {
        examples_per_intent: 10,
        draws,
        test_queries: shipped.queries,
        rss_includes: "loaded, 201 sentences",
      },
    };
  },
};

function figuresOf(shipped: Measurement): Record<string, Figure> {
  const isMeasured = shipped.accuracies.length > 0;
  return {
    accuracy_pct: isMeasured ? medianFigure(shipped.accuracies, "%", ">= 70") : skippedFigure("%", "no draws"),
    rss_delta_mb: { value: shipped.rssDeltaMb, unit: "MB", goal: "<= 60" },
    load_ms: { value: shipped.loadMs, unit: "ms" },
    sentence_ms: medianFigure(shipped.sentenceMs, "ms"),
  };
}

function rowOf(engine: string, { accuracies, rssDeltaMb, loadMs, sentenceMs, dimensions }: Measurement) {
  return {
    engine,
    accuracy_pct: quantile(accuracies, 0.5),
    rss_delta_mb: rssDeltaMb,
    load_ms: loadMs,
    sentence_ms: quantile(sentenceMs, 0.5),
    dimensions,
  };
}

async function measure(args: readonly string[], signal: AbortSignal): Promise<Measurement> {
  const command = ["--expose-gc", "--import", "tsx", `${packageRoot}bench/embeddings/measure.ts`, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { signal, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Measurement;
}
