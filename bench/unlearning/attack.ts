import { seededRandom } from "../../src/adapt/seeded-random.ts";

/** One deletion: how much likelier the adapter made each row, by dialogue, for deleted and for never seen dialogues. */
export interface Scores {
  readonly deleted: readonly (readonly number[])[];
  readonly unseen: readonly (readonly number[])[];
}

export interface AttackResult {
  /** Chance that a deleted row scores above an unseen one; 0.5 = the attack sees nothing. */
  readonly auc: number;
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
}

/**
 * Loss-based membership inference: rows that were trained on should have gained more than rows that were not. Compared
 * within one deletion only, so that what differs between people does not count.
 *
 * @see Yeom et al., Privacy Risk in Machine Learning, arXiv 1709.01604; calibration by the base: Watson et al., arXiv 2111.08440
 * The interval resamples deletions, and dialogues within them: rows of a dialogue are alike.
 */
export function membershipAuc(trials: readonly Scores[], resamples: number, seed: number): AttackResult {
  const { wins, pairs } = counted(trials);
  const random = seededRandom(seed);
  const drawn = <T>(items: readonly T[]): T[] => items.flatMap(() => items[Math.floor(random() * items.length)] ?? []);
  const aucs = Array.from({ length: resamples }, () => {
    const again = counted(
      drawn(trials).map(({ deleted, unseen }) => ({ deleted: drawn(deleted), unseen: drawn(unseen) })),
    );
    return again.wins / again.pairs;
  }).sort((a, b) => a - b);
  const at = (share: number) => aucs[Math.round(share * (aucs.length - 1))] ?? Number.NaN;
  return { auc: wins / pairs, low: at(0.025), high: at(0.975), pairs };
}

function counted(trials: readonly Scores[]): { readonly wins: number; readonly pairs: number } {
  let wins = 0;
  let pairs = 0;
  for (const { deleted, unseen } of trials) {
    for (const mine of deleted.flat()) {
      for (const other of unseen.flat()) {
        wins += mine > other ? 1 : mine === other ? 0.5 : 0;
        pairs += 1;
      }
    }
  }
  return { wins, pairs };
}
