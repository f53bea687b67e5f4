import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../src/core/built-file.ts";

const source = join(packageRoot, "test/support/fuse-gpio/fuse-gpio.c");
const program = join(packageRoot, "build/test/fuse-gpio");

/** The folder that the FUSE file system plays; real inside the private mount namespace only. */
const GPIO_FOLDER = "/sys/class/gpio";

/** What this machine lacks for a /sys/class/gpio of its own, or null. */
export function lacksFuseGpio(): string | null {
  if (process.getuid?.() !== 0) return "not root";
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
  } catch {
    return "no /dev/fuse";
  }
  if (spawnSync("unshare", ["-m", "true"]).status !== 0) return "no private mount namespace";
  if (spawnSync("pkg-config", ["--exists", "fuse3"]).status !== 0) return "libfuse3-dev is not installed";
  if (spawnSync("gcc", ["--version"]).status !== 0) return "gcc is not installed";
  return null;
}

/** True in a command that {@link runWithFuseGpio} runs. */
export function isInsideFuseGpio(): boolean {
  return process.env.ASLS_FUSE_GPIO === "1";
}

/** Compiles the file system unless it is up to date; its path. */
function buildFuseGpio(): string {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(join(packageRoot, "build/test"), { recursive: true });
  const flags = execFileSync("pkg-config", ["--cflags", "--libs", "fuse3"], { encoding: "utf8" }).trim().split(/\s+/);
  execFileSync("gcc", ["-Wall", "-Wextra", "-Werror", "-O1", "-o", program, source, ...flags], { stdio: "inherit" });
  return program;
}

/** Runs a command in a mount namespace where /sys/class/gpio is ours; its exit code and output. */
export function runWithFuseGpio(command: readonly string[]): {
  readonly exitCode: number | null;
  readonly output: string;
} {
  const script = [
    "set -e",
    "mount -t tmpfs none /sys/class",
    `mkdir ${GPIO_FOLDER}`,
    `${buildFuseGpio()} -s ${GPIO_FOLDER}`,
    `trap 'umount ${GPIO_FOLDER}' EXIT`,
    '"$@"',
  ].join("\n");
  const { FORCE_COLOR: _, ...environment } = process.env;
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    ["-m", "--propagation", "private", "sh", "-c", script, "sh", ...command],
    { encoding: "utf8", env: { ...environment, ASLS_FUSE_GPIO: "1", NO_COLOR: "1" } },
  );
  return { exitCode: status, output: `${stdout}${stderr}` };
}

/** Puts a line of pinctrl-rp1 at that level from outside, as a button does. */
export function driveLine(line: number, level: 0 | 1): void {
  writeFileSync(`${GPIO_FOLDER}/drive`, `${line} ${level}`);
}

/** Logical value of an exported line of pinctrl-rp1, or null when it is not exported. */
export function readLine(line: number): boolean | null {
  const path = `${GPIO_FOLDER}/gpio${571 + line}/value`;
  return existsSync(path) ? readFileSync(path, "utf8").trim() === "1" : null;
}
