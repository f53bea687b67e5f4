import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packageRoot } from "../../src/core/built-file.ts";

const NOBODY = 65534; // Debian's user and group of that name

/** What a tool said: exit code, and stdout and stderr together. */
export interface ToolRun {
  readonly exitCode: number | null;
  readonly output: string;
}

/**
 * A project of a few files in a temporary folder, judged by the *real* configuration files and the installed tools: to
 * prove that a gate sees a fault that was planted there. The owner disposes of it (`using`).
 */
export class PlantedTree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "asls-planted-"));

  /**
   * @param configs  files copied from the repository, e.g. `biome.json`.
   * @param files    path to content, relative to the root of the tree.
   * @param packages whether the repository's node_modules is there; default true.
   */
  constructor(configs: readonly string[], files: Readonly<Record<string, string>>, packages = true) {
    if (packages) symlinkSync(`${packageRoot}node_modules`, join(this.root, "node_modules"));
    for (const config of configs) cpSync(`${packageRoot}${config}`, join(this.root, config));
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Runs a program of node_modules/.bin, or any other by its path, in the root of the tree. */
  run(program: string, args: readonly string[], user: { uid?: number; gid?: number } = {}): ToolRun {
    const command = program.includes("/") ? program : `${packageRoot}node_modules/.bin/${program}`;
    const { NODE_OPTIONS: _dropped, VITEST: _ours, ...env } = process.env;
    const options = { cwd: this.root, encoding: "utf8", env: { ...env, NO_COLOR: "1" }, ...user } as const;
    const child = spawnSync(command, args, options);
    if (child.error) throw child.error;
    return { exitCode: child.status, output: `${child.stdout}${child.stderr}` };
  }

  /** As {@link run}, as the user `nobody`, who owns the tree from now on; needs root. */
  runAsNobody(program: string, args: readonly string[]): ToolRun {
    execFileSync("chown", ["-R", String(NOBODY), this.root]);
    return this.run(program, args, { uid: NOBODY, gid: NOBODY });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
