import { readFileSync } from "node:fs";
import { delay, SystemClock } from "../../src/core/clock.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import type { TestBroker } from "../support/broker.ts";
import { childrenOf } from "../support/killable-service.ts";
import type { Fault } from "./day-plan.ts";
import type { SoakDevice } from "./device.ts";

const COOL_C = 45;
const HOT_C = 90;
/** How long a fault lasts by the device's clock, ms. */
const LASTS_MS = 20 * 60_000;
/** Between two looks: by the device's clock while it is idle, ms, and by the machine's. */
const LOOK_MS = 5_000;
const BREATH_MS = 20;
/** What does not come within this by the machine's clock does not come. */
const PATIENCE_MS = 240_000;

const clock = new SystemClock();

/** Where faults happen. */
export interface Site {
  readonly device: SoakDevice;
  readonly broker: TestBroker;
}

/** Makes it happen, waits for what the device says to it, ends it, and waits until the device has recovered. */
export const FAULTS: Readonly<Record<Fault, (site: Site) => Promise<void>>> = {
  broker_gone: async ({ device, broker }) => {
    await broker.stop();
    await alertOf(device, "E_MQTT_UNREACHABLE", true);
    await device.skip(LASTS_MS);
    await broker.start();
    await alertOf(device, "E_MQTT_UNREACHABLE", false);
  },
  microphone_gone: async ({ device }) => {
    await device.call("plug", { plugged: false });
    await until(device, "an alert for the microphone", async () => (await micAlerts(device)) > 0);
    await device.skip(LASTS_MS);
    await device.call("plug", { plugged: true });
    await until(device, "the microphone back", async () => (await micAlerts(device)) === 0);
  },
  thermometer_gone: async ({ device }) => {
    await device.call("setTempC", { celsius: null });
    await alertOf(device, "E_SENSOR_FAILED", true);
    await device.skip(LASTS_MS);
    await device.call("setTempC", { celsius: COOL_C });
    await alertOf(device, "E_SENSOR_FAILED", false);
  },
  too_hot: async ({ device }) => {
    await beginTraining(device);
    await device.call("setTempC", { celsius: HOT_C });
    await budgetIs(device, (reason) => reason === "too_hot");
    await device.skip(LASTS_MS);
    await device.call("setTempC", { celsius: COOL_C });
    await budgetIs(device, (reason) => reason === "none");
    await trainingIsOver(device);
  },
  on_battery: async ({ device }) => {
    await beginTraining(device);
    await device.call("setMains", { mains: false });
    await budgetIs(device, (reason) => reason === "on_battery");
    await device.skip(LASTS_MS);
    await device.call("setMains", { mains: true });
    await budgetIs(device, (reason) => reason === "none");
    await trainingIsOver(device);
  },
  trainer_killed: async ({ device }) => {
    await beginTraining(device);
    for (const pid of trainersOf(device.pid)) process.kill(pid, "SIGKILL");
    await trainingIsOver(device);
  },
  stopped: async ({ device }) => {
    const exitCode = await device.restart("stopped");
    if (exitCode !== 0) throw new Error(`it stopped with ${exitCode}`);
  },
  killed: async ({ device }) => {
    await device.restart("killed");
  },
};

/** Until no job is left. */
export async function trainingIsOver(device: SoakDevice): Promise<void> {
  await until(device, "the end of training", async () => (await jobOf(device)) === null);
}

/** Lets the device's clock run until it is so. @throws AppError E_TIMEOUT naming what did not come. */
async function until(device: SoakDevice, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = clock.monotonicMs() + PATIENCE_MS;
  while (!(await isSo())) {
    if (clock.monotonicMs() > endMs) throw new AppError("E_TIMEOUT", `${what} did not come`);
    await device.skip((await jobOf(device)) === null ? LOOK_MS : LOOK_MS / 10);
    await delay(clock, BREATH_MS);
  }
}

async function alertCodes(device: SoakDevice): Promise<readonly string[]> {
  const { alerts } = (await device.call("status", {})) as { alerts: readonly { code: string }[] };
  return alerts.map(({ code }) => code);
}

async function alertOf(device: SoakDevice, code: string, isRaised: boolean): Promise<void> {
  const what = isRaised ? `alert ${code}` : `the end of alert ${code}`;
  await until(device, what, async () => (await alertCodes(device)).includes(code) === isRaised);
}

async function micAlerts(device: SoakDevice): Promise<number> {
  return (await alertCodes(device)).filter((code) => code === "E_MIC_LOST" || code === "E_MIC_UNAVAILABLE").length;
}

async function budgetIs(device: SoakDevice, fits: (reason: string) => boolean): Promise<void> {
  await until(device, "the governor's decision", async () => {
    const { budget } = (await device.call("governorStatus", {})) as { budget: { reason: string } };
    return fits(budget.reason);
  });
}

async function jobOf(device: SoakDevice): Promise<{ readonly kind: string; readonly state: string } | null> {
  const { job } = (await device.call("trainStatus", {})) as { job: { kind: string; state: string } | null };
  return job;
}

/** A full training of the person's, whose trainer computes. */
async function beginTraining(device: SoakDevice): Promise<void> {
  await until(device, "a training", async () => {
    const job = await jobOf(device);
    if (job?.kind === "full") return job.state === "training" && trainersOf(device.pid).length > 0;
    try {
      await device.call("trainNow", {});
    } catch (error) {
      if (!isAppError(error, "E_TRAINING_INELIGIBLE")) throw error;
    }
    return false;
  });
}

function trainersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => {
    try {
      return readFileSync(`/proc/${child}/comm`, "utf8").startsWith("asls-trainer");
    } catch {
      return false; // it ended meanwhile
    }
  });
}
