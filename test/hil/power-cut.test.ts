import { expect, test } from "vitest";
import type { SeenEvent } from "../../src/cli/demo/watched-service.ts";
import { delay, SystemClock } from "../../src/core/clock.ts";
import { describeWhen } from "../support/describe-when.ts";
import type { BoardDriver } from "./driver.ts";
import { missing, openBoard } from "./open-board.ts";
import { correct, newPerson, say, train } from "./person.ts";
import { trainerIs } from "./trainer-state.ts";

/** Power cuts in all: one of each kind, or `npm run hil -- --cuts N` (5 there by default). */
const CUTS = Number(process.env.HIL_CUTS ?? 3);
const KINDS = ["write", "training", "swap"] as const;
/** An update after a correction on an emulated processor, ms. */
const UPDATE_MS = 1_200_000;
/** One cut with everything around it on an emulated processor, ms. */
const CUT_MS = 720_000;
/** `training.minInteractions` and one more. */
const ENOUGH_TURNS = 6;
/** Longest wait before a cut, ms; cut number n comes after a share of it, so that a run covers the whole. */
const SPREAD_MS = 2_000;

interface Listed {
  readonly version: string;
  readonly state: string;
}

/** Texts that were said and answered: the board has acknowledged them. */
class Acknowledged {
  readonly #board: BoardDriver;
  readonly texts: string[] = [];

  constructor(board: BoardDriver) {
    this.#board = board;
  }

  async say(text: string): Promise<void> {
    const report = (await this.#board.service.call("say", { text, aloud: false })) as { outcome: string };
    if (report.outcome === "answered") this.texts.push(text);
  }

  /** Talks on until the board no longer answers. */
  async sayUntilCut(cut: number): Promise<void> {
    for (let n = 0; ; n += 1) {
      try {
        await this.say(`write down number ${n} of cut ${cut}`);
      } catch {
        return;
      }
    }
  }
}

async function adapters(board: BoardDriver): Promise<readonly Listed[]> {
  return (await board.service.call("adapterList", { profile: null })) as readonly Listed[];
}

/** Has one answer corrected, which is learned at once. @returns the version in use. */
async function learnAdapter(board: BoardDriver): Promise<string> {
  await say(board, 0);
  const from = board.service.position;
  await correct(board, 0);
  const isOver = ({ event, data }: SeenEvent) =>
    event === "job" && ["active", "rejected", "failed"].includes(String(data.state));
  const { data } = await board.service.next(from, "the end of the update", UPDATE_MS, isOver);
  expect(data.state).toBe("active");
  const active = (await adapters(board)).find(({ state }) => state === "active");
  if (active === undefined) throw new Error("no adapter is in use after the update");
  return active.version;
}

describeWhen(missing("cut_power"), `${CUTS} power cuts`, () => {
  test(
    `while it writes, trains and swaps adapters: boots, loses nothing that it acknowledged, adapter whole`,
    async () => {
      // A correction learned at once makes an adapter to swap: a whole training takes an emulated processor too long.
      const isSwapping = KINDS.slice(0, CUTS).includes("swap");
      await using board = await openBoard(isSwapping ? ["training.microUpdates=true"] : []);
      const profile = await newPerson(board, "gardener");
      const acknowledged = new Acknowledged(board);
      const version = isSwapping ? await learnAdapter(board) : null;
      for (let cut = 0; cut < CUTS; cut += 1) {
        const kind = KINDS[cut % KINDS.length] ?? "write";
        await acknowledged.say(`this is cut ${cut}`);
        const waitMs = (SPREAD_MS * ((cut * 7) % 10)) / 10;
        if (kind === "write") {
          const saying = acknowledged.sayUntilCut(cut);
          await delay(new SystemClock(), waitMs);
          await board.cutPower();
          await saying;
        } else if (kind === "training") {
          for (let n = 1; n < ENOUGH_TURNS; n += 1) await say(board, n);
          await train(board);
          await trainerIs(board, "running");
          await delay(new SystemClock(), waitMs);
          await board.cutPower();
        } else {
          const inUse = (await board.service.call("status", {})) as { adapter: string | null };
          const swap =
            inUse.adapter === null && version !== null
              ? board.service.call("adapterActivate", { version })
              : board.service.call("adapterRollback", {});
          swap.catch(() => {});
          await delay(new SystemClock(), waitMs / 10);
          await board.cutPower();
          await swap.catch(() => {});
        }
        await board.restorePower();
        const status = (await board.service.call("status", {})) as { profile: string; adapter: string | null };
        expect(status.profile, `profile after cut ${cut} (${kind})`).toBe(profile);
        expect([null, version], `adapter after cut ${cut} (${kind})`).toContain(status.adapter);
        const { interactions } = (await board.service.call("profileExport", { profile: null })) as {
          interactions: { input: string }[];
        };
        const kept = interactions.map(({ input }) => input);
        expect(kept, `interactions after cut ${cut} (${kind})`).toEqual(expect.arrayContaining(acknowledged.texts));
        await board.service.call("trainCancel", {});
        expect(await board.service.call("say", { text: "hello again", aloud: false })).toMatchObject({
          outcome: "answered",
        });
        if (CUTS > KINDS.length) process.stderr.write(`cut ${cut + 1} of ${CUTS} (${kind}): nothing lost\n`);
      }
    },
    CUTS * CUT_MS + UPDATE_MS,
  );
});
