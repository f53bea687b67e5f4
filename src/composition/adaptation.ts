import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AdaptationService } from "../adapt/adaptation-service.ts";
import { AdapterStore } from "../adapt/adapter-store.ts";
import { readGeneralText } from "../adapt/general-text.ts";
import { JobJournal } from "../adapt/job-journal.ts";
import type { BaseModel } from "../adapt/job-world.ts";
import { readProbeSet } from "../adapt/monitor/probe-set.ts";
import type { Freezer } from "../adapt/ports.ts";
import { TrainerProcess } from "../adapt/trainer-process.ts";
import { DEFAULT_TRAINING_SETTINGS, type TrainingSettings } from "../adapt/training-settings.ts";
import { packageRoot } from "../core/built-file.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { FileUpdateLock } from "../core/update-lock.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import type { GovernorService } from "../runtime/governor/governor-service.ts";
import { modelPathOf, TRAINABLE_ARCHITECTURES } from "../runtime/llm/model-file.ts";
import { trainedPrompt } from "../runtime/llm/trained-prompt.ts";
import { LlamaTrainingTextEncoder } from "../runtime/llm/training-text-encoder.ts";
import type { Alerts } from "../runtime/service/alerts.ts";
import type { LearningSwitches } from "../runtime/service/learning-switches.ts";
import type { ModelService } from "../runtime/service/model-service.ts";
import type { Profiles } from "../runtime/service/open-profiles.ts";

export interface AdaptationMade {
  readonly adaptation: AdaptationService;
  readonly adapters: AdapterStore;
}

export interface AdaptationParts {
  readonly profiles: Profiles;
  readonly models: ModelService;
  readonly governor: GovernorService;
  readonly learning: LearningSwitches;
  readonly freezer: Freezer;
  readonly alerts: Alerts;
  readonly clock: Clock;
  /** The trainer's deadlines are in this one. */
  readonly machineTime: Clock;
  readonly log: Logger;
}

const TRAINER = `${packageRoot}build/trainer/asls-trainer`;
/** The shipped warm start, and what it was made for. */
const WARM_START = `${packageRoot}models/seed-meta-lora.gguf`;

/** Adapters of this configuration: sealed in the state folder, opened in the runtime folder. */
export function makeAdapterStore(
  { paths }: Pick<AslsConfig, "paths">,
  { profiles, clock, log }: Pick<AdaptationParts, "profiles" | "clock" | "log">,
): AdapterStore {
  return new AdapterStore({
    folder: join(paths.stateDir, "adapters"),
    openedFolder: join(paths.runtimeDir, "adapters"),
    files: profiles.files,
    clock,
    logger: log.child({ part: "adapters" }),
  });
}

/** The adaptation layer, wired to the model that answers and to the governor's budget. */
export function makeAdaptation(config: AslsConfig, parts: AdaptationParts): AdaptationMade {
  const { profiles, models, governor, learning, freezer, alerts, clock, machineTime } = parts;
  const { paths, training, model } = config;
  const log = parts.log.child({ part: "adaptation" });
  const adapters = makeAdapterStore(config, parts);
  const modelPath = modelPathOf(model.path);
  const base = (): BaseModel | null => {
    const info = models.model?.info;
    if (info === undefined) return null;
    const isTrainable = TRAINABLE_ARCHITECTURES.includes(info.architecture) && existsSync(TRAINER);
    return { path: modelPath, sha256: info.sha256, name: info.name, isTrainable };
  };
  const { minNewInteractions, minInteractions, quietMs, minIntervalMs } = training;
  const { microUpdates, taskAdapters, checkMs, graceMs, keepVersions, seed } = training;
  const adaptation = new AdaptationService(
    {
      clock,
      log,
      archive: profiles.archive,
      store: adapters,
      journal: new JobJournal(join(paths.stateDir, "adapters"), profiles.files),
      trainer: new TrainerProcess({ command: { file: TRAINER }, clock: machineTime, logger: log, freezer }),
      embedder: profiles.embedder,
      settings: settingsOf(training),
      workFolder: join(paths.runtimeDir, "training"),
      compose: trainedPrompt(model.persona, () => models.model?.info.parameters ?? 0),
      general: () => readGeneralText(training.generalText || `${packageRoot}models/general.txt`),
      probes: () => readProbeSet(training.safety.probes || `${packageRoot}models/probes.json`),
      openEncoder: () => LlamaTrainingTextEncoder.open(modelPath, log),
      warmStart: async () => warmStartFor(base()?.sha256 ?? null),
      base,
      budget: () => governor.budget,
      hold: () => learning.hold,
      onTraining: (isTraining) => governor.setTraining(isTraining),
      useAdapter: async (path) => {
        await models.model?.useAdapters(path === null ? [] : [{ path, scale: 1 }]);
      },
      updates: new FileUpdateLock(join(paths.runtimeDir, "update.lock"), clock, log),
      alert: (code, message) => (message === null ? alerts.clear(code) : alerts.raise(code, message)),
    },
    {
      policy: { minNewInteractions, minInteractions, quietMs, minIntervalMs },
      microUpdates,
      taskAdapters,
      checkMs,
      graceMs,
      keepVersions,
      seed,
    },
  );
  return { adaptation, adapters };
}

function settingsOf({ selection: method, tokenBudget, safety }: AslsConfig["training"]): TrainingSettings {
  const { selection } = DEFAULT_TRAINING_SETTINGS;
  const { identityBound, agreementBound, refusalBound } = safety;
  return {
    ...DEFAULT_TRAINING_SETTINGS,
    selection: { ...selection, method, tokenBudget },
    safety: { identityBound, agreementBound, refusalBound },
  };
}

/** The shipped adapter when its card names that base model; null otherwise. */
function warmStartFor(baseSha256: string | null): string | null {
  const card = WARM_START.replace(/\.gguf$/, ".json");
  if (baseSha256 === null || !existsSync(WARM_START) || !existsSync(card)) return null;
  const facts: unknown = JSON.parse(readFileSync(card, "utf8"));
  const isForBase =
    typeof facts === "object" && facts !== null && "base_sha256" in facts && facts.base_sha256 === baseSha256;
  return isForBase ? WARM_START : null;
}
