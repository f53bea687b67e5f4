import { existsSync, readFileSync } from "node:fs";
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
  const isRoot = process.getuid?.() === 0;

  test.skipIf(!isRoot)(
    "prints the one command that installs what is missing, and exits 69 before it touches anything (the test needs root to become nobody)",
    () => {
      using tree = new PlantedTree(["deploy/bootstrap.sh", "package.json"], {
        "deploy/packages.txt":
          "# needed\nasls-planted-a  # why\n\nasls-planted-b|asls-planted-c  # why\nasls-planted-d dev  # why\n",
      });
      const run = tree.runAsNobody("/bin/sh", ["deploy/bootstrap.sh", "--quiet"]);
      expect(run.output).toContain("sudo apt-get install -y --no-install-recommends asls-planted-a asls-planted-b\n");
      expect(run.exitCode).toBe(69);
      expect(existsSync(join(tree.root, "dist"))).toBe(false);
    },
  );
});
