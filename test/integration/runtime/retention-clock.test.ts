import { expect, test } from "vitest";
import { silentLogger } from "../../../src/core/logger.ts";
import { RetentionClock } from "../../../src/runtime/service/retention-clock.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { consentingProfile, openTestStore, turn } from "../../support/profile-store.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;

async function rig(defaultDays: number | null) {
  const folder = await makeTempDir("retention");
  const clock = new FakeClock();
  const opened = await openTestStore(folder, { clock });
  const { id } = await consentingProfile(opened);
  const record = async (ageDays: number) => {
    const stored = await opened.store.record(
      turn(id, { atMs: clock.now() - ageDays * DAY_MS, input: `${ageDays} days` }),
    );
    if (stored.kind !== "stored") throw new Error("not stored");
    return stored.interactionId;
  };
  const deleted: string[] = [];
  const retention = new RetentionClock({
    archive: opened.archive,
    clock,
    log: silentLogger,
    defaultDays,
    onDeleted: async (ids) => deleted.push(...ids),
  });
  await retention.start();
  return {
    ...{ clock, opened, id, record, deleted, retention },
    left: async () => (await opened.archive.interactions(id)).map(({ input }) => input),
    [Symbol.asyncDispose]: async () => {
      await retention.stop();
      await opened.close();
      await folder.dispose();
    },
  };
}

test("after an hour what is older than its time is gone with facts and statistics, and learning is told which", async () => {
  await using each = await rig(30);
  const old = await each.record(31);
  const nearly = await each.record(28);
  await each.record(5);
  const fact = { kind: "preference", value: "zebras", statement: "The user likes zebras." } as const;
  await each.opened.store.learnFact(each.id, { ...fact, interactionId: old });
  await each.clock.advance(HOUR_MS);
  await eventually(() => each.deleted.length > 0);
  expect(each.deleted).toEqual([old, nearly]);
  expect(await each.left()).toEqual(["5 days"]);
  expect(await each.opened.archive.facts(each.id)).toEqual([]);
  expect((await each.opened.archive.summary(each.id)).style.words?.count).toBe(1);
});

test("a profile's own time goes before the configured one; 0 keeps for good", async () => {
  await using each = await rig(30);
  await each.record(40);
  await each.opened.archive.setRetention(each.id, 0);
  await each.clock.advance(HOUR_MS);
  await each.retention.stop();
  expect(await each.left()).toEqual(["40 days"]);
  await each.retention.start();
  await each.opened.archive.setRetention(each.id, 10);
  await each.clock.advance(HOUR_MS);
  await eventually(() => each.deleted.length === 1);
});

test("a clock that was set forward by 10 years deletes nothing at the look that notices it", async () => {
  await using each = await rig(30);
  await each.record(5);
  each.clock.jumpWallClock(3_650 * DAY_MS);
  await each.clock.advance(HOUR_MS);
  await each.retention.stop();
  expect(await each.left()).toEqual(["5 days"]);
});
