import { defineConfig } from "vitest/config";

/** Tests in test/NAME/; those that run product code build dist/ first, since workers and children run from there. */
const project = (name: string, timeoutMs: number, globalSetup = ["test/support/built-dist.ts"]) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    globalSetup,
    // The test's own limit is the bound; a second, the default, is nothing on a loaded machine.
    expect: { poll: { timeout: timeoutMs / 4 } },
  },
});

/** An emulated processor on a busy host takes 15 minutes to boot and to update a package twice. */
const HIL_TIMEOUT_MS = (process.env.HIL_DRIVER ?? "virtual") === "virtual" ? 360_000 : 3_600_000;

export default defineConfig({
  test: {
    projects: [
      project("unit", 10_000),
      project("contract", 60_000),
      project("integration", 240_000),
      project("model", 180_000),
      project("hil", HIL_TIMEOUT_MS),
      project("e2e", 120_000),
      project("docs", 30_000),
      project("gates", 60_000, []),
    ],
    maxWorkers: 2,
    pool: "forks",
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary", "json-summary"] },
  },
});
