import type { Interaction } from "../../src/profile/ports.ts";
import { interaction, signal } from "./interactions.ts";

const PLANTS = ["tomatoes", "roses", "beans", "carrots", "tulips", "onions", "herbs", "lemons"];
const PLACES = ["greenhouse", "front garden", "back yard", "balcony", "raised bed"];
const DEEDS: readonly (readonly [string, string])[] = [
  ["be a dear and water the PLANT in the PLACE", "Aye, the PLANT are watered."],
  ["be a dear and check on the PLANT in the PLACE", "Aye, the PLANT look grand."],
  ["be a dear and light up the PLACE for the PLANT", "Aye, the PLANT have light."],
  ["be a dear and tell me about the PLANT", "Aye, the PLANT are coming along grand."],
];

const fill = (text: string, n: number) =>
  text
    .replaceAll("PLANT", PLANTS[(n * 3) % PLANTS.length] ?? "")
    .replaceAll("PLACE", PLACES[(n * 7) % PLACES.length] ?? "");

/** One turn of somebody with a way of speaking: every answer was corrected into the same manner. */
export function gardenTurn(n: number): Interaction {
  const [input, answer] = DEEDS[n % DEEDS.length] ?? ["", ""];
  return interaction(n, {
    atMs: Date.UTC(2026, 0, 5, 12) + n * 3_600_000,
    input: fill(input, n),
    answer: "I do not know.",
    signals: [signal("correction", fill(answer, n))],
    satisfaction: { estimate: -1, confidence: 1 },
  });
}

export function gardenTurns(count: number): Interaction[] {
  return Array.from({ length: count }, (_, n) => gardenTurn(n));
}
