/**
 * The hardware-in-the-loop suite on one driver: builds what that driver needs, runs test/hil, and says what came of it.
 *
 *   npm run hil [-- --driver virtual|vm|board] [--only WORD]... [--cuts N] [--package FILE] [--json]
 *
 * The last line is the result; with --json it is one JSON object {driver, checks, failed, skipped, wall_s}, alone on
 * stdout. Exit code: 0 all passed, 1 something failed or did not start, 2 usage.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageRoot } from "../src/core/built-file.ts";

const DRIVERS = ["virtual", "vm", "board"] as const;
type Driver = (typeof DRIVERS)[number];
/** A second version of the package, for upgrade and rollback. */
const OTHER_VERSION = "99.0.0-1";
const USAGE = `npm run hil [-- options]
  --driver NAME   virtual (default): the built program as a child of the tests
                  vm: its package in QEMU, with a Debian kernel (needs root and Debian 12; builds the machine)
                  board: a real one by SSH; HIL_RIG names its file (docs/hil.md)
  --only WORD     test files whose name contains the word; may be given several times
  --cuts N        power cuts (default 5)
  --package FILE  package to install instead of building one (vm), or to roll back to (board)
  --json          one JSON object on stdout
Examples:
  npm run hil
  npm run hil -- --driver vm --only boot --only conversation
  npm run hil -- --driver vm --only power-cut --cuts 20`;

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly file: string; readonly test: string; readonly reason: string | null }[];
}

interface Options {
  readonly driver: Driver;
  readonly only: readonly string[];
  readonly cuts: string;
  readonly packageFile: string | undefined;
  readonly isJson: boolean;
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        driver: { type: "string", default: "virtual" },
        only: { type: "string", multiple: true, default: [] },
        cuts: { type: "string", default: "5" },
        package: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const driver = DRIVERS.find((name) => name === values.driver);
    if (driver === undefined) throw new Error(`there is no driver ${values.driver}`);
    if (!/^[1-9]\d{0,3}$/.test(values.cuts)) throw new Error("--cuts takes a number from 1 on");
    return { driver, only: values.only, cuts: values.cuts, packageFile: values.package, isJson: values.json };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** Runs a command of ours; its output goes to stderr, so that stdout is the result's. @throws Error when it fails. */
function step(args: readonly string[]): string {
  const [file = "", ...rest] = args;
  const { status, stdout, error } = spawnSync(file, rest, {
    cwd: packageRoot,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  process.stderr.write(stdout ?? "");
  if (status !== 0) throw new Error(`${args.join(" ")} failed${error === undefined ? "" : `: ${error.message}`}`);
  return stdout.trim().split("\n").at(-1) ?? "";
}

/** Package and machine of this tree. @returns variables for the tests. */
function buildMachine(packageFile: string | undefined): NodeJS.ProcessEnv {
  const build = ["sh", "deploy/deb/build.sh", "--fast", "--out", "build/vm/packages"];
  mkdirSync(join(packageRoot, "build/vm/packages"), { recursive: true });
  const first = packageFile ?? step([...build]);
  const other = step(["sh", "deploy/vm/repack.sh", first, OTHER_VERSION, "build/vm/packages"]);
  step(["sh", "deploy/vm/build.sh", "--deb", first]);
  return { HIL_PACKAGE: first, HIL_OTHER_PACKAGE: other };
}

function endMachine(folder: string): void {
  const pidFile = join(folder, "qemu.pid");
  if (existsSync(pidFile)) {
    const pid = Number(readFileSync(pidFile, "utf8"));
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)) process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

function runTests({ only, cuts, driver }: Options, env: NodeJS.ProcessEnv, countsPath: string): Promise<number> {
  const args = ["run", "--project", "hil", "--reporter=verbose", "--reporter=./deploy/count-reporter.ts"];
  if (driver !== "virtual") args.push("--no-file-parallelism");
  args.push(...only);
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", ...args], {
    cwd: packageRoot,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env, HIL_DRIVER: driver, HIL_CUTS: cuts, ASLS_TEST_COUNTS: countsPath },
  });
  child.stdout.pipe(process.stderr, { end: false });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

async function main(): Promise<number> {
  const options = readOptions();
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "asls-hil-"));
  const countsPath = join(folder, "counts.json");
  let exitCode = 1;
  try {
    const env =
      options.driver === "vm"
        ? { ...buildMachine(options.packageFile), HIL_MACHINE: folder }
        : options.packageFile === undefined
          ? {}
          : { HIL_PACKAGE: options.packageFile };
    exitCode = await runTests(options, env, countsPath);
  } catch (error) {
    console.error(`hil: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    endMachine(folder);
    if (exitCode !== 0) keepLogs(folder);
    report(options, countsPath, exitCode, (performance.now() - began) / 1000);
    rmSync(folder, { recursive: true, force: true });
  }
  return exitCode;
}

/** What the machine printed, for whoever looks for the reason of a failure. */
function keepLogs(folder: string): void {
  const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
  if (logs.length === 0) return;
  const kept = join(packageRoot, "build/hil");
  mkdirSync(kept, { recursive: true });
  for (const name of logs) cpSync(join(folder, name), join(kept, name));
  console.error(`hil: logs of the machine: ${kept}`);
}

function report({ driver, isJson }: Options, countsPath: string, exitCode: number, wallS: number): void {
  const counts: Counts = existsSync(countsPath)
    ? (JSON.parse(readFileSync(countsPath, "utf8")) as Counts)
    : { passed: 0, failed: 1, skipped: 0, skips: [] };
  const failed = Math.max(counts.failed, exitCode === 0 ? 0 : 1);
  for (const { file, test, reason } of counts.skips) {
    console.error(`hil: not run: ${file}: ${test}${reason === null ? "" : ` (${reason})`}`);
  }
  const result = {
    driver,
    checks: counts.passed + failed,
    failed,
    skipped: counts.skipped,
    wall_s: Math.round(wallS * 10) / 10,
  };
  if (isJson) console.log(JSON.stringify(result));
  else
    console.log(
      `hil: ${driver}: ${result.checks} checks, ${failed} failed, ${result.skipped} skipped, ${result.wall_s} s`,
    );
}

process.exit(await main());
