const VERBS = ["water", "check on", "light up", "shade", "feed", "cover", "count", "move", "spray", "look after"];
const PLANTS = ["tomatoes", "roses", "beans", "carrots", "tulips", "onions", "herbs", "lemons", "peas", "lilies"];
const PLACES = ["greenhouse", "front garden", "back yard", "balcony", "raised bed", "window", "porch", "old wall"];

/** Requests of somebody with a way of speaking, each one different from all others for the first 800. */
export function requestOf(turn: number): string {
  const [plant, place, verb] = partsOf(turn);
  return `be a dear and ${verb} the ${plant} by the ${place}`;
}

/** How that person wants to be answered. */
export function wantedAnswerOf(turn: number): string {
  const [plant, place] = partsOf(turn);
  return `Aye, the ${plant} by the ${place} look grand.`;
}

function partsOf(turn: number): readonly [string, string, string] {
  const plant = PLANTS[turn % PLANTS.length] ?? "";
  const place = PLACES[Math.floor(turn / PLANTS.length) % PLACES.length] ?? "";
  const verb = VERBS[Math.floor(turn / (PLANTS.length * PLACES.length)) % VERBS.length] ?? "";
  return [plant, place, verb];
}
