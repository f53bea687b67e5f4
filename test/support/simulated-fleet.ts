import { connectAsync, type MqttClient } from "mqtt";

const PHASES = ["idle", "idle", "idle", "listening", "training", "throttled"] as const;
const BOARDS = ["rpi4", "rpi5", "jetson-orin", "generic"] as const;

/** Retained topics of many devices at a broker, by one client. The figures follow from each device's number. */
export class SimulatedFleet implements AsyncDisposable {
  readonly #client: MqttClient;
  readonly #base: string;

  private constructor(client: MqttClient, base: string) {
    this.#client = client;
    this.#base = base;
  }

  /** Resolves when the broker has everything. */
  static async publish(brokerUrl: string, base: string, count: number): Promise<SimulatedFleet> {
    const client = await connectAsync(brokerUrl, { protocolVersion: 4 });
    const fleet = new SimulatedFleet(client, base);
    await Promise.all(Array.from({ length: count }, (_, i) => fleet.#introduce(i)));
    return fleet;
  }

  static idOf(i: number): string {
    return `sim${String(i).padStart(4, "0")}`;
  }

  async say(i: number, path: string, payload: object | string): Promise<void> {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    await this.#client.publishAsync(`${this.#base}/${SimulatedFleet.idOf(i)}/${path}`, text, { qos: 1, retain: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #introduce(i: number): Promise<void> {
    const since = new Date().toISOString();
    const phase = PHASES[i % PHASES.length];
    const isTraining = phase === "training" || phase === "throttled";
    const version = i % 3 === 0 ? "base" : `a_${String(i).padStart(16, "0")}`;
    const topics: [string, object | string][] = [
      ["info", { schema: 1, version: i % 7 === 0 ? "0.0.9" : "0.1.0", board: BOARDS[i % BOARDS.length], model: null }],
      ["state", { phase, since, fault: null, mic_muted: false, learning_enabled: true, profile: null }],
      [
        "power",
        {
          governor: "full",
          mode: "auto",
          duty: isTraining ? 0.5 : 1,
          threads: 3,
          reason: "none",
          soc_temp_c: temperatureOf(i),
          input_w: 3 + (i % 40) / 10,
        },
      ],
      [
        "training",
        {
          state: isTraining ? "training" : "idle",
          progress_pct: isTraining ? i % 100 : null,
          eligible: false,
          reasons: [],
        },
      ],
      ["adapter", { installed_version: version, latest_version: version, versions: [] }],
      ["availability", i % 50 === 49 ? "offline" : "online"],
    ];
    for (const [path, payload] of topics) await this.say(i, path, payload);
    if (i % 100 === 3) {
      const hint = "Check the microphone's plug.";
      await this.say(i, "alert/E_MIC_LOST", { code: "E_MIC_LOST", since, message: "Mic lost", hint });
    }
  }
}

/** °C; device 77 is the hottest. */
function temperatureOf(i: number): number {
  return i === 77 ? 84 : 40 + (i % 37);
}
