import { execFile, execFileSync } from "node:child_process";
import { copyFile, cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageRoot } from "../../../src/core/built-file.ts";
import { describeWhen, lacksProgram } from "../../support/describe-when.ts";
import { PackageRoot, packageRootObstacle } from "../../support/package-root.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";

const run = promisify(execFile);
const architecture =
  lacksProgram("dpkg") === null ? execFileSync("dpkg", ["--print-architecture"], { encoding: "utf8" }).trim() : "";
/** Wherever the machine is slow: everything here is the real package, 190 MB of it. */
const PATIENCE_MS = 600_000;
const OLD = "0.9.0-1";
const NEW = "1.0.0-1";
const INSTALL = "dpkg --force-unsafe-io --install";

const build = async (out: string, version: string) =>
  (
    await run("sh", ["deploy/deb/build.sh", "--fast", "--version", version, "--out", out], { cwd: packageRoot })
  ).stdout.trim();

/** The package as the next release would be: a higher version, and one more step of the profile database. */
async function nextRelease(out: string): Promise<void> {
  const tree = join(out, "next");
  await run("cp", ["-al", `${packageRoot}build/deb/${architecture}/root`, tree]);
  const replace = async (path: string, change: (text: string) => string) => {
    const text = await readFile(join(tree, path), "utf8");
    await rm(join(tree, path)); // a hard link: the file that is built stays as it is
    await writeFile(join(tree, path), change(text));
  };
  await replace("DEBIAN/control", (text) => text.replace(`Version: ${OLD}`, `Version: ${NEW}`));
  await replace("usr/lib/asls/dist/profile/migrations.js", (text) => {
    const known = Math.max(...[...text.matchAll(/\bversion: (\d+)/g)].map((match) => Number(match[1])));
    const step = `{ version: ${known + 1}, statements: ["ALTER TABLE profiles ADD COLUMN of_the_next_release TEXT"] }`;
    return `${text}\nMIGRATIONS.push(${step});\n`;
  });
  await run("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, join(out, "new.deb")]);
  await rm(tree, { recursive: true });
}

interface Findings {
  readonly findings: readonly { readonly part: string; readonly status: string }[];
}

describeWhen(packageRootObstacle() ?? lacksProgram("patchelf", "strip"), "the Debian package", () => {
  let root: PackageRoot;
  let packages: TempDir;

  beforeAll(async () => {
    root = await PackageRoot.make();
    packages = await makeTempDir("deb");
    await copyFile(await build(packages.path, OLD), packages.join("old.deb"));
    await nextRelease(packages.path);
    await cp(packages.join("old.deb"), join(root.shared, "old.deb"));
    await cp(packages.join("new.deb"), join(root.shared, "new.deb"));
  }, PATIENCE_MS);
  afterAll(async () => {
    await root?.dispose();
    await packages?.dispose();
  });

  const profiles = async () =>
    (JSON.parse(await root.run("asls profile list --json")) as { label: string }[]).map(({ label }) => label);

  test(
    "installed on its own it finds its model, trainer, recogniser and voice",
    async () => {
      await root.run(`${INSTALL} /mnt/old.deb`);
      const { findings } = JSON.parse(await root.run("asls doctor --json || true")) as Findings;
      const states = Object.fromEntries(findings.map(({ part, status }) => [part, status]));
      expect(states).toMatchObject({
        node: "ok",
        configuration: "ok",
        model: "ok",
        trainer: "ok",
        hearing: "ok",
        speech: "ok",
      });
      expect(await root.run("getent group gpio")).toContain("gpio");
      expect(await root.run("readlink /etc/systemd/system/multi-user.target.wants/asls.service")).toContain(
        "asls.service",
      );
    },
    PATIENCE_MS,
  );

  test(
    "the service answers on the virtual board with nothing but the package",
    async () => {
      const answer = await root.run(`
      export ASLS_BOARD_PROFILE=virtual
      asls run --set mqtt.enabled=false > /tmp/log 2>&1 & service=$!
      until grep -q ready_ms /tmp/log; do kill -0 $service || { cat /tmp/log >&2; exit 1; }; done
      asls say "turn on the light" --json; kill $service; wait $service`);
      expect(JSON.parse(answer)).toMatchObject({ answer: expect.stringMatching(/\w/) });
    },
    PATIENCE_MS,
  );

  test(
    "an upgrade keeps the owner's configuration and profiles, and updates the database",
    async () => {
      await root.run("asls profile create Ada; echo 'tts: {voice: rms}' > /etc/asls/asls.yaml");
      await root.run(`${INSTALL} /mnt/new.deb`);
      expect(await root.run("dpkg-query --status asls | grep ^Version; cat /etc/asls/asls.yaml")).toBe(
        `Version: ${NEW}\ntts: {voice: rms}\n`,
      );
      expect(await profiles()).toContain("Ada");
      expect(await root.run("ls /var/lib/asls/profiles")).toMatch(/profiles\.db\.v\d+\.bak/);
      await root.run("asls profile create Since");
    },
    PATIENCE_MS,
  );

  test(
    "going back restores the database that the older package reads, and keeps the newer one",
    async () => {
      const said = await root.run(`${INSTALL} --force-downgrade /mnt/old.deb`);
      expect(said).toContain("profile database: back from version");
      expect(await profiles()).toContain("Ada");
      expect(await profiles()).not.toContain("Since");
      await root.run(`${INSTALL} /mnt/new.deb`);
      const newest = (
        await root.run(
          "ls /var/lib/asls/profiles | sed -n 's/^profiles.db.v\\([0-9]*\\).bak$/\\1/p' | sort -n | tail -n 1",
        )
      ).trim();
      await root.run(`asls profile restore-backup --to ${newest}`);
      expect(await profiles()).toContain("Since");
    },
    PATIENCE_MS,
  );

  test(
    "the service is stopped only after the adapter swap that is under way",
    async () => {
      // systemd does not run here: a stand-in for its front end notes when it is called.
      const order = await root.run(`
      mkdir -p /run/systemd/system /run/asls
      printf '#!/bin/sh\\n[ "$1" != stop ] || echo stopped >> /run/order\\n' > /usr/local/sbin/deb-systemd-invoke
      chmod +x /usr/local/sbin/deb-systemd-invoke
      flock /run/asls/update.lock sh -c 'touch /run/held; until [ -e /run/asked ]; do :; done; echo swapped >> /run/order' &
      until [ -e /run/held ]; do :; done
      /var/lib/dpkg/info/asls.prerm upgrade ${NEW} & prerm=$!
      until grep -q -- '-> FLOCK' /proc/locks; do kill -0 $prerm || exit 1; done
      touch /run/asked; wait $prerm; cat /run/order`);
      expect(order).toBe("swapped\nstopped\n");
      await root.run("rm -r /run/systemd /run/asls /usr/local/sbin/deb-systemd-invoke");
    },
    PATIENCE_MS,
  );

  test(
    "remove and purge keep what people taught it; purging with the word for it does not",
    async () => {
      await root.run("dpkg --remove asls");
      expect(await root.run("ls /usr/lib/asls /usr/bin/asls 2>/dev/null | wc -l; cat /etc/asls/asls.yaml")).toBe(
        "0\ntts: {voice: rms}\n",
      );
      expect(await root.run("dpkg --purge asls; ls -d /etc/asls 2>/dev/null || echo none")).toContain("none");
      await root.run(`${INSTALL} /mnt/new.deb`);
      expect(await profiles()).toContain("Ada");
      await root.run("dpkg --purge asls", { ASLS_PURGE_DATA: "1" });
      expect(await root.run("ls -d /var/lib/asls /var/lib/private/asls 2>/dev/null || echo none")).toBe("none\n");
    },
    PATIENCE_MS,
  );

  test(
    "lintian finds no error and no warning",
    async ({ skip }) => {
      if (lacksProgram("lintian") !== null) skip("lintian is not installed");
      // Built without compression here, to be quick.
      const quick = "uses-no-compression-for-data-tarball,uses-no-compression-for-control-tarball";
      const check = run("lintian", [
        "--allow-root",
        "--fail-on",
        "error,warning",
        "--suppress-tags",
        quick,
        packages.join("old.deb"),
      ]);
      expect((await check).stdout).toBe("");
    },
    PATIENCE_MS,
  );
});
