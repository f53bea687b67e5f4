import { expect, test } from "vitest";
import { RecentFigures } from "../../../../src/runtime/dashboard/recent-figures.ts";
import { TopicWatchers } from "../../../../src/runtime/mqtt/topic-watchers.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const power = (temp: number) => JSON.stringify({ soc_temp_c: temp, input_w: 3, duty: 1, reason: "none", mode: "auto" });

test("keeps the plotted fields of what was said, with its time, and nothing else", async () => {
  const topics = new TopicWatchers();
  const clock = new FakeClock();
  topics.retained("power", power(50));
  const recent = new RecentFigures(topics, clock);
  await clock.advance(5_000);
  topics.retained("power", power(51));
  topics.told("training/metrics", JSON.stringify({ job: "j_1", step: 1, loss: 2.5, lr: 1e-4 }));
  topics.retained("state", "{}");
  const atMs = clock.now();
  expect(recent.messages).toEqual([
    { atMs: atMs - 5_000, path: "power", payload: '{"soc_temp_c":50,"input_w":3,"duty":1}' },
    { atMs, path: "power", payload: '{"soc_temp_c":51,"input_w":3,"duty":1}' },
    { atMs, path: "training/metrics", payload: '{"job":"j_1","loss":2.5}' },
  ]);
  recent.stop();
  topics.retained("power", power(52));
  expect(recent.messages).toEqual([]);
});

test("memory is bounded: an hour of readings, a thousand steps", async () => {
  const topics = new TopicWatchers();
  const clock = new FakeClock();
  const recent = new RecentFigures(topics, clock);
  for (let i = 0; i < 1_500; i += 1) {
    topics.told("power", power(i));
    topics.told("training/metrics", JSON.stringify({ job: "j_1", loss: i }));
  }
  expect(recent.messages.filter(({ path }) => path === "power")).toHaveLength(720);
  expect(recent.messages.filter(({ path }) => path === "training/metrics")).toHaveLength(1_000);
  await clock.advance(3_600_001);
  expect(recent.messages.filter(({ path }) => path === "power")).toEqual([]);
});

test("of training only the newest job's losses are kept", () => {
  const topics = new TopicWatchers();
  const recent = new RecentFigures(topics, new FakeClock());
  for (const job of ["j_1", "j_2"])
    for (const loss of [3, 2]) topics.told("training/metrics", JSON.stringify({ job, loss }));
  topics.told("power", power(50));
  const payloads = recent.messages.map(({ payload }) => JSON.parse(payload));
  expect(payloads).toEqual([
    { job: "j_2", loss: 3 },
    { job: "j_2", loss: 2 },
    { soc_temp_c: 50, input_w: 3, duty: 1 },
  ]);
});
