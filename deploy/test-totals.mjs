// Adds up vitest's JSON reports in a folder (one a project) and prints the total as the last line, in the form
// `N passed, N failed, N skipped`. Exits 1 when a test failed or none ran. Usage: node deploy/test-totals.mjs FOLDER [WORD]
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [folder = ".", word] = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: 0 };
const skips = new Map();

for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith(".json")) continue;
  const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  // A file that does not even load has no test to count, but it has failed.
  counts.failed += report.testResults.filter(
    (suite) => suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed"),
  ).length;
  for (const key of Object.keys(totals)) totals[key] += counts[key];
  process.stdout.write(`${file.replace(".json", "").padEnd(12)} ${countLine(counts)}\n`);
  for (const suite of report.testResults) {
    const skipped = suite.assertionResults.filter((test) => test.status === "skipped" || test.status === "pending");
    for (const test of skipped) skips.set(test.fullName, suite.name.replace(`${process.cwd()}/`, ""));
  }
}
if (skips.size > 0) process.stdout.write("skipped, each with the reason in its name:\n");
for (const [name, path] of skips) process.stdout.write(`  ${path}: ${name}\n`);
process.stdout.write(`${word === undefined ? "" : `${word}: `}${countLine(totals)}\n`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);

function countLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
