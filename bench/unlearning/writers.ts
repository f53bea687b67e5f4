import { existsSync } from "node:fs";
import { seededRandom, shuffled } from "../../src/adapt/seeded-random.ts";
import { readWriters, type Writer } from "../personalisation/writers.ts";

const WHO = [
  "My cousin",
  "Our neighbour",
  "The teacher",
  "An old friend",
  "My boss",
  "The baker",
  "A tall man",
  "My aunt",
];
const DID = ["lost", "painted", "sold", "found", "broke", "bought", "hid", "fixed", "dreamed of", "drew"];
const WHAT = [
  "a blue boat",
  "two clocks",
  "the long ladder",
  "a silver ring",
  "his violin",
  "seven hats",
  "the red kite",
  "a stone lion",
];
const WHERE = [
  "in the harbour",
  "behind the church",
  "on the roof",
  "near the mill",
  "in Lisbon",
  "at the fair",
  "under the bridge",
];
const REPLY = [
  "That is a good story",
  "I did not know that",
  "How strange",
  "What happened then",
  "I like that",
  "Tell me more",
];

/** Dialogues of made-up people: sentences drawn at random, so that each is somebody's own. */
function inventedWriters(count: number): Writer[] {
  return Array.from({ length: count }, (_, writer) => {
    const random = seededRandom(7_000 + writer);
    const one = (list: readonly string[]) => shuffled(list, random)[0] ?? "";
    const turn = (_: unknown, i: number) =>
      i % 2 === 0 ? `${one(WHO)} ${one(DID)} ${one(WHAT)} ${one(WHERE)}.` : `${one(REPLY)}.`;
    const dialogues = Array.from({ length: 12 }, () => Array.from({ length: 20 }, turn));
    return { writer, dialogues, topics: dialogues.map(() => "") };
  });
}

/** Real writers when there is such a file, smallest first; invented ones otherwise. */
export async function writersOr(
  path: string,
  invented: number,
): Promise<{ readonly writers: Writer[]; readonly areReal: boolean }> {
  if (!existsSync(path)) return { writers: inventedWriters(invented), areReal: false };
  return { writers: await readWriters(path), areReal: true };
}
