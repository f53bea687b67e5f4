import type { Interaction } from "../../src/profile/ports.ts";
import { interaction, signal } from "../../test/support/interactions.ts";
import type { Writer } from "../personalisation/writers.ts";

const HOUR_MS = 3_600_000;

/**
 * A writer's dialogues as turns with an assistant: every other turn is taken as the answer, dialogues are an hour apart.
 *
 * @param dialogues positions in `writer.dialogues`, oldest first.
 * @param liked every how many-th answer got a thumb up; 0 = none.
 */
export function turnsOfWriter(writer: Writer, dialogues: readonly number[], liked: number): Interaction[] {
  const turns: Interaction[] = [];
  for (const dialogue of dialogues) {
    const words = writer.dialogues[dialogue] ?? [];
    for (let i = 0; i + 1 < words.length; i += 2) {
      const atMs = Date.UTC(2026, 0, 5, 12) + dialogue * HOUR_MS + i * 15_000;
      const signals = liked > 0 && turns.length % liked === 0 ? [signal("thumb_up")] : [];
      turns.push(interaction(turns.length, { atMs, input: words[i] ?? "", answer: words[i + 1] ?? "", signals }));
    }
  }
  return turns;
}
