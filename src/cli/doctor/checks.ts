import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { SignalFreezer } from "../../adapt/freezer.ts";
import { trainerExecutable } from "../../adapt/trainer-executable.ts";
import { backendText, probeTrainer } from "../../adapt/trainer-probe.ts";
import { TrainerProcess } from "../../adapt/trainer-process.ts";
import { type Clock, withDeadline } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { silentLogger } from "../../core/logger.ts";
import type { LoadedConfig } from "../../runtime/config/load-config.ts";
import { callService, isServiceListening } from "../../runtime/control/control-client.ts";
import { controlSocketPath } from "../../runtime/control/socket-path.ts";
import { extraArchitecturesOf, inspectModel, modelPathOf } from "../../runtime/llm/model-file.ts";
import { createSpeechOutput } from "../../runtime/output/speech-output.ts";
import { openProfiles } from "../../runtime/service/open-profiles.ts";
import { chooseButtonRoute } from "../../sensors/buttons.ts";
import { surveyGpio } from "../../sensors/gpio-survey.ts";
import { openHearingEngines } from "../../sensors/hearing.ts";
import { Lpcm16Microphone } from "../../sensors/lpcm16-microphone.ts";
import { brokerCheck } from "./broker-check.ts";
import type { Check } from "./check.ts";
import { dashboardCheck } from "./dashboard-check.ts";
import { secrecyChecks } from "./secrecy-checks.ts";

const LOW_DISK_BYTES = 200 * 2 ** 20;
const MINIMUM_NODE = [20, 19] as const;

/** Every part of the appliance as this configuration has it, in the order in which they build on each other. */
export function doctorChecks(loaded: LoadedConfig, clock: Clock): Check[] {
  const { config, board } = loaded;
  return [
    { part: "node", look: async () => checkNode(process.versions.node) },
    {
      part: "configuration",
      look: async () => `valid; board ${board.name}${board.model === null ? "" : ` (${board.model})`}`,
    },
    serviceCheck(loaded),
    { part: "disk", look: () => checkDisk(config.paths.stateDir) },
    profileCheck(loaded, clock),
    ...secrecyChecks(config.paths.runtimeDir),
    { part: "model", look: () => checkModel(config.model.path, config.model.extraArchitectures) },
    ...trainerChecks(config.model.path, clock),
    ...hearingChecks(loaded, clock),
    { part: "speech", look: (signal) => checkSpeech(loaded, clock, signal) },
    buttonCheck(loaded),
    brokerCheck(config.mqtt),
    dashboardCheck(config),
  ];
}

function checkNode(version: string): string {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new AppError("E_USAGE", `Node ${version} is too old`, {
      hint: `Install Node ${MINIMUM_NODE.join(".")} or newer.`,
    });
  }
  return `Node ${version}`;
}

function serviceCheck({ config }: LoadedConfig): Check {
  const socket = controlSocketPath(config.paths.runtimeDir);
  return {
    part: "service",
    look: async () => {
      if (!(await isServiceListening(socket))) {
        return {
          warning: "the service is not running",
          nextStep: "Start it with `asls run` or `systemctl start asls`.",
        };
      }
      const status = (await callService(socket, "status", {})) as { alerts: readonly { code: string; hint: string }[] };
      const [first] = status.alerts;
      if (first === undefined) return "running, no alerts";
      return { warning: `running, alerts: ${status.alerts.map(({ code }) => code).join(", ")}`, nextStep: first.hint };
    },
  };
}

async function checkDisk(stateDir: string): Promise<string> {
  const { bavail, bsize } = await statfs(await existingParent(stateDir));
  const freeBytes = bavail * bsize;
  const text = `${Math.round(freeBytes / 2 ** 20)} MiB free for ${stateDir}`;
  if (freeBytes < LOW_DISK_BYTES) throw new AppError("E_DISK_FULL", text);
  return text;
}

async function existingParent(folder: string): Promise<string> {
  try {
    await statfs(folder);
    return folder;
  } catch {
    const parent = folder.slice(0, folder.lastIndexOf("/"));
    return parent === "" ? "/" : existingParent(parent);
  }
}

