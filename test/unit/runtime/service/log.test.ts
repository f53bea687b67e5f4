import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createLogger } from "../../../../src/runtime/service/log.ts";

function sink() {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { out, text: () => text };
}

test("journald lines carry sd-daemon priorities: error 3, warning 4, info 6, debug 7", () => {
  const { out, text } = sink();
  const log = createLogger("debug", "journald", out);
  log.error({}, "e");
  log.warn({}, "w");
  log.info({}, "i");
  log.debug({}, "d");
  expect(
    text()
      .trim()
      .split("\n")
      .map((line) => line.slice(0, 3)),
  ).toEqual(["<3>", "<4>", "<6>", "<7>"]);
});

test("fields that hold user text are redacted", () => {
  const { out, text } = sink();
  createLogger("info", "json", out).info({ input: "my secret", turn: 3 }, "turn ended");
  expect(text()).not.toContain("my secret");
  expect(JSON.parse(text())).toMatchObject({ input: "[redacted]", turn: 3, msg: "turn ended" });
});

test("the level changes for every part while the service runs, parts made later included", () => {
  const { out, text } = sink();
  const log = createLogger("info", "json", out);
  const part = log.child({ part: "mqtt" });
  part.debug({}, "not yet");
  log.level = "debug";
  part.debug({}, "early part");
  log.child({ part: "late" }).debug({}, "late part");
  log.level = "error";
  part.warn({}, "no more");
  expect(text().match(/"msg":"[^"]+"/g)).toEqual(['"msg":"early part"', '"msg":"late part"']);
  expect(log.level).toBe("error");
});

test("problems are told with part and code, and without their message", () => {
  const { out } = sink();
  const log = createLogger("debug", "journald", out);
  const told: object[] = [];
  log.onProblem = (problem) => told.push(problem);
  const part = log.child({ part: "profile" });
  part.info({ code: "E_TIMEOUT" }, "no problem");
  part.warn({ code: "E_DISK_FULL", path: "/secret" }, "a message");
  log.error({ err: "secret" }, "another");
  expect(told).toEqual([
    { level: "warn", part: "profile", code: "E_DISK_FULL" },
    { level: "error", part: null, code: null },
  ]);
});

test("a watcher that throws, in the middle of a failure perhaps, is no failure of whoever logs", () => {
  const { out, text } = sink();
  const log = createLogger("info", "json", out);
  log.onProblem = () => {
    throw new Error("could not be published");
  };
  log.error({ code: "E_DISK_FULL" }, "a problem");
  log.info({}, "and on it goes");
  expect(text().match(/"msg":"[^"]+"/g)).toEqual(['"msg":"a problem"', '"msg":"and on it goes"']);
});
