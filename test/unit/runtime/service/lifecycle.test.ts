import { expect, test } from "vitest";
import { AppError } from "../../../../src/core/errors.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { Service } from "../../../../src/core/service.ts";
import { Lifecycle } from "../../../../src/runtime/service/lifecycle.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function recorded(name: string, log: string[], overrides: Partial<Service> = {}) {
  const service: Service = {
    name,
    start: async () => {
      log.push(`start ${name}`);
    },
    stop: async () => {
      log.push(`stop ${name}`);
    },
    ...overrides,
  };
  return { service, startMs: 1000, stopMs: 500 };
}

test("starts in order and stops in reverse", async () => {
  const log: string[] = [];
  const lifecycle = new Lifecycle([recorded("db", log), recorded("mic", log)], new FakeClock(), silentLogger);
  await lifecycle.start(new AbortController().signal);
  expect(await lifecycle.stop()).toEqual([]);
  expect(log).toEqual(["start db", "start mic", "stop mic", "stop db"]);
});

test("a service that fails to start is stopped with those before it, and its code is kept", async () => {
  const log: string[] = [];
  const broken = recorded("broken", log, { start: () => Promise.reject(new AppError("E_DISK_FULL", "full")) });
  const lifecycle = new Lifecycle([recorded("db", log), broken, recorded("mic", log)], new FakeClock(), silentLogger);
  await expect(lifecycle.start(new AbortController().signal)).rejects.toMatchObject({ code: "E_DISK_FULL" });
  expect(log).toEqual(["start db", "stop broken", "stop db"]);
});

test("a service that hangs past its 500 ms stop deadline is named and the others are still stopped", async () => {
  const log: string[] = [];
  const clock = new FakeClock();
  const stuck = recorded("stuck", log, { stop: () => new Promise(() => {}) });
  const lifecycle = new Lifecycle([recorded("db", log), stuck], clock, silentLogger);
  await lifecycle.start(new AbortController().signal);
  const stopped = lifecycle.stop();
  await clock.advance(500);
  expect(await stopped).toEqual(["stuck"]);
  expect(log).toContain("stop db");
});

test("a start that exceeds its deadline is E_TIMEOUT naming the service", async () => {
  const clock = new FakeClock();
  const slow = recorded("model", [], { start: () => new Promise(() => {}) });
  const started = new Lifecycle([slow], clock, silentLogger).start(new AbortController().signal);
  const outcome = expect(started).rejects.toMatchObject({
    code: "E_TIMEOUT",
    message: expect.stringContaining("model"),
  });
  await clock.advance(1000);
  await outcome;
});
