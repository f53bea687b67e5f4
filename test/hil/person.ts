import { delay, SystemClock } from "../../src/core/clock.ts";
import { isAppError } from "../../src/core/errors.ts";
import { gardenTurn } from "../support/gardener.ts";
import type { BoardDriver } from "./driver.ts";

/** Longer than `buttons.holdMs`. */
const HOLD_MS = 2_000;
const ATTEMPTS = 60;
const RETRY_MS = 500;

/** A profile of its own that allows storing and training, granted by holding the talk button. */
export async function newPerson(board: BoardDriver, label: string): Promise<string> {
  const { id } = (await board.service.call("profileCreate", { label })) as { id: string };
  await board.service.call("profileSelect", { profile: id });
  for (const purpose of ["store", "train"] as const) {
    const granting = board.service.call("consent", { purpose, granted: true });
    // Awaited below; a press that fails must not leave it unhandled.
    granting.catch(() => {});
    await board.press("talk", HOLD_MS);
    await granting;
  }
  return id;
}

/** Turns of one manner of speaking, each answer corrected: enough of them and there is something to learn. */
export async function talk(board: BoardDriver, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n += 1) {
    await say(board, n);
    await correct(board, n);
  }
}

/** A turn of that manner, text only. */
export async function say(board: BoardDriver, n: number): Promise<void> {
  await board.service.call("say", { text: gardenTurn(n).input, aloud: false });
}

/** What should have been answered to turn n, which was the last. */
export async function correct(board: BoardDriver, n: number): Promise<void> {
  const correction = gardenTurn(n).signals[0]?.correction;
  if (typeof correction === "string") await board.service.call("feedback", { kind: "correction", correction });
}

/** Begins a full training as soon as the governor gives it a share. */
export async function train(board: BoardDriver): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await board.service.call("trainNow", {});
      return;
    } catch (error) {
      if (!isAppError(error, "E_TRAINING_INELIGIBLE") || attempt === ATTEMPTS) throw error;
      await delay(new SystemClock(), RETRY_MS);
    }
  }
}
