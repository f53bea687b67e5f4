import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";

/** What one run of vitest came to; the file that the reporter leaves and deploy/test-totals.mjs adds up. */
interface RunCounts {
  passed: number;
  /** Failed tests, files that did not load, and errors outside of any test. */
  failed: number;
  skipped: number;
  /** Why each skipped test did not run: its own note, or its name, which then has to say it. */
  readonly skips: { file: string; test: string; reason: string | null }[];
}

/**
 * vitest reporter that writes counts and skip reasons as JSON to the path in the environment variable
 * `ASLS_TEST_COUNTS` (vitest's own JSON report leaves the reasons out).
 */
class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env.ASLS_TEST_COUNTS;
    if (path === undefined) return;
    const counts: RunCounts = { passed: 0, failed: unhandledErrors.length, skipped: 0, skips: [] };
    for (const module of modules) {
      let failedTests = 0;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") counts.passed += 1;
        else if (result.state === "failed") failedTests += 1;
        else {
          const reason = result.state === "skipped" ? (result.note ?? null) : "did not run to its end";
          counts.skips.push({ file: relative(process.cwd(), module.moduleId), test: test.fullName, reason });
        }
      }
      // A file that does not load, or whose hook fails, has no failed test to show for it.
      counts.failed += failedTests === 0 && module.state() === "failed" ? 1 : failedTests;
    }
    counts.skipped = counts.skips.length;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(counts));
  }
}

// vitest takes a reporter named on its command line from the default export.
export default CountReporter;