/** The running service holds the database; then its own health check speaks for it. */
function profileCheck({ config }: LoadedConfig, clock: Clock): Check {
  return {
    part: "profile",
    look: async () => {
      if (await isServiceListening(controlSocketPath(config.paths.runtimeDir))) return "in use by the running service";
      await using profiles = await openProfiles(config, { clock, logger: silentLogger, env: process.env });
      const count = (await profiles.archive.list()).length;
      const text = `database opens, ${count} profile${count === 1 ? "" : "s"}, key from ${profiles.keySource}`;
      if (profiles.keySource === "credential") return text;
      const tpm = existsSync("/dev/tpmrm0") ? ", bound to this board's TPM" : "; this board has no TPM to bind it to";
      return {
        warning: `${text}: whoever takes the disk or SD card can read the profiles`,
        nextStep: `Give the key as systemd credential asls-device-key${tpm} (docs/privacy.md#keys).`,
      };
    },
  };
}

async function checkModel(path: string, extraArchitectures: string): Promise<string> {
  const file = await inspectModel(modelPathOf(path), extraArchitecturesOf(extraArchitectures));
  const millions = (file.parameters / 1e6).toFixed(file.parameters < 1e7 ? 1 : 0);
  return `${file.name}: ${file.architecture}, ${millions}M parameters, ${file.quantisation} (${basename(file.path)})`;
}

/** One line per backend that the trainer knows. */
function trainerChecks(modelPath: string, clock: Clock): Check[] {
  return [
    {
      part: "trainer",
      look: async (signal) => {
        const trainer = new TrainerProcess({
          command: { file: trainerExecutable() },
          clock,
          logger: silentLogger,
          freezer: new SignalFreezer(),
        });
        const probe = await probeTrainer(trainer, modelPathOf(modelPath), 1, signal);
        const text = probe.backends.map(backendText).join("\n                     ");
        if (probe.chosen === null) throw new AppError("E_TRAINER_BACKEND", text);
        return text;
      },
    },
  ];
}

function hearingChecks({ config }: LoadedConfig, clock: Clock): Check[] {
  const { microphone, speaker, stt, vad, wake } = config;
  const { engine } = stt;
  if (microphone.kind === "none" || engine === "none") return [];
  const checks: Check[] = [
    {
      part: "hearing",
      look: async () => {
        await using engines = await openHearingEngines({ vad, wake, speaker, stt: { ...stt, engine } }, clock);
        if (engines.wakeFailure !== null) throw engines.wakeFailure;
        if (engines.speakerFailure !== null) throw engines.speakerFailure;
        const phrase = engines.wake === null ? "button only" : `"${engines.wake.phrase}" or button`;
        return `${engines.stt.name}; wakes by ${phrase}`;
      },
    },
  ];
  if (microphone.kind === "virtual") return checks;
  checks.push({
    part: "microphone",
    look: async () => {
      const { device, periodMs, stallMs } = microphone;
      const recorder = new Lpcm16Microphone({ device, periodMs, stallMs, clock });
      const stop = new AbortController();
      try {
        const frames = recorder.capture(stop.signal)[Symbol.asyncIterator]();
        const first = await withDeadline(clock, stallMs * 2, "the first sound", frames.next());
        if (first.done === true) throw new AppError("E_MIC_UNAVAILABLE", `${recorder.name} delivers nothing`);
        return `${recorder.name} delivers audio`;
      } finally {
        stop.abort();
      }
    },
  });
  return checks;
}

async function checkSpeech({ config }: LoadedConfig, clock: Clock, signal: AbortSignal): Promise<string> {
  // The service makes its runtime folder itself, and may not have run yet.
  const paths = { ...config.paths, runtimeDir: tmpdir() };
  const speech = createSpeechOutput({ ...config, paths }, { clock, log: silentLogger });
  try {
    if (config.tts.engine === "none") return "no voice by configuration";
    const { samples, sampleRateHz } = await speech.voice.synthesize("Hello.", signal);
    return `${speech.voice.name} speaks (${Math.round((samples.length / sampleRateHz) * 1000)} ms of audio); output ${speech.output.name}`;
  } finally {
    await speech.stop();
  }
}

function buttonCheck({ config }: LoadedConfig): Check {
  const { backend } = config.buttons;
  return {
    part: "buttons",
    look: async () => {
      if (backend === "virtual" || backend === "none") return `${backend} by configuration`;
      const { route, reasons } = chooseButtonRoute({ ...config.buttons, backend }, await surveyGpio());
      if (route === null) throw new AppError("E_GPIO_UNAVAILABLE", reasons.join("; "));
      return reasons.at(-1) ?? route.backend;
    },
  };
}
