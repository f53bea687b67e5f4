import { copyFile, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { SeenEvent, WatchedService } from "../../../src/cli/demo/watched-service.ts";
import { decodeWav, type WavAudio } from "../../../src/core/wav.ts";
import type { ButtonName } from "../../../src/sensors/ports.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import type { BoardDriver, BoardProbe } from "../driver.ts";
import { Machine } from "./machine.ts";
import type { Place } from "./place.ts";
import { RemoteService } from "./remote-service.ts";
import { settingsFile } from "./settings-file.ts";
import type { SshConnection } from "./ssh.ts";

/** As wired in deploy/vm/rootfs/etc/asls/asls.yaml. */
const LINES = { talk: 17, up: 27, down: 22, led: 18 } as const;
const PARAMETERS = "/sys/module/vboard/parameters";
/** How long an event is waited for, ms. */
const SOON_MS = 300_000;
const SETTINGS = "conf.d/90-hil.yaml";

/** asls from its package in a machine with an unmodified Debian kernel: buttons, light, sensors and sound are the kernel's. */
export class VmBoard implements BoardDriver {
  readonly name = "vm";
  /** Nobody plays into the loopback card between two sentences: all its samples are zero. */
  readonly standingAlerts: readonly string[] = ["E_MIC_SILENT"];
  readonly #machine: Machine;
  readonly #folder: TempDir;
  readonly #settings: string;
  #remote: RemoteService;

  private constructor(machine: Machine, folder: TempDir, settings: string, remote: RemoteService) {
    this.#machine = machine;
    this.#folder = folder;
    this.#settings = settings;
    this.#remote = remote;
  }

  /** Connects to the machine of this run, booting it when it is off; the service is restarted when settings differ. */
  static async open(settings: readonly string[]): Promise<VmBoard> {
    const path = process.env.HIL_MACHINE;
    if (path === undefined) throw new Error("HIL_MACHINE is not set: use npm run hil -- --driver vm");
    const machine = await Machine.in(path);
    const folder = await makeTempDir("vm");
    const text = settingsFile(settings);
    return new VmBoard(machine, folder, text, await connect(machine, folder, text));
  }

  get service(): WatchedService {
    return this.#remote.watched;
  }

  get place(): Place {
    return this.#remote.ssh;
  }

  next(position: number, event: string, fits: (data: Record<string, unknown>) => boolean = () => true) {
    return this.service.next(position, event, SOON_MS, (seen) => seen.event === event && fits(seen.data));
  }

  async press(button: ButtonName, holdMs: number): Promise<void> {
    const pull = `/run/pins/sim_gpio${LINES[button]}/pull`;
    await this.place.run(`echo pull-down >${pull}; sleep ${holdMs / 1000}; echo pull-up >${pull}`);
  }

  async say(wavPath: string): Promise<void> {
    const name = `say-${basename(wavPath)}`;
    await copyFile(wavPath, join(this.#machine.shared, name));
    await this.place.run(`aplay -q -D plughw:Mic,0,0 /mnt/${name}`);
  }

  async hear(work: () => Promise<SeenEvent>): Promise<WavAudio> {
    await this.place.run(
      "arecord -q -D plughw:Speaker,1,0 -f S16_LE -r 16000 -c 1 /run/heard.wav </dev/null >/dev/null 2>&1 & echo $! >/run/heard.pid",
    );
    await work();
    // arecord writes the lengths of the WAV when it is asked to end; the shell that it belonged to is gone.
    await this.place.run(
      "pid=$(cat /run/heard.pid); kill -INT $pid; while [ -e /proc/$pid ]; do sleep 0.1; done; cp /run/heard.wav /mnt/heard.wav",
    );
    return decodeWav(await readFile(join(this.#machine.shared, "heard.wav")), "heard.wav");
  }

  async isLedOn(): Promise<boolean> {
    return (await this.place.run(`cat /run/pins/sim_gpio${LINES.led}/value`)).trim() === "1";
  }

  mqtt(): Promise<BoardProbe> {
    return this.#remote.mqtt();
  }

  async setTempC(celsius: number | null): Promise<void> {
    await this.place.run(
      celsius === null
        ? `echo Y >${PARAMETERS}/temp_fails`
        : `echo ${Math.round(celsius * 1000)} >${PARAMETERS}/temp_mc; echo N >${PARAMETERS}/temp_fails`,
    );
  }

  async setMains(isOn: boolean): Promise<void> {
    await this.place.run(`/usr/lib/asls-vm/mains ${isOn ? "on" : "off"}`);
  }

  async setInputW(watts: number): Promise<void> {
    await this.place.run(`echo 5000 >${PARAMETERS}/in_mv; echo ${Math.round((watts / 5) * 1000)} >${PARAMETERS}/in_ma`);
  }

  async unplugMic(): Promise<void> {
    await this.place.run("echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind");
  }

  async plugMic(): Promise<void> {
    await this.place.run("echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/bind");
  }

  async stopBroker(): Promise<void> {
    // Its memory of retained messages goes, too.
    await this.place.run("systemctl stop mosquitto; rm -f /var/lib/mosquitto/mosquitto.db");
  }

  async startBroker(): Promise<void> {
    await this.place.run("systemctl start mosquitto");
  }

  async cutPower(): Promise<void> {
    await this.#machine.cutPower();
    await this.#remote[Symbol.asyncDispose]();
  }

  async restorePower(): Promise<void> {
    this.#remote = await connect(this.#machine, this.#folder, this.#settings);
  }

  reconnect(): Promise<void> {
    return this.#remote.reconnect();
  }

  async servicePid(): Promise<number> {
    return this.#remote.servicePid;
  }

  async installedVersion(): Promise<string> {
    return (await this.place.run("dpkg-query -s asls | sed -n 's|^Version: ||p'")).trim();
  }

  async installPackage(which: "first" | "other"): Promise<void> {
    const file = process.env[which === "first" ? "HIL_PACKAGE" : "HIL_OTHER_PACKAGE"];
    if (file === undefined) throw new Error("no package: use npm run hil -- --driver vm");
    const name = `${which}.deb`;
    await copyFile(file, join(this.#machine.shared, name));
    await this.place.run(
      `DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-downgrade -i /mnt/${name} >/mnt/dpkg.log 2>&1`,
    );
    await this.#remote.reconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
    await this.#folder.dispose();
  }
}

/** Boots when the machine is off, brings board and settings to where a test begins, and waits for the service. */
async function connect(machine: Machine, folder: TempDir, settings: string): Promise<RemoteService> {
  const file = join(machine.shared, SETTINGS);
  const isChanged = (await readFile(file, "utf8").catch(() => "")) !== settings;
  if (isChanged) await writeFile(file, settings);
  const wasOn = machine.isOn;
  if (!wasOn) await machine.powerOn();
  const target = {
    host: "root@127.0.0.1",
    port: machine.sshPort,
    identityFile: machine.keys.client,
    knownHosts: { file: machine.keys.knownHosts, name: "vboard" },
  };
  return await RemoteService.open(target, folder.path, async (ssh: SshConnection) => {
    await ssh.run(`
      echo 45000 >${PARAMETERS}/temp_mc; echo N >${PARAMETERS}/temp_fails; echo N >${PARAMETERS}/under_voltage
      /usr/lib/asls-vm/mains on
      systemctl is-active -q mosquitto || systemctl start mosquitto`);
    if (isChanged && wasOn) await ssh.run("systemctl restart --no-block asls; sleep 1");
  });
}
