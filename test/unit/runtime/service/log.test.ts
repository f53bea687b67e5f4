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
