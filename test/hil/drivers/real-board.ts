import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { SeenEvent, WatchedService } from "../../../src/cli/demo/watched-service.ts";
import { delay, SystemClock } from "../../../src/core/clock.ts";
import { decodeWav, type WavAudio } from "../../../src/core/wav.ts";
import type { ButtonName } from "../../../src/sensors/ports.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import type { BoardDriver, BoardProbe } from "../driver.ts";
import type { Place } from "./place.ts";
import { RemoteService } from "./remote-service.ts";
import { type Rig, rigOrNull } from "./rig.ts";
import { settingsFile } from "./settings-file.ts";

const SOON_MS = 60_000;
const SETTINGS = "/etc/asls/conf.d/90-hil.yaml";

/**
 * A real board under systemd, reached by SSH, with a rig around it (HIL_RIG, docs/hil.md). No board was at hand to run this
 * on; connection, service and package handling are those of the machine's driver.
 */
export class RealBoard implements BoardDriver {
  readonly name = "board";
  readonly standingAlerts: readonly string[] = [];
  readonly #rig: Rig;
  readonly #folder: TempDir;
  readonly #settings: string;
  #remote: RemoteService;

  private constructor(rig: Rig, folder: TempDir, settings: string, remote: RemoteService) {
    this.#rig = rig;
    this.#folder = folder;
    this.#settings = settings;
    this.#remote = remote;
  }

  static async open(settings: readonly string[]): Promise<RealBoard> {
    const rig = rigOrNull();
    if (rig === null) throw new Error("HIL_RIG is not set: docs/hil.md, A real board");
    const folder = await makeTempDir("rig");
    const text = settingsFile(settings);
    return new RealBoard(rig, folder, text, await connect(rig, folder, text));
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
    await this.#rig.run("press", { button, on: 1 });
    await delay(new SystemClock(), holdMs);
    await this.#rig.run("press", { button, on: 0 });
  }

  async say(wavPath: string): Promise<void> {
    await this.#rig.run("say", { wav: wavPath });
  }

  async hear(work: () => Promise<SeenEvent>): Promise<WavAudio> {
    const wav = this.#folder.join("heard.wav");
    const recorder = spawn("sh", ["-c", `exec ${this.#rig.command("hear", { wav })}`], { stdio: "ignore" });
    await work();
    const ended = once(recorder, "exit");
    recorder.kill("SIGTERM");
    await ended;
    return decodeWav(await readFile(wav), wav);
  }

  async isLedOn(): Promise<boolean> {
    return (await this.#rig.run("led")).trim() === "1";
  }

  mqtt(): Promise<BoardProbe> {
    return this.#remote.mqtt();
  }

  async setTempC(celsius: number | null): Promise<void> {
    if (celsius === null) throw new Error("a real thermometer does not fail on demand");
    await this.#rig.run("temperature", { celsius });
  }

  async setMains(isOn: boolean): Promise<void> {
    await this.#rig.run("mains", { on: isOn ? 1 : 0 });
  }

  async setInputW(): Promise<void> {
    throw new Error("nothing makes a real board take a given power");
  }

  async unplugMic(): Promise<void> {
    await this.#rig.run("microphone", { on: 0 });
  }

  async plugMic(): Promise<void> {
    await this.#rig.run("microphone", { on: 1 });
  }

  async stopBroker(): Promise<void> {
    await this.place.run("systemctl stop mosquitto; rm -f /var/lib/mosquitto/mosquitto.db");
  }

  async startBroker(): Promise<void> {
    await this.place.run("systemctl start mosquitto");
  }

  async cutPower(): Promise<void> {
    await this.#rig.run("power", { on: 0 });
    await this.#remote[Symbol.asyncDispose]();
  }

  async restorePower(): Promise<void> {
    await this.#rig.run("power", { on: 1 });
    this.#remote = await connect(this.#rig, this.#folder, this.#settings);
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
    const file = which === "first" ? process.env.HIL_PACKAGE : this.#rig.file.otherPackage;
    if (file === undefined) throw new Error("no package to install: --package FILE, and otherPackage in HIL_RIG");
    await this.#remote.ssh.copyTo(file, "/tmp/asls-hil.deb");
    await this.place.run(
      "DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-downgrade -i /tmp/asls-hil.deb >/dev/null",
    );
    await this.#remote.reconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
    await this.#folder.dispose();
  }
}

async function connect(rig: Rig, folder: TempDir, settings: string): Promise<RemoteService> {
  const { host, port, identityFile = null } = rig.file;
  const local = folder.join("90-hil.yaml");
  await writeFile(local, settings);
  return await RemoteService.open({ host, port, identityFile, knownHosts: null }, folder.path, async (ssh) => {
    const before = await ssh.run(`cat ${SETTINGS} 2>/dev/null || true`);
    if (before === settings) return;
    await ssh.run("mkdir -p /etc/asls/conf.d");
    await ssh.copyTo(local, SETTINGS);
    await ssh.run("systemctl restart --no-block asls; sleep 1");
  });
}
