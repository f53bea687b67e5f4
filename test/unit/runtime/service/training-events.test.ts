import { beforeEach, expect, test } from "vitest";
import { TrainingEvents } from "../../../../src/runtime/service/training-events.ts";

let told: string[];
let events: TrainingEvents;
beforeEach(() => {
  told = [];
  events = new TrainingEvents((eventType, job) => told.push(`${eventType} ${job ?? "-"}`));
});

test("a job through its states is told as started and finished, each once", () => {
  events.job("j_1", null);
  events.job("j_1", null);
  events.job("j_1", "finished");
  events.jobEnded(true);
  expect(told).toEqual(["started j_1", "finished j_1"]);
});

test("heat holds a job and lets it go: paused and resumed", () => {
  events.job("j_1", null);
  events.held(true);
  events.held(true);
  events.held(false);
  expect(told).toEqual(["started j_1", "paused j_1", "resumed j_1"]);
});

test("the owner's pause ends the process; the job is resumed when it really goes on, not before", () => {
  events.job("j_1", null);
  events.held(true);
  events.jobEnded(false);
  events.held(false);
  expect(told).toEqual(["started j_1", "paused j_1"]);
  events.job("j_1", null);
  expect(told.at(-1)).toBe("resumed j_1");
});

test("a job that made way for a micro-update is resumed, and the micro-update is one of its own", () => {
  events.job("j_1", null);
  events.jobEnded(false);
  events.job("j_2", null);
  events.job("j_2", "failed");
  events.jobEnded(true);
  events.job("j_3", null);
  expect(told).toEqual(["started j_1", "started j_2", "failed j_2", "started j_3"]);
});

test("held while nothing runs is no news", () => {
  events.held(true);
  events.held(false);
  expect(told).toEqual([]);
});

test("a roll-back is told without a job", () => {
  events.rolledBack();
  expect(told).toEqual(["rolled_back -"]);
});
