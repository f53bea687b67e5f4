import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { type AdapterManifest, versionOf } from "../../src/adapt/adapter-manifest.ts";
import { makeAdapterStore } from "../../src/composition/adaptation.ts";
import { SystemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import type { Domain, NewInteraction, SignalKind } from "../../src/profile/ports.ts";
import { loadConfig } from "../../src/runtime/config/load-config.ts";
import { openProfiles } from "../../src/runtime/service/open-profiles.ts";
import { manifestOf } from "./adapter-manifests.ts";
import type { TempDir } from "./temp-dir.ts";
import { deviceOptions } from "./virtual-device.ts";

/** Ids of what a device was left with. */
export interface LivedIn {
  readonly profileId: string;
  /** Two that passed their gate, the older one first, which is the previous one; and one that was refused. */
  readonly versions: readonly [older: string, inUse: string, refused: string];
}

interface Talk {
  readonly input: string;
  readonly answer: string;
  readonly domain: Domain;
  readonly signal?: SignalKind;
  readonly correction?: string;
  readonly fact?: {
    readonly kind: "name" | "unit" | "preference" | "health";
    readonly statement: string;
    readonly value: string;
  };
}

const TALKS: readonly Talk[] = [
  {
    input: "call me Maggie",
    answer: "Nice to meet you, Maggie.",
    domain: "smalltalk",
    fact: { kind: "name", statement: "The user's name is Maggie.", value: "Maggie" },
  },
  {
    input: "turn on the lights in the greenhouse",
    answer: "The greenhouse lights are on.",
    domain: "lights",
    signal: "thumb_up",
  },
  {
    input: "how warm is it in there",
    answer: "It is 70 degrees in the greenhouse.",
    domain: "climate",
    signal: "correction",
    correction: "It is 21 degrees in the greenhouse.",
    fact: { kind: "unit", statement: "The user wants temperatures in Celsius.", value: "celsius" },
  },
  { input: "be a dear and water the tomatoes", answer: "The tomatoes are watered.", domain: "home", signal: "praise" },
  {
    input: "I am allergic to hazelnuts",
    answer: "I will remember that you are allergic to hazelnuts.",
    domain: "facts",
    fact: { kind: "health", statement: "The user is allergic to hazelnuts.", value: "hazelnuts" },
  },
  {
    input: "set a timer for ten minutes",
    answer: "The timer is set for ten minutes.",
    domain: "timers",
    signal: "task_done",
  },
  {
    input: "tell me about the movie",
    answer: "It is about a gardener and her dog.",
    domain: "media",
    signal: "barge_in",
  },
  {
    input: "close the blinds in the front room",
    answer: "The front room blinds are closed.",
    domain: "home",
    signal: "thumb_down",
  },
];
/** Enough for a training job of its own. */
const ROUNDS = 5;
const DAY_MS = 24 * 3_600_000;
const WARM_START = "models/seed-meta-lora.gguf";

/**
 * Leaves a state folder as somebody's daily use would, through the product's own stores: consents, conversations with
 * judgements and facts, and adapters, whose weights are the shipped warm start (with padding, so that they differ).
 */
export async function liveIn(folder: TempDir, nowMs: number): Promise<LivedIn> {
  const overrides = deviceOptions(folder).filter((option) => option.includes("="));
  const { config } = await loadConfig({ overrides: ["board.profile=virtual", ...overrides], env: {} });
  const clock = new SystemClock();
  await using profiles = await openProfiles(config, { clock, logger: silentLogger, env: {} });
  const { id: profileId } = await profiles.store.active();
  for (const purpose of ["store", "train"] as const)
    await profiles.store.setConsent(profileId, purpose, true, "button");
  const trained: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, talk] of TALKS.entries()) {
      const atMs = nowMs - (ROUNDS - round) * DAY_MS + i * 45 * 60_000;
      const stored = await profiles.store.record(interactionOf(profileId, talk, atMs));
      if (stored.kind !== "stored") throw new Error("the conversation was not stored");
      const { interactionId } = stored;
      trained.push(interactionId);
      const { signal, correction = null, fact } = talk;
      if (signal !== undefined)
        await profiles.store.addSignal(interactionId, { kind: signal, atMs: atMs + 5_000, correction });
      if (fact !== undefined && round === 0) await profiles.store.learnFact(profileId, { ...fact, interactionId });
    }
  }
  const store = makeAdapterStore(config, { profiles, clock, log: silentLogger });
  const base = JSON.parse(await readFile("models/seed-meta-lora.json", "utf8")) as { base_sha256: string };
  const stage = async (padding: number, changes: Partial<AdapterManifest>) => {
    const path = folder.join(`adapter-${padding}.gguf`);
    const weights = Buffer.concat([await readFile(WARM_START), Buffer.alloc(padding)]);
    await writeFile(path, weights);
    const sha256 = createHash("sha256").update(weights).digest("hex");
    const version = versionOf(sha256);
    const identity = {
      sha256,
      version,
      sizeBytes: weights.length,
      base: { sha256: base.base_sha256, name: "seed chat" },
    };
    await store.stage(path, manifestOf(profileId, "", { ...identity, ...changes }));
    return version;
  };
  const older = await stage(32, {
    createdAtMs: nowMs - 3 * DAY_MS,
    trainedInteractionIds: trained.slice(0, 16),
    gate: gateOf(3.21, 2.74, 0.004, true),
  });
  const inUse = await stage(64, {
    createdAtMs: nowMs - DAY_MS,
    parent: older,
    trainedInteractionIds: trained.slice(0, 32),
    gate: gateOf(3.21, 2.52, 0.011, true),
  });
  const refused = await stage(96, {
    createdAtMs: nowMs - DAY_MS / 4,
    parent: inUse,
    trainedInteractionIds: trained.slice(0, 36),
    gate: gateOf(2.52, 2.5, 0.019, false),
  });
  await store.activate(profileId, older);
  await store.activate(profileId, inUse);
  return { profileId, versions: [older, inUse, refused] };
}

function interactionOf(profileId: string, { input, answer, domain }: Talk, atMs: number): NewInteraction {
  const time = new Date(atMs);
  const context = { hour: time.getHours(), weekday: time.getDay(), boardState: "idle", adapterVersion: null };
  return { profileId, atMs, modality: "voice", input, answer, domain, context };
}

function gateOf(before: number, after: number, generalRise: number, promoted: boolean): AdapterManifest["gate"] {
  const mean = after - before;
  const difference = { mean, low: mean - 0.05, high: mean + 0.05, before, after, examples: 8, tokens: 90 };
  return {
    promoted,
    reasons: promoted ? [] : ["no_clear_gain"],
    heldOut: difference,
    general: difference,
    generalRise,
    generalCeiling: 0.02,
    confidence: 0.95,
    resamples: 1_000,
    safety: null,
  };
}
