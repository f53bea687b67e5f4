import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { ServiceManager } from "../../../../src/runtime/service/systemd-notify.ts";
import { type HealthCheck, Watchdog } from "../../../../src/runtime/service/watchdog.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function manager(watchdogMs: number | null) {
  const heard = { pings: 0, status: "" };
  const port: ServiceManager = {
    watchdogMs,
    ready: () => {},
    stopping: () => {},
    status: (text) => {
      heard.status = text;
    },
    ping: () => {
      heard.pings += 1;
    },
  };
  return { heard, port };
}

test("pings at half of a 30 s watchdog while every check holds", async () => {
  const clock = new FakeClock();
  const { heard, port } = manager(30_000);
  const healthy: HealthCheck = { name: "database", check: async () => null };
  await new Watchdog(port, [healthy], clock, silentLogger).start();
  await clock.advance(60_000);
  expect(heard.pings).toBe(4);
});

test("stops pinging and names the check that fails, then resumes", async () => {
  const clock = new FakeClock();
  const { heard, port } = manager(30_000);
  let wrong: string | null = "does not answer";
  const flaky: HealthCheck = { name: "database", check: async () => wrong };
  await new Watchdog(port, [flaky], clock, silentLogger).start();
  await clock.advance(15_000);
  expect(heard).toEqual({ pings: 0, status: "unhealthy: database: does not answer" });
  wrong = null;
  await clock.advance(15_000);
  expect(heard).toEqual({ pings: 1, status: "healthy" });
});

test("one bad look in 30 s costs nothing: it looks again after 3 s", async () => {
  const clock = new FakeClock();
  const { heard, port } = manager(30_000);
  let wrong: string | null = "blocked for 4000 ms";
  const passing: HealthCheck = { name: "event loop", check: async () => wrong };
  await new Watchdog(port, [passing], clock, silentLogger).start();
  await clock.advance(15_000);
  wrong = null;
  await clock.advance(3_000);
  expect(heard).toEqual({ pings: 1, status: "healthy" });
});

test("a check that never answers counts as failed after a quarter of the interval", async () => {
  const clock = new FakeClock();
  const { heard, port } = manager(30_000);
  const hung: HealthCheck = { name: "event loop", check: () => new Promise(() => {}) };
  await new Watchdog(port, [hung], clock, silentLogger).start();
  await clock.advance(15_000 + 7_500);
  expect(heard.pings).toBe(0);
  expect(heard.status).toContain("event loop");
});

test("does nothing without a watchdog, and after stop", async () => {
  const clock = new FakeClock();
  const none = manager(null);
  await new Watchdog(none.port, [], clock, silentLogger).start();
  const some = manager(10_000);
  const watchdog = new Watchdog(some.port, [], clock, silentLogger);
  await watchdog.start();
  await watchdog.stop();
  await clock.advance(60_000);
  expect([none.heard.pings, some.heard.pings]).toEqual([0, 0]);
});
