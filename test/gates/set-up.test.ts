import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PlantedTree, type ToolRun } from "../support/planted-tree.ts";

const LOCK = {
  packages: {
    "": { name: "planted" },
    "node_modules/plain": { version: "1.0.0", integrity: "sha512-A" },
    "node_modules/for-another-system": { version: "1.0.0", integrity: "sha512-B", optional: true },
  },
};

function checkInstall(wanted: object, installed: object | undefined): ToolRun {
  using tree = new PlantedTree(["deploy/check-install.mjs"], { "package-lock.json": JSON.stringify(wanted) }, false);
  if (installed) tree.write("node_modules/.package-lock.json", JSON.stringify(installed));
  return tree.run(process.execPath, ["deploy/check-install.mjs"]);
}

describe("what is installed against what is locked", () => {
  const plain = LOCK.packages["node_modules/plain"];

  test("accepts an installation that holds every locked package, optional ones aside", () => {
    expect(checkInstall(LOCK, { packages: { "node_modules/plain": plain } })).toEqual({ exitCode: 0, output: "" });
  });

  test.each([
    ["nothing is installed", undefined, "not installed yet"],
    ["a package is missing", { packages: {} }, "node_modules/plain is missing"],
    [
      "a package has another version",
      { packages: { "node_modules/plain": { ...plain, version: "0.9.0" } } },
      "node_modules/plain is 0.9.0, 1.0.0 is wanted",
    ],
    [
      "a package has other content",
      { packages: { "node_modules/plain": { ...plain, integrity: "sha512-C" } } },
      "node_modules/plain is 1.0.0",
    ],
  ])("refuses it when %s", (_name, installed, message) => {
    const run = checkInstall(LOCK, installed);
    expect(run.output).toContain(message);
    expect(run.exitCode).toBe(1);
  });
});

describe("the lock file", () => {
  const lock = {
    packages: {
      "": { name: "planted" },
      "node_modules/tool": {
        version: "1.2.3",
        dev: true,
        optionalDependencies: {
          "@tool/linux-x64": "1.2.3",
          "@tool/win32-arm64": "1.2.3",
          "@tool/linux-x64-musl": "1.2.3",
        },
      },
      "node_modules/@tool/linux-x64": { version: "1.2.3", cpu: ["x64"], dev: true, optional: true, os: ["linux"] },
    },
  };

  test("is completed by the packages that the registry did not serve, for another system", () => {
    using tree = new PlantedTree(["deploy/complete-lockfile.mjs"], { "package-lock.json": JSON.stringify(lock) });
    const run = tree.run(process.execPath, ["deploy/complete-lockfile.mjs"]);
    expect(run.output).toContain("2 platform packages added");
    const { packages } = JSON.parse(readFileSync(join(tree.root, "package-lock.json"), "utf8"));
    expect(packages["node_modules/@tool/win32-arm64"]).toEqual({
      version: "1.2.3",
      cpu: ["arm64"],
      dev: true,
      optional: true,
      os: ["win32"],
    });
    expect(packages["node_modules/@tool/linux-x64-musl"]).toMatchObject({
      libc: ["musl"],
      os: ["linux"],
      cpu: ["x64"],
    });
    expect(packages["node_modules/@tool/linux-x64"]).toEqual(lock.packages["node_modules/@tool/linux-x64"]);
  });

  test("of this repository is complete, so that `npm ci` accepts it with any registry", () => {
    using tree = new PlantedTree(["deploy/complete-lockfile.mjs", "package-lock.json"], {});
    const run = tree.run(process.execPath, ["deploy/complete-lockfile.mjs"]);
    expect(run).toEqual({ exitCode: 0, output: "0 platform packages added to package-lock.json\n" });
  });
});

describe("bootstrap without root", () => {
  test("prints the one command that installs what is missing, and exits 69 before it touches anything", ({ skip }) => {
    skip(process.getuid?.() !== 0, "only root can become somebody else");
    using tree = new PlantedTree(["deploy/bootstrap.sh", "deploy/debian-packages.sh", "package.json"], {
      "deploy/packages.txt":
        "# needed\nasls-planted-a  # why\n\nasls-planted-b|asls-planted-c  # why\nasls-planted-d dev  # why\n",
    });
    const run = tree.runAsNobody("/bin/sh", ["deploy/bootstrap.sh", "--quiet"]);
    expect(run.output).toContain("sudo apt-get install -y --no-install-recommends asls-planted-a asls-planted-b\n");
    expect(run.exitCode).toBe(69);
    expect(existsSync(join(tree.root, "dist"))).toBe(false);
  });
});

describe("bootstrap of a clone whose packages are there", () => {
  /** The real script over a program of one module; nothing has to be downloaded. */
  const clone = (source: string) =>
    new PlantedTree(
      [
        "deploy/bootstrap.sh",
        "deploy/debian-packages.sh",
        "deploy/check-install.mjs",
        "tsconfig.json",
        "tsconfig.build.json",
        "package.json",
      ],
      {
        "deploy/packages.txt": "",
        "package-lock.json": JSON.stringify({ packages: {} }),
        "src/first.ts": source,
      },
    );
  const bootstrap = (tree: PlantedTree) => tree.run("/bin/sh", ["deploy/bootstrap.sh", "--quiet"]);

  test("builds the program once, and says and does nothing the second time", () => {
    using tree = clone("export const value: number = 1;\n");
    expect(bootstrap(tree)).toEqual({ exitCode: 0, output: expect.stringMatching(/program: done/) });
    const builtAtMs = statSync(join(tree.root, "dist/first.js")).mtimeMs;
    expect(bootstrap(tree)).toEqual({ exitCode: 0, output: "" });
    expect(statSync(join(tree.root, "dist/first.js")).mtimeMs).toBe(builtAtMs);
  });

  test("builds again when dist/ was removed", () => {
    using tree = clone("export const value: number = 1;\n");
    bootstrap(tree);
    rmSync(join(tree.root, "dist"), { recursive: true });
    expect(bootstrap(tree).exitCode).toBe(0);
    expect(existsSync(join(tree.root, "dist/first.js"))).toBe(true);
  });

  test("leaves nothing in dist/ of a module that was renamed", () => {
    using tree = clone("export const value: number = 1;\n");
    bootstrap(tree);
    renameSync(join(tree.root, "src/first.ts"), join(tree.root, "src/second.ts"));
    expect(bootstrap(tree).exitCode).toBe(0);
    expect(readdirSync(join(tree.root, "dist")).sort()).toEqual(["second.js", "second.js.map"]);
  });

  test("stops with the compiler's words when the program does not compile, and recovers when it does", () => {
    using tree = clone("export const value: number = null;\n");
    const failed = bootstrap(tree);
    expect(failed.output).toContain("src/first.ts(1,14): error TS2322");
    expect(failed.output).toContain("program FAILED");
    expect(failed.exitCode).toBe(1);
    expect(bootstrap(tree).exitCode).toBe(1);
    tree.write("src/first.ts", "export const value: number = 2;\n");
    expect(bootstrap(tree).exitCode).toBe(0);
  });
});
