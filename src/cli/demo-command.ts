import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { packageRoot } from "../core/built-file.ts";
import { SystemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { controlSocketPath } from "../runtime/control/socket-path.ts";
import type { DashboardAddress } from "../runtime/dashboard/dashboard-server.ts";
import { describeLearning } from "./demo/demo-learning.ts";
import type { DemoFindings } from "./demo/demo-script.ts";
import { describeEvent } from "./describe.ts";

/** `asls demo`: the real service on the virtual board, spoken to, rated and shown, in about two minutes. */
export function demoCommand(): Command {
  return new Command("demo")
    .description("run the real service on the virtual board, speak to it, and show what happens")
    .option("--out <folder>", "where recordings, answers, log and profile are left", "demo-out")
    .addHelpText("after", "\nExample:\n  asls demo --out /tmp/asls-demo")
    .action(async ({ out }: { out: string }) => {
      await demonstrate(resolve(out));
    });
}

/** What is worth a line while many typed turns go by. */
const LEARNING = new Set(["job", "adapter"]);

async function demonstrate(folder: string): Promise<void> {
  const { DemoService } = await import("./demo/demo-service.ts");
  const { playScript } = await import("./demo/demo-script.ts");
  const { watchMqtt } = await import("./demo/demo-mqtt.ts");
  const { freePort } = await import("./demo/free-port.ts");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const clock = new SystemClock();
  const startMs = clock.monotonicMs();
  const say = (line: string) => process.stdout.write(`\n${line}\n`);
  let isQuiet = false;
  const setQuiet = (quiet: boolean) => {
    isQuiet = quiet;
  };
  const published = new Set<string>();
  const happened = (line: string) => {
    if (published.size > 0) {
      const topics = [...published].join(", ");
      published.clear();
      happened(`published  ${topics}`);
    }
    const seconds = ((clock.monotonicMs() - startMs) / 1000).toFixed(1).padStart(5);
    for (const part of line.split("\n")) process.stdout.write(`  ${seconds} s  ${part}\n`);
  };
  const state = join(folder, "state");
  const runtime = join(folder, "run");
  const port = await freePort();
  const args = [
    ...["--board", "virtual"],
    ...["--set", `paths.stateDir=${state}`, "--set", `paths.runtimeDir=${runtime}`],
    ...["--set", `output.wavDir=${join(folder, "spoken")}`, "--set", `mqtt.embeddedPort=${port}`],
    // One full job at the end instead of a small one after each of the corrections.
    ...["--set", "log.format=json", "--set", "training.microUpdates=false"],
  ];
  const log = join(folder, "service.log");
  process.stdout.write(`Starting the service on the virtual board; everything stays in ${folder}\n`);
  await using service = await DemoService.start(
    `${packageRoot}dist/cli.js`,
    args,
    controlSocketPath(runtime),
    log,
    clock,
    ({ event, data }) => {
      const line = isQuiet && !LEARNING.has(event) ? null : describeEvent(event, data);
      if (line !== null) happened(line);
    },
  );
  happened(`ready      after ${Math.round(service.readyMs)} ms`);
  const { signInUrl } = (await service.call("dashboard", {})) as DashboardAddress;
  happened(`dashboard  ${signInUrl} (while the demo runs)`);
  const mqtt = await watchMqtt(`mqtt://127.0.0.1:${port}`, (topic) => {
    if (!isQuiet) published.add(topic);
  });
  let findings: DemoFindings;
  let exitCode: number;
  try {
    findings = await playScript(service, folder, say, setQuiet);
    exitCode = await service.stop();
  } finally {
    await mqtt.end();
  }
  summarise(findings, mqtt.topics, folder, exitCode);
}

/** @throws AppError E_INTERNAL when something did not come out as it must: the demo then fails. */
function summarise(found: DemoFindings, topics: ReadonlyMap<string, number>, folder: string, exitCode: number): void {
  const sorted = found.firstAudioMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const messages = [...topics.values()].reduce((sum, count) => sum + count, 0);
  const { facts, interactionCount, signalCounts } = found.profile;
  const lines = [
    "",
    "Summary",
    `  before it knew the name: "${found.answerBefore.trim()}"`,
    `  after:                   "${found.answerAfter.trim()}"`,
    `  profile: ${interactionCount} interactions, facts: ${facts.map(({ statement }) => statement).join(" ")}`,
    `  feedback: ${Object.entries(signalCounts)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")}`,
    `  woken by its phrase: ${found.wokenByPhrase ? "yes" : "no"}; real person's clip heard as: ${found.humanHeard ?? "(not installed)"}`,
    ...describeLearning(found.learning),
    `  end of speech to first audio: median ${Math.round(median)} ms over ${sorted.length} answers`,
    `  MQTT: ${messages} messages on ${topics.size} topics`,
    `  spoken answers: ${join(folder, "spoken")}; profile: ${join(folder, "state", "profiles")} (encrypted); log: ${join(folder, "service.log")}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  const failures = [
    found.heardExactly ? null : "the spoken request was not understood word for word",
    found.answerBefore === found.answerAfter ? "the profile did not change the answer" : null,
    facts.some(({ kind, value }) => kind === "name" && value.toLowerCase() === "sam")
      ? null
      : "the name was not learned",
    (signalCounts.thumb_up ?? 0) > 0 && (signalCounts.thumb_down ?? 0) > 0 ? null : "thumb feedback is missing",
    (signalCounts.correction ?? 0) > 0 ? null : "the correction is missing",
    messages > 0 ? null : "nothing was published over MQTT",
    found.learning.heldOutAfter < found.learning.heldOutBefore ? null : "training did not lower the held-out loss",
    found.learning.with === found.learning.without ? "training did not change the answer" : null,
    exitCode === 0 ? null : `the service ended with exit code ${exitCode}`,
  ].filter((failure) => failure !== null);
  if (failures.length > 0) {
    throw new AppError("E_INTERNAL", `the demo failed: ${failures.join("; ")}`, {
      hint: `See ${join(folder, "service.log")}`,
    });
  }
  process.stdout.write("\nThe demo succeeded. `npm start` keeps the same service running.\n");
}
