import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeWhen, lacksProgram } from "../support/describe-when.ts";
import { makeTempDir } from "../support/temp-dir.ts";
import { asls, deviceOptions, VirtualDevice } from "../support/virtual-device.ts";
import { notVirtual } from "./open-board.ts";

const noRoot = process.getuid?.() === 0 ? null : "mounting a file system needs root";
const mount = (...args: readonly string[]) => execFileSync("mount", args);
const umount = (path: string) => execFileSync("umount", ["-l", path]);

describeWhen(notVirtual ?? noRoot, "a full disk", () => {
  test("a turn on a full disk fails with E_DISK_FULL, what was stored stays, and it works again with space", async () => {
    await using folder = await makeTempDir("device");
    const state = folder.join("state");
    mkdirSync(state);
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", state);
    try {
      const device = await VirtualDevice.start(["tts.engine=none"], folder);
      await device.allow("store");
      expect(await device.say("is the garage door open?")).toBe("answered");
      const filler = `${state}/filler`;
      try {
        writeFileSync(filler, Buffer.alloc(8 * 2 ** 20));
      } catch {
        // ENOSPC: the disk is full now, as wanted.
      }
      await expect(device.say("is the front door open?")).rejects.toMatchObject({ code: "E_DISK_FULL" });
      expect(await device.alerts()).toContain("E_DISK_FULL");
      rmSync(filler);
      expect(await device.say("is the back door open?")).toBe("answered");
      expect(await device.alerts()).not.toContain("E_DISK_FULL");
      expect(await device.kept()).toEqual(["is the garage door open?", "is the back door open?"]);
      expect(await device.service.stop()).toBe(0);
    } finally {
      umount(state);
    }
  });
});

describeWhen(notVirtual ?? noRoot, "a read-only file system", () => {
  test("the start is refused with the reason, and works as soon as it can be written to", async () => {
    await using folder = await makeTempDir("device");
    const state = folder.join("state");
    mkdirSync(state);
    mount("-t", "tmpfs", "-o", "ro", "tmpfs", state);
    try {
      const { exitCode, stderr } = await asls(["run", ...deviceOptions(folder)]);
      expect(exitCode).toBe(73);
      expect(stderr).toContain("E_FILE_UNWRITABLE");
      mount("-o", "remount,rw", state);
      const device = await VirtualDevice.start(["tts.engine=none"], folder);
      expect(await device.say("is the garage door open?")).toBe("answered");
      expect(await device.service.stop()).toBe(0);
    } finally {
      umount(state);
    }
  });
});

/** An ext4 in a file, which its kernel takes away from writers at its first error, as that of a failing SD card. */
class FailingCard implements Disposable {
  readonly #image: string;
  readonly #path: string;

  constructor(image: string, path: string) {
    this.#image = image;
    this.#path = path;
    execFileSync("truncate", ["-s", "24M", image]);
    execFileSync("mkfs.ext4", ["-q", image]);
    mkdirSync(path);
    this.#mount();
  }

  fail(): void {
    const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", this.#path], { encoding: "utf8" }).trim();
    writeFileSync(`/sys/fs/ext4/${device.replace("/dev/", "")}/trigger_fs_error`, "planted by a test");
  }

  /** Checked and mounted anew, as a reboot does. */
  repair(): void {
    execFileSync("umount", [this.#path]);
    try {
      execFileSync("fsck.ext4", ["-fy", this.#image], { stdio: "ignore" });
    } catch {
      // Exit code 1: errors were found and corrected.
    }
    this.#mount();
  }

  #mount(): void {
    mount("-o", "loop,errors=remount-ro", this.#image, this.#path);
  }

  [Symbol.dispose](): void {
    umount(this.#path);
  }
}

describeWhen(
  notVirtual ?? noRoot ?? lacksProgram("mkfs.ext4", "fsck.ext4", "losetup", "findmnt"),
  "a card that fails",
  () => {
    test("read-only from one moment to the next: each turn fails by name, the service stays, and after a repair all is there", async () => {
      await using folder = await makeTempDir("device");
      using card = new FailingCard(folder.join("card.img"), folder.join("state"));
      const device = await VirtualDevice.start(["tts.engine=none"], folder);
      await device.allow("store");
      expect(await device.say("is the garage door open?")).toBe("answered");
      card.fail();
      for (const text of ["is the front door open?", "is the back door open?"]) {
        await expect(device.say(text)).rejects.toMatchObject({
          code: expect.stringMatching(/^E_DB_(IO|UNAVAILABLE)$/),
        });
      }
      expect((await device.alerts()).filter((code) => code === "E_DB_IO" || code === "E_DB_UNAVAILABLE")).not.toEqual(
        [],
      );
      expect(await device.kept()).toEqual(["is the garage door open?"]);
      await device.service.stop();
      card.repair();
      const again = await VirtualDevice.start(["tts.engine=none"], folder);
      expect(await again.say("is the cellar door open?")).toBe("answered");
      expect((await again.alerts()).filter((code) => code.startsWith("E_DB"))).toEqual([]);
      expect(await again.kept()).toEqual(["is the garage door open?", "is the cellar door open?"]);
      expect(await again.service.stop()).toBe(0);
    });
  },
);

describeWhen(notVirtual, "a damaged page of the database", () => {
  test("the start is refused by name and changes nothing; with the page back everything is there", async () => {
    await using folder = await makeTempDir("device");
    const device = await VirtualDevice.start(["tts.engine=none", "mqtt.enabled=false"], folder);
    await device.allow("store");
    expect(await device.say("is the garage door open?")).toBe("answered");
    expect(await device.service.stop()).toBe(0); // nothing is left in the write-ahead log
    const cut = await VirtualDevice.start(["tts.engine=none", "mqtt.enabled=false"], folder);
    await cut.service[Symbol.asyncDispose](); // as by a power cut: the next start looks at every page
    const database = folder.join("state", "profiles", "profiles.db");
    const copy = folder.join("copy");
    copyFileSync(database, copy);
    const file = await open(database, "r+");
    await file.write(Buffer.alloc(4_096, 0xa5), 0, 4_096, 4_096);
    await file.close();
    const { exitCode, stderr } = await asls(["run", ...device.options]);
    expect(stderr).toContain("E_DB_CORRUPT");
    expect(exitCode).toBe(1);
    copyFileSync(copy, database);
    const again = await VirtualDevice.start(["tts.engine=none", "mqtt.enabled=false"], folder);
    expect(await again.kept()).toEqual(["is the garage door open?"]);
    expect(await again.say("is the back door open?")).toBe("answered");
    expect(await again.service.stop()).toBe(0);
  });
});
