import type { SeenEvent, WatchedService } from "../../src/cli/demo/watched-service.ts";
import type { WavAudio } from "../../src/core/wav.ts";
import type { ButtonName } from "../../src/sensors/ports.ts";
import type { MqttProbe } from "../support/mqtt-probe.ts";
import type { Place } from "./drivers/place.ts";

export const DRIVER_NAMES = ["virtual", "vm", "board"] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

/** What not every driver can do. */
export type Ability =
  /** Somebody presses buttons, speaks into the microphone, hears the loudspeaker, sees the light. */
  | "press"
  | "speak"
  | "hear"
  | "see_light"
  /** systemd starts and watches the service. */
  | "systemd"
  /** The kernel ends the trainer when its group's memory is used up. */
  | "memory_limit"
  /** Sensors are parameters of kernel modules, which a shell on the board can set. */
  | "kernel_sensors"
  /** Temperature is what the test says. */
  | "set_temperature"
  /** Mains is there when the test says so. */
  | "set_mains"
  /** Input power is what the test says. */
  | "set_input_power"
  /** The microphone can be pulled out. */
  | "unplug_microphone"
  /** Power can be cut without a word to any process. */
  | "cut_power"
  /** asls is installed by dpkg, and a second version of the package is at hand. */
  | "packages"
  /** The broker can be stopped and started. */
  | "restart_broker";

/** What somebody at the broker sees of the board. */
export interface BoardProbe extends AsyncDisposable {
  readonly probe: MqttProbe;
  /** Topics of this device start with it; no slash at its end. */
  readonly root: string;
  /** The first payload of that topic from message `from` on that fits. */
  topic(
    path: string,
    from?: number,
    fits?: (payload: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>>;
}

/**
 * A board under test: what a person and its surroundings do to it, and what can be seen of it. Times are the board's own
 * business: everything is awaited by what the board says.
 */
export interface BoardDriver extends AsyncDisposable {
  readonly name: DriverName;
  /** Codes of alerts that may stand on this board without a fault, e.g. for a sound card that is perfectly silent. */
  readonly standingAlerts: readonly string[];
  /** Control socket and events of the service; another object after a restart of the service or of the board. */
  readonly service: WatchedService;
  /** A shell on the board. */
  readonly place: Place;

  /** The first event of that kind from `position` on that fits. */
  next(position: number, event: string, fits?: (data: Record<string, unknown>) => boolean): Promise<SeenEvent>;
  /** Presses a button and lets it go after that long. */
  press(button: ButtonName, holdMs: number): Promise<void>;
  /** Plays a WAV file of this machine into the room; resolves when it is over. */
  say(wavPath: string): Promise<void>;
  /** What the loudspeaker plays while `work` lasts. */
  hear(work: () => Promise<SeenEvent>): Promise<WavAudio>;
  isLedOn(): Promise<boolean>;
  /** An MQTT client of its own at the board's broker, subscribed to everything. */
  mqtt(): Promise<BoardProbe>;

  /** @param celsius null = the thermometer fails. */
  setTempC(celsius: number | null): Promise<void>;
  setMains(isOn: boolean): Promise<void>;
  setInputW(watts: number): Promise<void>;
  unplugMic(): Promise<void>;
  plugMic(): Promise<void>;
  stopBroker(): Promise<void>;
  startBroker(): Promise<void>;

  /** Takes the board's power away: no process gets a word of it. */
  cutPower(): Promise<void>;
  /** Gives it back, and waits until the service answers. */
  restorePower(): Promise<void>;
  /** Waits until the service answers again after it ended by itself or was ended. */
  reconnect(): Promise<void>;
  /** Process id of the service on the board. */
  servicePid(): Promise<number>;
  /** Version of the installed package. @throws Error without one. */
  installedVersion(): Promise<string>;
  /** Installs the package of this run (`first`) or one of another version with dpkg, and waits for the service. */
  installPackage(which: "first" | "other"): Promise<void>;
}
