import { expect, test } from "vitest";
import { describeWhen } from "../support/describe-when.ts";
import { isInsideFuseGpio, lacksFuseGpio, runWithFuseGpio } from "../support/fuse-gpio/fuse-gpio.ts";
import { onoffSuites } from "./onoff.ts";

if (isInsideFuseGpio()) onoffSuites();
else {
  describeWhen(lacksFuseGpio(), "real onoff on a /sys/class/gpio of its own", () => {
    test("passes the contracts of buttons and light, 22 tests, in a private mount namespace", () => {
      const vitest = [process.execPath, "node_modules/vitest/vitest.mjs", "run", "--project", "contract"];
      const { exitCode, output } = runWithFuseGpio([...vitest, "test/contract/onoff.test.ts"]);
      expect(output).toMatch(/Tests\s+22 passed \(22\)/);
      expect(exitCode).toBe(0);
    });
  });
}
