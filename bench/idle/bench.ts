import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { processorSeconds } from "../processor-time.ts";
import { type BenchContext, type Benchmark, medianFigure } from "../report.ts";
import { withService } from "../service.ts";

/** What a start leaves to do (collecting its garbage, giving back pages, the first looks at the sensors) is over by then. */
const SETTLE_MS = 10_000;
/** Without a model only memory is measured. */
const BARE_WATCH_MS = 1_000;

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

async function idle(context: BenchContext, settings: readonly string[], runs: number, watchMs: number) {
  const rssMb: number[] = [];
  const cpuPct: number[] = [];
  const readyS: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await withService(settings, async (service) => {
      await sleep(SETTLE_MS, undefined, { signal: context.signal });
      const before = await processorSeconds(service.pid);
      const startMs = performance.now();
      await sleep(watchMs, undefined, { signal: context.signal });
      const seconds = (performance.now() - startMs) / 1000;
      cpuPct.push((((await processorSeconds(service.pid)) - before) / seconds) * 100);
      rssMb.push(await residentMb(service.pid));
      readyS.push(service.readyMs / 1000);
    });
    context.log(
      `run ${run + 1} of ${runs} ${settings.join(" ")}: ${rssMb.at(-1)?.toFixed(0)} MB, ${cpuPct.at(-1)?.toFixed(2)} % CPU`,
    );
  }
  return { rssMb, cpuPct, readyS };
}

/** What the service costs while nobody speaks to it: everything on (microphone, VAD, wake phrase, MQTT with its broker). */
export const bench: Benchmark = {
  summary: "resident memory without a model, CPU while idle, and start to READY with the seed model",
  packages: ["node-llama-cpp", "sherpa-onnx-node", "mqtt"],
  run: async (context) => {
    const runs = context.quick ? 1 : 5;
    const watchMs = context.quick ? 10_000 : 30_000;
    const bare = await idle(context, ["model.enabled=false"], runs, BARE_WATCH_MS);
    const full = await idle(context, [], runs, watchMs);
    return {
      figures: {
        rss_mb: medianFigure(bare.rssMb, "MB", "<= 120"),
        cpu_pct: medianFigure(full.cpuPct, "% of one core", "<= 1"),
        ready_s: medianFigure(full.readyS, "s", "<= 3"),
        rss_with_model_mb: medianFigure(full.rssMb, "MB"),
      },
      conditions: { watched_s: watchMs / 1000, settled_s: SETTLE_MS / 1000 },
    };
  },
};
