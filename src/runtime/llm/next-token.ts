import { seededRandom } from "../../adapt/seeded-random.ts";
import type { PhraseMixture } from "./phrase-mixture.ts";

/** Decides the next token from the model's choice and what is remembered. */
export type ChooseToken = (history: readonly number[], choice: number, likelihood: number) => number;

/**
 * Greedy at temperature 0: the most likely token of the mixture of model and phrases. Above it a draw from the mixture;
 * the phrases' part is drawn as it is, whatever the temperature.
 *
 * @param seed null = not repeatable.
 */
export function tokenChooser(phrases: PhraseMixture, temperature: number, seed: number | null): ChooseToken {
  if (temperature === 0) return (history, choice, likelihood) => phrases.best(history, choice, likelihood);
  const random = seed === null ? Math.random : seededRandom(seed);
  return (history, choice) => phrases.draw(history, random) ?? choice;
}
