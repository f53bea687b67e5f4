import { freePort, MosquittoTestBroker } from "./broker.ts";
import { type LivedIn, liveIn } from "./lived-in-device.ts";
import { MqttProbe, type SeenMessage } from "./mqtt-probe.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";
import { VirtualDevice } from "./virtual-device.ts";

/** Looks often and does not wait after a turn, so that no test waits for long. */
const QUICK = ["governor.intervalMs=500", "governor.graceMs=0", "governor.dwellMs=1000", "training.microUpdates=false"];

/** The built service on the virtual board with a past, a real Mosquitto with a WebSocket listener, and a witness there. */
export class DashboardDevice implements AsyncDisposable {
  readonly broker: MosquittoTestBroker;
  /** The same broker, for pages. */
  readonly webSocketUrl: string;
  readonly past: LivedIn;
  readonly #folder: TempDir;
  readonly #settings: readonly string[];
  #device: VirtualDevice;
  #probe: MqttProbe;

  private constructor(
    folder: TempDir,
    broker: MosquittoTestBroker,
    webSocketUrl: string,
    past: LivedIn,
    settings: readonly string[],
    device: VirtualDevice,
    probe: MqttProbe,
  ) {
    this.#folder = folder;
    this.broker = broker;
    this.webSocketUrl = webSocketUrl;
    this.past = past;
    this.#settings = settings;
    this.#device = device;
    this.#probe = probe;
  }

  static async start(further: readonly string[] = []): Promise<DashboardDevice> {
    const folder = await makeTempDir("device");
    const past = await liveIn(folder, Date.now());
    const [brokerPort, webSocketPort, pagePort] = [await freePort(), await freePort(), await freePort()];
    // docs/dashboard.md: a page that subscribes to a fleet gets everything retained at once.
    const queue = "max_queued_messages 20000";
    const listener = [queue, `listener ${webSocketPort} 127.0.0.1`, "protocol websockets"];
    const broker = new MosquittoTestBroker(brokerPort, ["allow_anonymous true", ...listener]);
    await broker.start();
    const reconnect = ["mqtt.reconnectMinMs=200", "mqtt.reconnectMaxMs=1000"];
    const webSocketUrl = `ws://127.0.0.1:${webSocketPort}`;
    const page = [`dashboard.port=${pagePort}`, `dashboard.brokerUrl=${webSocketUrl}`];
    const settings = [...QUICK, ...reconnect, ...page, `mqtt.url=${broker.url}`, ...further];
    const probe = await MqttProbe.connect(broker.url);
    const device = await VirtualDevice.start(settings, folder);
    const dashboard = new DashboardDevice(folder, broker, webSocketUrl, past, settings, device, probe);
    await dashboard.said("availability", (text) => text === "online");
    return dashboard;
  }

  get service(): VirtualDevice["service"] {
    return this.#device.service;
  }

  /** `--board` and `--set` for further commands. */
  get options(): readonly string[] {
    return this.#device.options;
  }

  /** Address with the token, and without. */
  async address(): Promise<{ readonly url: string; readonly signInUrl: string }> {
    return (await this.service.call("dashboard", {})) as { url: string; signInUrl: string };
  }

  /** What the device has said or says on that topic of its, from message `from` on. */
  said(path: string, fits: (text: string) => boolean, from = 0): Promise<SeenMessage> {
    return this.#probe.waitFor(({ topic, text }) => topic.endsWith(`/${path}`) && fits(text), from);
  }

  /** As {@link said}, with a field of its JSON. */
  async saidField(path: string, field: string, value: unknown, from = 0): Promise<void> {
    const has = (text: string) => text !== "" && (JSON.parse(text) as Record<string, unknown>)[field] === value;
    await this.said(path, has, from);
  }

  /** Sends to the device's topic as anybody with an account could. */
  async send(path: string, payload: string): Promise<void> {
    const { topic } = await this.said("availability", () => true);
    await this.#probe.send(topic.replace(/availability$/, path), payload);
  }

  /** Messages seen so far; pass it to {@link said}. */
  get position(): number {
    return this.#probe.seen.length;
  }

  /** Stops and starts the broker; the witness connects anew. */
  async restartBroker(meanwhile: () => Promise<void>): Promise<void> {
    await this.broker.stop();
    await meanwhile();
    await this.broker.start();
    this.#probe = await MqttProbe.connect(this.broker.url);
  }

  /** Starts the service again after it ended, with what it had stored. */
  async startAgain(): Promise<void> {
    this.#device = await VirtualDevice.start(this.#settings, this.#folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe[Symbol.asyncDispose]();
    await this.#device[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }
}
