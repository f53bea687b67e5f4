import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "../../../src/core/built-file.ts";
import { delay, SystemClock } from "../../../src/core/clock.ts";
import { freePort } from "../../support/broker.ts";
import { runProgram } from "./place.ts";

const BUILT = join(packageRoot, "build/vm");
const STATE_DISK = "256M";

/** no_timer_check: a busy host may miss the ticks by which the kernel tests its timer, and it would panic. */
const KERNEL_ARGUMENTS =
  "console=ttyS0 quiet panic=-1 systemd.show_status=0 audit=0 mitigations=off nokaslr random.trust_cpu=1 net.ifnames=0 no_timer_check";

/**
 * While the machine computes, its clock goes by instructions, 2^1 ns each, and not by the host's: however slow or busy the
 * host is, the machine sees a processor of 500 million instructions a second, so that no sound is lost and no limit of the
 * product is missed for want of it. While it waits, its clock is the host's. With two processors this takes for ever.
 */
const INSTRUCTION_NS_LOG2 = 1;

/** Everything that QEMU emulates but fused multiply-add, which costs it three times what a product and a sum do. */
const PROCESSOR = "max,-fma";

/**
 * The machine of the virtual board: QEMU without KVM. Its folder outlives this process, so that one machine serves every
 * test file of a run; `npm run hil` ends it.
 */
export class Machine {
  readonly folder: string;
  readonly sshPort: number;

  private constructor(folder: string, sshPort: number) {
    this.folder = folder;
    this.sshPort = sshPort;
  }

  /** The machine of that folder; a new one with an empty state disk when there is none. It may be off. */
  static async in(folder: string): Promise<Machine> {
    const portFile = join(folder, "ssh-port");
    if (!existsSync(portFile)) {
      await mkdir(join(folder, "share", "conf.d"), { recursive: true });
      await runProgram("mke2fs", ["-q", "-t", "ext4", join(folder, "state.ext4"), STATE_DISK]);
      await writeFile(portFile, String(await freePort()));
    }
    return new Machine(folder, Number(readFileSync(portFile, "utf8")));
  }

  /** What both the machine (as /mnt) and this process can write. */
  get shared(): string {
    return join(this.folder, "share");
  }

  get keys(): { readonly client: string; readonly knownHosts: string } {
    return { client: join(BUILT, "keys/client"), knownHosts: join(BUILT, "keys/known_hosts") };
  }

  get isOn(): boolean {
    const pid = this.#pid;
    if (pid === null) return false;
    try {
      // A process id may have been given to another program since.
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(this.folder);
    } catch {
      return false;
    }
  }

  async powerOn(): Promise<void> {
    const console = openSync(join(this.folder, "qemu.log"), "a");
    const child = spawn("qemu-system-x86_64", this.#arguments(), {
      detached: true,
      stdio: ["ignore", console, console],
    });
    closeSync(console);
    child.unref();
    while (!this.isOn) {
      if (child.exitCode !== null)
        throw new Error(`QEMU ended: ${readFileSync(join(this.folder, "qemu.log"), "utf8")}`);
      await delay(new SystemClock(), 50);
    }
  }

  /** Kills the machine: what its kernel had not written to the disk is gone. */
  async cutPower(): Promise<void> {
    const pid = this.#pid;
    if (pid === null || !this.isOn) return;
    process.kill(pid, "SIGKILL");
    while (this.isOn) await delay(new SystemClock(), 20);
  }

  get #pid(): number | null {
    const path = join(this.folder, "qemu.pid");
    return existsSync(path) ? Number(readFileSync(path, "utf8")) : null;
  }

  #arguments(): readonly string[] {
    const disk = (id: string, file: string, readonly: boolean) => [
      ...["-drive", `if=none,id=${id},file=${file},format=raw,readonly=${readonly ? "on" : "off"}`],
      ...["-device", `virtio-blk-pci,drive=${id}`],
    ];
    return [
      // Not KVM where it seems to be there: a stock kernel hangs on some hosts that offer it.
      ...["-accel", "tcg,thread=single,tb-size=512", "-M", "pc", "-cpu", PROCESSOR, "-smp", "1", "-m", "2048"],
      ...["-icount", `shift=${INSTRUCTION_NS_LOG2},sleep=on`],
      ...["-nodefaults", "-display", "none", "-no-reboot", "-monitor", "none"],
      ...["-serial", `file:${join(this.folder, "console.log")}`, "-pidfile", join(this.folder, "qemu.pid")],
      ...["-kernel", join(BUILT, "kernel/boot/vmlinuz"), "-initrd", join(BUILT, "initrd.gz")],
      ...["-append", KERNEL_ARGUMENTS],
      ...disk("root", join(BUILT, "root.ext4"), true),
      ...disk("state", join(this.folder, "state.ext4"), false),
      ...["-device", "virtio-rng-pci"],
      // The guest reaches nothing; this machine reaches the guest's SSH.
      ...["-netdev", `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${this.sshPort}-:22`],
      ...["-device", "virtio-net-pci,netdev=net,romfile="],
      ...["-fsdev", `local,id=share,path=${this.shared},security_model=none`],
      ...["-device", "virtio-9p-pci,fsdev=share,mount_tag=share"],
    ];
  }
}
