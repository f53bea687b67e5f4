import { expect, test } from "vitest";
import { coreDumpFinding, swapAreas } from "../../../src/cli/doctor/secrecy-checks.ts";

test("active swap areas are read from /proc/swaps, spaces in names included", () => {
  const table =
    "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/zram0 partition 1 0 100\n/var/my\\040swap file 1 0 -2\n";
  expect(swapAreas(table)).toEqual(["/dev/zram0", "/var/my swap"]);
  expect(swapAreas("Filename Type Size Used Priority\n")).toEqual([]);
});

test.each([
  ["core\n", false],
  ["|/lib/systemd/systemd-coredump %P %u %g %s %t %c %h", false],
  ["|/usr/bin/collect %p", true],
])("%s warns: %s", (pattern, warns) => {
  expect(typeof coreDumpFinding(pattern) !== "string").toBe(warns);
});
