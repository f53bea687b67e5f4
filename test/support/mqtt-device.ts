import type { TestBroker } from "./broker.ts";
import { MqttProbe, type SeenMessage } from "./mqtt-probe.ts";
import type { TempDir } from "./temp-dir.ts";
import { VirtualDevice } from "./virtual-device.ts";

type Json = Record<string, unknown>;

/** The built service on a broker, and somebody who sees everything there. */
export class MqttDevice implements AsyncDisposable {
  readonly device: VirtualDevice;
  readonly probe: MqttProbe;
  /** `asls/<id>`. */
  readonly root: string;

  readonly #keepsFolder: boolean;

  private constructor(device: VirtualDevice, probe: MqttProbe, root: string, keepsFolder: boolean) {
    this.#keepsFolder = keepsFolder;
    this.device = device;
    this.probe = probe;
    this.root = root;
  }

  /** @param folder to start in; it stays, for the next start. */
  static async start(
    broker: TestBroker,
    settings: readonly string[] = [],
    folder?: TempDir,
    url = broker.url,
  ): Promise<MqttDevice> {
    const probe = await MqttProbe.connect(broker.url);
    // What an earlier device left is old: only its own `online` counts.
    const device = await VirtualDevice.start([`mqtt.url=${url}`, ...settings], folder);
    const { topic } = await probe.waitFor(
      (seen) => /^asls\/[0-9a-f]+\/availability$/.test(seen.topic) && seen.text === "online" && !seen.retained,
    );
    return new MqttDevice(device, probe, topic.replace("/availability", ""), folder !== undefined);
  }

  /** Data of the answer. @throws what it says instead of ok. */
  async ask(verb: string, fields: Json = {}): Promise<Json> {
    const answer = await this.probe.request(this.root, verb, JSON.stringify(fields));
    if (answer.status !== "ok") throw new Error(String(answer.code));
    return answer.data as Json;
  }

  /** The first payload of that topic that fits, from message `from` on. */
  async shows(path: string, fits: (payload: Json) => boolean, from = 0): Promise<Json> {
    const isIt = ({ topic, text }: SeenMessage) =>
      topic === `${this.root}/${path}` && text !== "" && fits(JSON.parse(text) as Json);
    return JSON.parse((await this.probe.waitFor(isIt, from)).text) as Json;
  }

  /** Allows it at the device, as its user would: asked for, and confirmed by the button. */
  async grant(purpose: "store" | "train"): Promise<void> {
    const granting = this.device.service.call("consent", { purpose, granted: true });
    await this.device.service.call("press", { button: "talk", holdMs: 2_000 });
    await granting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#keepsFolder ? this.device.service : this.device)[Symbol.asyncDispose]();
    await this.probe[Symbol.asyncDispose]();
  }
}
