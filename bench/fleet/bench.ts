import { setTimeout as sleep } from "node:timers/promises";
import { freePort, MosquittoTestBroker, mosquittoPath } from "../../test/support/broker.ts";
import { processorSeconds } from "../processor-time.ts";
import { type BenchContext, type Benchmark, quantile, skippedFigure } from "../report.ts";
import { FleetDevice } from "./devices.ts";
import { FleetWatcher } from "./watcher.ts";

/** Every device changes its state this often: a conversation on each of them at the same time. */
const CHANGE_EVERY_MS = 1_000;
const CONNECT_MS = 120_000;
const STORM_MS = 120_000;

interface FleetFigures {
  readonly devices: number;
  readonly connectS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly brokerPctPerDevice: number;
  readonly unseen: number;
}

/** Waits until `holds`, looking every 20 ms. @returns seconds it took. */
async function until(what: string, holds: () => boolean, withinMs: number, signal: AbortSignal): Promise<number> {
  const startMs = performance.now();
  while (!holds()) {
    if (performance.now() - startMs > withinMs) throw new Error(`${what} did not happen within ${withinMs / 1000} s`);
    await sleep(20, undefined, { signal });
  }
  return (performance.now() - startMs) / 1000;
}

const hasLatest = (watcher: FleetWatcher, devices: readonly FleetDevice[]) =>
  devices.every(({ id, latest }) => watcher.online.has(id) && watcher.states.get(id) === latest);

/** Each device changes its state once a second, spread evenly; how long until the watcher has it. */
async function propagation(
  devices: readonly FleetDevice[],
  watcher: FleetWatcher,
  broker: MosquittoTestBroker,
  forMs: number,
  signal: AbortSignal,
): Promise<Omit<FleetFigures, "connectS">> {
  const sent = new Map<number, number>();
  const startMs = performance.now();
  const cpuBefore = await processorSeconds(broker.pid);
  let changes = 0;
  while (performance.now() - startMs < forMs) {
    const due = Math.floor(((performance.now() - startMs) / CHANGE_EVERY_MS) * devices.length);
    for (; changes < due; changes += 1) {
      const device = devices[changes % devices.length];
      if (device !== undefined) sent.set(device.changeState(), performance.now());
    }
    await sleep(5, undefined, { signal });
  }
  const elapsedS = (performance.now() - startMs) / 1000;
  const cpuS = (await processorSeconds(broker.pid)) - cpuBefore;
  await until("the last states", () => hasLatest(watcher, devices), 30_000, signal);
  const delays = [...sent].flatMap(([stamp, atMs]) => {
    const arrivedAtMs = watcher.arrivedAtMs(stamp);
    return arrivedAtMs === undefined ? [] : [arrivedAtMs - atMs];
  });
  return {
    devices: devices.length,
    p50Ms: quantile(delays, 0.5),
    p99Ms: quantile(delays, 0.99),
    brokerPctPerDevice: ((cpuS / elapsedS) * 100) / devices.length,
    // Overtaken by a newer state before they were sent: the publisher sends the latest only.
    unseen: sent.size - delays.length,
  };
}

/** The broker goes for 3 s, and states change meanwhile. @returns seconds from its return until all is known, and what is lost. */
async function storm(
  devices: readonly FleetDevice[],
  broker: MosquittoTestBroker,
  watcher: FleetWatcher,
  signal: AbortSignal,
) {
  await broker.stop();
  await sleep(3_000, undefined, { signal });
  for (const device of devices) device.changeState();
  await broker.start();
  const stormS = await until("the return of all devices", () => hasLatest(watcher, devices), STORM_MS, signal);
  // Whoever comes later must find the same.
  const late = await FleetWatcher.on(broker.url);
  await until(
    "retained states",
    () => late.states.size >= devices.length && late.online.size >= devices.length,
    10_000,
    signal,
  ).catch(() => {});
  const lost = devices.filter(({ id, latest }) => late.states.get(id) !== latest || !late.online.has(id)).length;
  await late.close();
  return { stormS, lost };
}

