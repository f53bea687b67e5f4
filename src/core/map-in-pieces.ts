import { setImmediate } from "node:timers/promises";

/**
 * `items.map(map)`, but the event loop gets its turn behind every piece: buttons, audio and a watchdog must not wait for
 * thousands of them.
 *
 * @param length items of one piece.
 */
export async function mapInPieces<T, U>(
  items: readonly T[],
  length: number,
  map: (item: T, index: number) => U,
): Promise<U[]> {
  const mapped: U[] = [];
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % length === 0) await setImmediate();
    mapped.push(map(item, i));
  }
  return mapped;
}
