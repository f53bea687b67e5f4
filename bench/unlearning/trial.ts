import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeExamples } from "../../src/adapt/example-encoding.ts";
import { buildExamples } from "../../src/adapt/examples.ts";
import { seededRandom, seedFor, shuffled } from "../../src/adapt/seeded-random.ts";
import { measureBesideBase, pairedLosses } from "../../src/adapt/trainer-steps.ts";
import { DEFAULT_TRAINING_SETTINGS, type TrainingSettings } from "../../src/adapt/training-settings.ts";
import { packageRoot } from "../../src/core/built-file.ts";
import { AppError } from "../../src/core/errors.ts";
import type { Interaction } from "../../src/profile/ports.ts";
import { AdaptationRig } from "../../test/support/adaptation-rig.ts";
import { realTrainer, SEED_MODEL, seedEncoder } from "../../test/support/trainer-rig.ts";
import { turnsOfWriter } from "../monitor/people.ts";
import type { Writer } from "../personalisation/writers.ts";
import type { Scores } from "./attack.ts";

export interface TrialSize {
  /** A writer's first dialogues; the newest third stays stored and is never deleted. */
  readonly dialogues: number;
  /** Deleted, and as many never stored. */
  readonly deleted: number;
  /** Turns of a dialogue, at most. */
  readonly turns: number;
  readonly settings: TrainingSettings;
}

export interface TrialResult {
  readonly before: Scores;
  readonly after: Scores;
  /** The rebuilt adapter is byte for byte the one of a device that never had the rows. */
  readonly isIdentical: boolean;
  /** Versions trained on a deleted row that could still be opened afterwards. */
  readonly stillThere: number;
  readonly rows: number;
}

const WARM_START = join(packageRoot, "models", "seed-meta-lora.gguf");

/**
 * One deletion on the product's own store, service and trainer: dialogues are drawn at random to be stored and deleted, as
 * many others of the same writer are never stored, and the attack compares the two before and after.
 *
 * @throws AppError E_DATA_INVALID when the writer has too few dialogues.
 */
export async function runTrial(
  writer: Writer,
  size: TrialSize,
  seed: number,
  signal: AbortSignal,
): Promise<TrialResult> {
  const cut = {
    ...writer,
    dialogues: writer.dialogues.slice(0, size.dialogues).map((turns) => turns.slice(0, size.turns)),
  };
  const all = cut.dialogues.map((_, i) => i);
  const old = all.slice(0, Math.floor((2 * all.length) / 3));
  const order = shuffled(old, seededRandom(seedFor(seed, `deletion of ${writer.writer}`)));
  const deleted = order.slice(0, size.deleted);
  const unseen = order.slice(size.deleted, 2 * size.deleted);
  if (unseen.length < size.deleted) throw new AppError("E_DATA_INVALID", "the writer has too few dialogues");
  const kept = all.filter((dialogue) => !deleted.includes(dialogue) && !unseen.includes(dialogue));
  await using device = await AdaptationRig.make(changes(size));
  const stored = all.filter((dialogue) => !unseen.includes(dialogue));
  const turns = stored.map((dialogue) => ({ dialogue, own: turnsOfWriter(cut, [dialogue], LIKED) }));
  const profileId = await device.consentingProfile();
  const ids = await device.tell(
    profileId,
    turns.flatMap(({ own }) => own),
  );
  const owner = turns.flatMap(({ dialogue, own }) => own.map(() => dialogue));
  await device.service.start();
  await device.trainNow();
  const first = await newest(device, profileId);
  const before = await attack(cut, deleted, unseen, await device.store.open(profileId, first), signal);

  const gone = ids.filter((_, i) => deleted.includes(owner[i] ?? -1));
  await deleteAll(device, gone);
  const rebuilt = await newest(device, profileId);
  const after = await attack(cut, deleted, unseen, await device.store.open(profileId, rebuilt), signal);
  const listings = await device.store.list(profileId, null);
  const isTainted = (each: (typeof listings)[number]) =>
    each.manifest.trainedInteractionIds.some((id) => gone.includes(id));
  const stillThere = listings.filter((each) => isTainted(each) && each.hasFile).length;

  await using never = await AdaptationRig.make(changes(size));
  const other = await never.consentingProfile();
  await never.tell(other, turnsOfDialogues(cut, kept));
  await never.service.start();
  await never.trainNow();
  return { before, after, isIdentical: rebuilt === (await newest(never, other)), stillThere, rows: gone.length };
}

/** Every how many-th answer was liked. */
const LIKED = 4;

function turnsOfDialogues(writer: Writer, dialogues: readonly number[]): Interaction[] {
  return dialogues.flatMap((dialogue) => turnsOfWriter(writer, [dialogue], LIKED));
}

function changes({ settings }: TrialSize) {
  return { settings, config: { microUpdates: false }, deps: { warmStart: async () => WARM_START } };
}

/** Version of the newest full job: its name is the hash of its bytes. */
async function newest(device: AdaptationRig, profileId: string): Promise<string> {
  const { lastFull } = await device.service.status();
  const full = await device.full(profileId);
  if (lastFull?.version == null || full === undefined) throw new AppError("E_INTERNAL", "training came to no adapter");
  return lastFull.version;
}

/** As deleting by hand and retention do; resolves when the rebuild that follows is over. */
async function deleteAll(device: AdaptationRig, ids: readonly string[]): Promise<void> {
  for (const id of ids) await device.opened.archive.deleteInteraction(id);
  const from = device.jobs.length;
  await device.service.interactionsDeleted(ids);
  await device.jobOver(from);
}

/** How many nats a token the adapter gained on each row of these dialogues, the row alone, as the user said it. */
async function attack(
  writer: Writer,
  deleted: readonly number[],
  unseen: readonly number[],
  adapter: string,
  signal: AbortSignal,
): Promise<Scores> {
  const folder = await mkdtemp(join(tmpdir(), "asls-unlearning-"));
  try {
    await using encoder = await seedEncoder();
    const { examples: settings, optimiser } = DEFAULT_TRAINING_SETTINGS;
    const parts = { trainer: realTrainer(), model: SEED_MODEL, folder, threads: 1, signal, onEvent: () => {} };
    const scored = async (dialogue: number) => {
      const rows = turnsOfWriter(writer, [dialogue], 0);
      const ofRows = rows.map((row) => buildExamples([row], { ...settings, feedback: false, corrections: false }));
      const examples = (await Promise.all(ofRows)).flat();
      const { encoded } = await encodeExamples(examples, encoder, optimiser.maxTokens);
      const { maxTokens } = optimiser;
      const { base, adapted } = await measureBesideBase(parts, `dialogue-${dialogue}`, encoded, adapter, maxTokens);
      return pairedLosses(base, adapted).map(({ before, after }) => before - after);
    };
    const all = async (dialogues: readonly number[]) => {
      const scores: number[][] = [];
      for (const dialogue of dialogues) scores.push(await scored(dialogue));
      return scores;
    };
    return { deleted: await all(deleted), unseen: await all(unseen) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
