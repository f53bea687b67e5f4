import { seededRandom, seedFor } from "../../src/adapt/seeded-random.ts";

/** What can go wrong while a job trains. */
export const TRAINING_FAULTS = ["too_hot", "on_battery", "trainer_killed"] as const;
/** What can go wrong at any time. */
export const IDLE_FAULTS = ["broker_gone", "microphone_gone", "thermometer_gone"] as const;
/** Ends of the service; only in the first period, since memory is compared within one process. */
export const RESTARTS = ["stopped", "killed"] as const;

export type Fault = (typeof TRAINING_FAULTS)[number] | (typeof IDLE_FAULTS)[number] | (typeof RESTARTS)[number];

/** Something that happens, at a time of its period. */
export type Happening = { readonly atMs: number } & (
  | { readonly kind: "talk"; readonly typed: number; readonly spoken: number; readonly corrected: number }
  | { readonly kind: "fault"; readonly fault: Fault }
);

/** Conversations of a period of 24 h, and typed turns in each. */
const CONVERSATIONS = 8;
const TYPED_TURNS = 4;
/** Conversations of a period of any length. */
const FEWEST_CONVERSATIONS = 2;
const DAY_MS = 86_400_000;

/**
 * What happens in one period (a day, or a part of one in a short run), oldest first. People speak between 7 and 22 of its
 * 24 parts; the rest is for measuring.
 *
 * @param isTrainable enough was said before for a full training.
 */
export function planPeriod(period: number, periodMs: number, seed: number, isTrainable: boolean): Happening[] {
  const random = seededRandom(seedFor(seed, `period ${period}`));
  const when = () => ((7 + random() * 15) / 24) * periodMs;
  const conversations = Math.max(FEWEST_CONVERSATIONS, Math.round((CONVERSATIONS * periodMs) / DAY_MS));
  const happenings: Happening[] = [];
  for (let n = 0; n < conversations; n += 1) {
    // One a period is by voice, with sound in real time; one is corrected.
    happenings.push({
      kind: "talk",
      atMs: when(),
      typed: TYPED_TURNS,
      spoken: n === 0 ? 1 : 0,
      corrected: n === 1 ? 2 : 0,
    });
  }
  const faults: Fault[] = [...IDLE_FAULTS];
  if (isTrainable) faults.push(TRAINING_FAULTS[period % TRAINING_FAULTS.length] ?? "too_hot");
  if (period === 0) faults.push(...RESTARTS);
  for (const fault of faults) happenings.push({ kind: "fault", atMs: when(), fault });
  return happenings.toSorted((a, b) => a.atMs - b.atMs);
}
