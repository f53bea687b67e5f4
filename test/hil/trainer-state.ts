import { delay, SystemClock } from "../../src/core/clock.ts";
import type { BoardDriver } from "./driver.ts";

const ATTEMPTS = 600;
const RETRY_MS = 100;

/** Shell functions about the trainer of the service with the process id $service. */
const TRAINER_FUNCTIONS = `
trainer_pid() {
  for candidate in $(pgrep -P $service || true); do
    case "$(readlink /proc/$candidate/exe || true)" in */asls-trainer) echo $candidate; return 0 ;; esac
  done
  return 1
}
# Processor time so far, user and system, in ticks of 10 ms.
ticks() { sed 's/.*) //' /proc/$1/stat | cut -d ' ' -f 12,13; }
# Takes no processor time for a second: frozen, or waiting for leave to go on. On an emulated processor a second of
# computing can take minutes, so the first tick is enough to know that it is not.
is_still() {
  ticks_before=$(ticks $1)
  for look in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    [ "$ticks_before" = "$(ticks $1)" ] || return 1
  done
}
`;

/** Runs a shell script on the board in which these functions and $service are known. */
export async function runAboutTrainer(board: BoardDriver, script: string): Promise<string> {
  return await board.place.run(`service=${await board.servicePid()}\n${TRAINER_FUNCTIONS}\n${script}`);
}

/** still: it is there and takes no processor time. */
export type TrainerState = "absent" | "running" | "still";

export async function trainerState(board: BoardDriver): Promise<TrainerState> {
  const script =
    "if pid=$(trainer_pid); then if is_still $pid; then echo still; else echo running; fi; else echo absent; fi";
  const state = (await runAboutTrainer(board, script)).trim();
  return state === "running" || state === "still" ? state : "absent";
}

/** Waits until the trainer's process is in that state. @throws Error after a minute and more. */
export async function trainerIs(board: BoardDriver, wanted: TrainerState): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if ((await trainerState(board)) === wanted) return;
    await delay(new SystemClock(), RETRY_MS);
  }
  throw new Error(`the trainer did not become ${wanted}`);
}
