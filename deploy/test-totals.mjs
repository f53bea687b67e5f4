// Adds up the counts that deploy/count-reporter.ts left in a folder (one file a project) and prints, as the last line,
// `N passed, N failed, N skipped`. Exits 1 when a test failed or none passed.
// Usage: node deploy/test-totals.mjs FOLDER [WORD], WORD (and a colon) then stands before the total.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder = ".", word] = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
const skips = [];

const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
for (const file of files.sort()) {
  const counts = JSON.parse(readFileSync(join(folder, file), "utf8"));
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  skips.push(...counts.skips);
  print(`  ${file.replace(".json", "").padEnd(12)} ${countLine(counts)}`);
}
if (skips.length > 0) print("not run on this machine:");
for (const { file, test, reason } of skips) print(`  ${file}: ${test}${reason === null ? "" : ` (${reason})`}`);
print(`${word === undefined ? "" : `${word}: `}${countLine(totals)}`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);

function countLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