async function measureFleet(count: number, forMs: number, withStorm: boolean, { signal, log }: BenchContext) {
  // What the watcher has not taken yet must not be dropped: a lost state is to be one that a device lost.
  const broker = new MosquittoTestBroker(await freePort(), ["allow_anonymous true", "max_queued_messages 0"]);
  const devices = Array.from({ length: count }, (_, i) => new FleetDevice(i, broker.url));
  let watcher: FleetWatcher | null = null;
  try {
    await broker.start();
    watcher = await FleetWatcher.on(broker.url);
    const seen = watcher;
    for (const device of devices) await device.start(signal);
    const connectS = await until("connecting", () => hasLatest(seen, devices), CONNECT_MS, signal);
    const figures = { ...(await propagation(devices, seen, broker, forMs, signal)), connectS };
    log(
      `${count} devices: p99 ${figures.p99Ms.toFixed(0)} ms, broker ${figures.brokerPctPerDevice.toFixed(4)} % a device`,
    );
    const outage = withStorm ? await storm(devices, broker, seen, signal) : null;
    if (outage !== null) log(`${count} devices: back after ${outage.stormS.toFixed(1)} s, ${outage.lost} states lost`);
    return { figures, outage };
  } finally {
    await watcher?.close();
    await broker[Symbol.asyncDispose]();
    await Promise.all(devices.map((device) => device.stop()));
  }
}

/** Many devices on one broker: the product's own publisher, a thousand times in this process. The page: `bench dashboard`. */
export const bench: Benchmark = {
  summary: "status of 100, 300 and 1,000 devices on one Mosquitto: delay, broker's CPU, return after an outage",
  packages: ["mqtt"],
  options: {
    devices: { type: "string", default: "1000", doc: "size of the largest fleet" },
  },
  run: async (context) => {
    if (mosquittoPath() === null) {
      const reason = "the Debian package mosquitto is not installed";
      return {
        figures: {
          devices: skippedFigure("", reason),
          p99_ms: skippedFigure("ms", reason),
          storm_s: skippedFigure("s", reason),
          lost: skippedFigure("states", reason),
          broker_cpu_per_device: skippedFigure("% of one core", reason),
        },
      };
    }
    const most = Number(context.options.devices);
    const forMs = context.quick ? 5_000 : 20_000;
    const rows = [];
    let outage: { readonly stormS: number; readonly lost: number } | null = null;
    for (const count of [...[100, 300].filter((size) => size < most), most]) {
      const measured = await measureFleet(count, forMs, count === most, context);
      const { devices, connectS, p50Ms, p99Ms, brokerPctPerDevice, unseen } = measured.figures;
      outage ??= measured.outage;
      rows.push({
        devices,
        connect_s: rounded(connectS, 2),
        p50_ms: rounded(p50Ms, 1),
        p99_ms: rounded(p99Ms, 1),
        broker_pct_per_device: rounded(brokerPctPerDevice, 4),
        overtaken: unseen,
      });
    }
    const last = rows.at(-1);
    if (last === undefined || outage === null) throw new Error("nothing was measured");
    return {
      figures: {
        devices: { value: last.devices, unit: "devices" },
        p99_ms: { value: last.p99_ms, unit: "ms", goal: "< 1000" },
        storm_s: { value: rounded(outage.stormS, 1), unit: "s", goal: "< 60" },
        lost: { value: outage.lost, unit: "states", goal: "0" },
        broker_cpu_per_device: { value: last.broker_pct_per_device, unit: "% of one core" },
      },
      rows,
      conditions: {
        changes_per_device_s: 1000 / CHANGE_EVERY_MS,
        measured_s: forMs / 1000,
        outage_s: 3,
        publishers: "all in one process, with the watcher",
      },
    };
  },
};

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
