import type { SeenEvent, WatchedService } from "../../../src/cli/demo/watched-service.ts";
import { readWavFile, type WavAudio } from "../../../src/core/wav.ts";
import type { ButtonName } from "../../../src/sensors/ports.ts";
import { AedesTestBroker, freePort } from "../../support/broker.ts";
import { eventually } from "../../support/eventually.ts";
import { makeTempDir, type TempDir } from "../../support/temp-dir.ts";
import { VirtualDevice } from "../../support/virtual-device.ts";
import type { BoardDriver, BoardProbe } from "../driver.ts";
import { probeBoard } from "./board-probe.ts";
import { thisMachine } from "./place.ts";

/** The built program as a child of this process, on the virtual board; power is cut by SIGKILL. */
export class VirtualBoard implements BoardDriver {
  readonly name = "virtual";
  readonly standingAlerts: readonly string[] = [];
  readonly place = thisMachine;
  readonly #folder: TempDir;
  readonly #settings: readonly string[];
  readonly #broker: AedesTestBroker;
  #device: VirtualDevice;

  private constructor(device: VirtualDevice, settings: readonly string[], broker: AedesTestBroker) {
    this.#device = device;
    this.#folder = device.folder;
    this.#settings = settings;
    this.#broker = broker;
  }

  static async open(settings: readonly string[]): Promise<VirtualBoard> {
    const broker = new AedesTestBroker(await freePort());
    await broker.start();
    const folder = await makeTempDir("board");
    const all = [...settings, `mqtt.url=${broker.url}`];
    return new VirtualBoard(await VirtualDevice.start(all, folder), all, broker);
  }

  get service(): WatchedService {
    return this.#device.service.watched;
  }

  next(position: number, event: string, fits?: (data: Record<string, unknown>) => boolean): Promise<SeenEvent> {
    return this.#device.next(position, event, fits);
  }

  async press(button: ButtonName, holdMs: number): Promise<void> {
    await this.service.call("press", { button, holdMs });
  }

  async say(wavPath: string): Promise<void> {
    await this.service.call("play", { path: wavPath });
  }

  async hear(work: () => Promise<SeenEvent>): Promise<WavAudio> {
    const { data } = await work();
    return await readWavFile(String(data.recordingPath));
  }

  async isLedOn(): Promise<boolean> {
    return ((await this.service.call("status", {})) as { led: string }).led === "on";
  }

  async mqtt(): Promise<BoardProbe> {
    return await probeBoard(this.#broker.url);
  }

  async setTempC(celsius: number | null): Promise<void> {
    await this.service.call("setTempC", { celsius });
  }

  async setMains(isOn: boolean): Promise<void> {
    await this.service.call("setMains", { mains: isOn });
  }

  async setInputW(watts: number): Promise<void> {
    await this.service.call("setInputW", { watts });
  }

  async unplugMic(): Promise<void> {
    await this.service.call("plug", { plugged: false });
  }

  async plugMic(): Promise<void> {
    await this.service.call("plug", { plugged: true });
  }

  async stopBroker(): Promise<void> {
    await this.#broker.stop();
  }

  async startBroker(): Promise<void> {
    await this.#broker.start();
  }

  async cutPower(): Promise<void> {
    const { pid } = this.#device.service;
    // Stopped first: a service that is alive would clean up after its trainer.
    process.kill(pid, "SIGSTOP");
    await thisMachine.run(`pkill -KILL -P ${pid} || true`);
    await this.#device.service[Symbol.asyncDispose]();
    // Until then its socket still takes connections, and the next service would seem to answer.
    await eventually(() => !isAlive(pid));
  }

  async restorePower(): Promise<void> {
    this.#device = await VirtualDevice.start(this.#settings, this.#folder);
  }

  async reconnect(): Promise<void> {
    await this.restorePower();
  }

  async servicePid(): Promise<number> {
    return this.#device.service.pid;
  }

  async installedVersion(): Promise<string> {
    throw new Error("no package is installed");
  }

  async installPackage(): Promise<void> {
    throw new Error("no package is installed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#device[Symbol.asyncDispose]();
    await this.#broker[Symbol.asyncDispose]();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
