import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync } from "mqtt";
import type { DemoService } from "../../src/cli/demo/demo-service.ts";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../../test/support/broker.ts";
import { type Benchmark, type Figure, medianFigure, skippedFigure, spreadOf } from "../report.ts";
import { withService } from "../service.ts";

const REQUESTS_PER_S = 1_000;
const SENTENCE = "turn on the kitchen lights";
/** After the warm-up turns, which fill the caches. */
const WARM_UPS = 3;
/** Before the flood, and as many after it. */
const QUIET_TURNS = 20;

async function residentMb(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** Milliseconds of one turn by text over the control socket. */
async function turnMs(service: DemoService): Promise<number> {
  const startMs = performance.now();
  await service.call("say", { text: SENTENCE, aloud: false });
  return performance.now() - startMs;
}

interface Flood {
  readonly sent: number;
  readonly answered: number;
  readonly codes: Readonly<Record<string, number>>;
}

/** Requests of every kind, good and broken, at an even rate for that long. */
async function flood(url: string, forMs: number, signal: AbortSignal, onSent: () => void): Promise<Flood> {
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  const codes: Record<string, number> = {};
  let answered = 0;
  let root = "";
  client.on("message", (topic, payload) => {
    if (topic.endsWith("/availability")) root = topic.replace("/availability", "");
    if (!topic.includes("/response/")) return;
    answered += 1;
    const { code = "ok" } = JSON.parse(payload.toString()) as { code?: string };
    codes[code] = (codes[code] ?? 0) + 1;
  });
  await client.subscribeAsync(["asls/+/availability", "asls/+/response/#"], { qos: 0 });
  while (root === "") await sleep(20, undefined, { signal });
  const payloads = ["{}", "{", '{"muted":false}', '{"target":"last","rating":1}', "x".repeat(20_000)];
  const verbs = ["health_check", "mic/set", "feedback/submit", "training/start", "profile/list", "unknown"];
  const startMs = performance.now();
  let sent = 0;
  while (performance.now() - startMs < forMs) {
    const due = Math.floor(((performance.now() - startMs) * REQUESTS_PER_S) / 1000);
    for (; sent < due; sent += 1) {
      client.publish(`${root}/request/${verbs[sent % verbs.length]}`, payloads[sent % payloads.length] ?? "", {
        qos: 1,
      });
    }
    await sleep(5, undefined, { signal });
  }
  onSent();
  // What waits at the broker comes after; over when no answer has come for a second.
  for (let before = -1; before !== answered; await sleep(1_000, undefined, { signal })) before = answered;
  await client.endAsync();
  return { sent, answered, codes };
}

/** What a thousand requests a second over MQTT do to the service: its turns, its memory, and what it answers. */
export const bench: Benchmark = {
  summary: "1,000 MQTT requests a second: turns of the user beside it, memory of the service, answers by code",
  packages: ["mqtt", "node-llama-cpp"],
  run: async ({ quick, signal, log }) => {
    if (mosquittoPath() === null) {
      const reason = "the Debian package mosquitto is not installed";
      return { figures: { turn_ratio: skippedFigure("", reason), rss_growth_mb: skippedFigure("MB", reason) } };
    }
    const forMs = quick ? 5_000 : 10_000;
    await using broker = new MosquittoTestBroker(await freePort());
    await broker.start();
    return await withService([`mqtt.url=${broker.url}`], async (service) => {
      const quietMs: number[] = [];
      for (let i = 0; i < WARM_UPS; i += 1) await turnMs(service);
      for (let i = 0; i < QUIET_TURNS; i += 1) quietMs.push(await turnMs(service));
      const rssBeforeMb = await residentMb(service.pid);
      const besideMs: number[] = [];
      let isOver = false;
      const flooding = flood(broker.url, forMs, signal, () => {
        isOver = true;
      });
      while (!isOver) besideMs.push(await turnMs(service));
      const { sent, answered, codes } = await flooding;
      for (let i = 0; i < QUIET_TURNS; i += 1) quietMs.push(await turnMs(service));
      const rssAfterMb = await residentMb(service.pid);
      log(`${sent} requests, ${answered} answers: ${JSON.stringify(codes)}`);
      const ratio: Figure = {
        value: Number((spreadOf(besideMs).median / spreadOf(quietMs).median).toFixed(2)),
        unit: "times a turn without",
        goal: "<= 1.5",
      };
      return {
        figures: {
          turn_ratio: ratio,
          turn_ms: medianFigure(besideMs, "ms"),
          turn_without_ms: medianFigure(quietMs, "ms"),
          rss_growth_mb: { value: Number((rssAfterMb - rssBeforeMb).toFixed(1)), unit: "MB", goal: "<= 30" },
          answered_pct: { value: Number(((100 * answered) / sent).toFixed(1)), unit: "% of requests" },
        },
        details: { codes },
        conditions: { requests_per_s: REQUESTS_PER_S, flooded_s: forMs / 1000, sent },
      };
    });
  },
};
