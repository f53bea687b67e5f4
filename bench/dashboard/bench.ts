import { setTimeout as sleep } from "node:timers/promises";
import type { BenchContext, Benchmark } from "../report.ts";

/** Devices of each row; the last one is what the headline figures are of. */
const SIZES = [100, 300, 1_000];
const SETTLE_MS = 2_000;

/** What the browser says of one stretch of time. */
interface PageFigures {
  readonly frames: readonly number[];
  readonly longTasks: readonly number[];
}

/** Runs in the page: notes the time between frames, and every task beyond 50 ms (what the platform calls long). */
const OBSERVE = `(() => {
  const seen = { frames: [], longTasks: [] };
  let last = performance.now();
  const frame = (now) => { seen.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) seen.longTasks.push(duration); })
    .observe({ type: "longtask" });
  globalThis.observed = seen;
})()`;

export const bench: Benchmark = {
  summary: "the dashboard's fleet view in Chromium while every device changes its state once a second",
  packages: ["mqtt", "playwright-core"],
  options: {},
  async run({ quick, log, signal }: BenchContext) {
    const { startBrowser, Visitor } = await import("../../test/support/browser.ts");
    const { freePort, MosquittoTestBroker } = await import("../../test/support/broker.ts");
    const { SimulatedFleet } = await import("../../test/support/simulated-fleet.ts");
    const { StaticHost } = await import("../../test/support/static-host.ts");
    const { quantile } = await import("../report.ts");
    const forMs = quick ? 5_000 : 20_000;
    const rows: Record<string, number>[] = [];
    await using host = await StaticHost.start("dist/dashboard", "/");
    const browser = await startBrowser();
    try {
      for (const devices of SIZES) {
        const webSocketPort = await freePort();
        const listener = ["max_queued_messages 20000", `listener ${webSocketPort} 127.0.0.1`, "protocol websockets"];
        await using broker = new MosquittoTestBroker(await freePort(), ["allow_anonymous true", ...listener]);
        await broker.start();
        await using fleet = await SimulatedFleet.publish(broker.url, "asls", devices);
        await using visitor = await Visitor.arrive(browser);
        await visitor.page.goto(host.url);
        await visitor.page.getByLabel("Broker address").fill(`ws://127.0.0.1:${webSocketPort}`);
        await visitor.press("Connect");
        await visitor.sees(`${devices} devices`);
        await sleep(SETTLE_MS, undefined, { signal });
        await visitor.page.evaluate(OBSERVE);
        const startMs = performance.now();
        let changes = 0;
        while (performance.now() - startMs < forMs) {
          const due = Math.floor(((performance.now() - startMs) / 1_000) * devices);
          for (; changes < due; changes += 1) {
            const state = { phase: changes % 2 === 0 ? "idle" : "speaking", since: new Date().toISOString() };
            void fleet.say(changes % devices, "state", state);
          }
          await sleep(10, undefined, { signal });
        }
        const { frames, longTasks } = (await visitor.page.evaluate("globalThis.observed")) as PageFigures;
        const cdp = await visitor.page.context().newCDPSession(visitor.page);
        await cdp.send("HeapProfiler.collectGarbage");
        const { usedSize } = (await cdp.send("Runtime.getHeapUsage")) as { usedSize: number };
        const row = {
          devices,
          changes_per_s: Math.round(changes / (forMs / 1_000)),
          frames_per_s: frames.length / (forMs / 1_000),
          frame_p95_ms: quantile(frames, 0.95),
          longest_frame_ms: Math.max(...frames),
          long_task_pct: (100 * longTasks.reduce((sum, each) => sum + each, 0)) / forMs,
          heap_mb: usedSize / 2 ** 20,
        };
        rows.push(row);
        log(
          `${devices} devices, ${row.changes_per_s} changes/s: ${row.frames_per_s.toFixed(0)} frames/s, ` +
            `p95 ${row.frame_p95_ms.toFixed(0)} ms, longest ${row.longest_frame_ms.toFixed(0)} ms, ` +
            `long tasks ${row.long_task_pct.toFixed(1)} % of the time, heap ${row.heap_mb.toFixed(1)} MiB`,
        );
      }
    } finally {
      await browser.close();
    }
    const last = rows.at(-1) ?? {};
    return {
      figures: {
        frame_p95_ms: { value: last.frame_p95_ms ?? null, unit: "ms", goal: "<= 50" },
        longest_frame_ms: { value: last.longest_frame_ms ?? null, unit: "ms", goal: "<= 200" },
        heap_mb: { value: last.heap_mb ?? null, unit: "MiB", goal: "<= 64" },
      },
      rows,
      conditions: { shown_rows: 50, seconds_each: forMs / 1_000 },
    };
  },
};
