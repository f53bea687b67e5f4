import { rm } from "node:fs/promises";
import { join } from "node:path";
import { seedFor } from "../../src/adapt/seeded-random.ts";
import type { ArmResult } from "./arm-result.ts";
import type { Rig } from "./rig.ts";
import { natsPerWord } from "./summary.ts";
import type { WriterRun } from "./writer-run.ts";
import type { WriterSplit } from "./writers.ts";

/** Domain groups by the corpus's topics; what belongs to none or to two is left out. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  music: ["music", "pop", "rap_hiphop", "rock", "beatles", "lady_gaga"],
  film: [
    "movies",
    "star_wars",
    "disney",
    "thriller",
    "horror",
    "action",
    "comedy",
    "superhero",
    "harry_potter",
    "fast_furious",
  ],
  sport: ["nfl_football", "baseball", "basketball", "icehockey"],
};
/** Dialogues of a domain below which it gets no adapter of its own. */
const MIN_LEARNED = 12;
const MIN_MEASURED = 3;

/** Nats per word on the test dialogues of the domain and of the writer's other ones. */
export interface DomainLosses {
  readonly own: number;
  readonly others: number;
}

/** One domain of one writer. */
export interface DomainResult {
  readonly domain: string;
  readonly learned: number;
  readonly base: DomainLosses;
  /** Trained on everything. */
  readonly general: DomainLosses;
  /** The general one, trained further on the domain. */
  readonly task: DomainLosses;
  /** The warm start, trained on the domain only. */
  readonly alone: DomainLosses;
  readonly cpuSeconds: number;
}

/**
 * What an adapter for one domain group does in it and elsewhere, for every domain with enough dialogues.
 *
 * @param general the writer's adapter trained on everything.
 * @param base the base's results on the test dialogues.
 */
export async function measureDomains(
  rig: Rig,
  run: WriterRun,
  { training, validation, topics }: WriterSplit,
  general: string,
  base: ArmResult,
  seed: number,
): Promise<DomainResult[]> {
  const learnedCount = training.length + validation.length;
  const withGeneral = await run.measureWith(general);
  const results: DomainResult[] = [];
  for (const [domain, names] of Object.entries(GROUPS)) {
    const isOwn = topics.map((topic) => names.includes(topic));
    const learned = isOwn.flatMap((own, i) => (own && i < learnedCount ? [i] : []));
    const measured = isOwn.slice(learnedCount);
    const others = measured.filter((own) => !own).length;
    if (learned.length < MIN_LEARNED || measured.length - others < MIN_MEASURED || others < MIN_MEASURED) continue;
    const begin = rig.meter.cpuSeconds;
    const out = join(rig.parts.folder, `domain-${domain}.gguf`);
    const losses = (result: ArmResult): DomainLosses => ({
      own: natsPerWord({ dialogues: result.dialogues.filter((_, i) => measured[i] === true) }),
      others: natsPerWord({ dialogues: result.dialogues.filter((_, i) => measured[i] !== true) }),
    });
    const trainedFrom = async (start: string | null, rate: Rig["catchUp"]) => {
      await run.trainOn(learned, rate, seedFor(seed, `domain ${domain}`), start, out);
      return losses(await run.measureWith(out));
    };
    results.push({
      domain,
      learned: learned.length,
      base: losses(base),
      general: losses(withGeneral),
      task: await trainedFrom(general, rig.catchUp),
      alone: await trainedFrom(rig.metaAdapter, { ...rig.catchUp, lr: rig.settings.learningRate.baseLr }),
      cpuSeconds: rig.meter.cpuSeconds - begin,
    });
    await rm(out, { force: true });
  }
  return results;
}
