import { JOB_STATES } from "../../adapt/job.ts";
import { LOG_LEVELS } from "../config/sections/service.ts";
import { GOVERNOR_MODES } from "../governor/policy.ts";
import { trainingEvent } from "../mqtt/learning-payloads.ts";
import { buttonEvent, GOVERNOR_LEVELS, interactionEvent, PHASES } from "../mqtt/payloads.ts";
import type { Verb } from "../mqtt/requests.ts";
import type { PublishedTopic } from "../mqtt/topics.ts";

/** Platforms of Home Assistant's MQTT integration that the device uses. */
export type Platform =
  | "sensor"
  | "binary_sensor"
  | "button"
  | "event"
  | "update"
  | "switch"
  | "select"
  | "number"
  | "notify";

/** One entity of the device as Home Assistant shows it. */
export interface EntityRow {
  /** Its `unique_id` is `<device id>_<key>`. */
  readonly key: string;
  readonly platform: Platform;
  /** Null: the device's main entity, which takes the device's name. */
  readonly name: string | null;
  readonly state?: PublishedTopic;
  /** Jinja template of Home Assistant; names of the wire. */
  readonly template?: string;
  readonly command?: Verb;
  /** Read-only detail, or something that one sets: hidden from default dashboards and voice assistants. */
  readonly category?: "diagnostic" | "config";
  readonly isOffByDefault?: true;
  /** Left out on a board that cannot measure it. */
  readonly needs?: "input_power";
  /** Options of the platform, as Home Assistant names them. */
  readonly options?: Readonly<Record<string, string | number | readonly string[]>>;
}

const field = (name: string) => `{{ value_json.${name} }}`;
/** A boolean that may be null: `None` is Home Assistant's unknown. */
const onOff = (name: string) =>
  `{{ 'None' if value_json.${name} is none else ('ON' if value_json.${name} else 'OFF') }}`;
const json = (data: object) => JSON.stringify(data);

/** The JSON that the update platform takes; it drops a message with any other key. */
const UPDATE_TEMPLATE =
  "{{ {'installed_version': value_json.installed_version, 'latest_version': value_json.latest_version, " +
  "'in_progress': value_json.in_progress, 'update_percentage': value_json.update_percentage} | to_json }}";

/** Every entity, in the order in which the documentation lists them. */
export const ENTITIES: readonly EntityRow[] = [
  {
    key: "status",
    platform: "sensor",
    name: null,
    state: "state",
    template: field("phase"),
    options: { device_class: "enum", options: PHASES },
  },
  {
    key: "fault",
    platform: "binary_sensor",
    name: "Fault",
    state: "state",
    template: "{{ 'OFF' if value_json.fault is none else 'ON' }}",
    category: "diagnostic",
    options: { device_class: "problem" },
  },
  {
    key: "training_state",
    platform: "sensor",
    name: "Training",
    state: "training",
    template: field("state"),
    options: { device_class: "enum", options: ["idle", ...JOB_STATES] },
  },
  {
    key: "training_progress",
    platform: "sensor",
    name: "Training progress",
    state: "training",
    template: field("progress_pct"),
    options: { unit_of_measurement: "%", state_class: "measurement" },
  },
  {
    key: "training_loss",
    platform: "sensor",
    name: "Training loss",
    state: "training",
    template: field("loss"),
    category: "diagnostic",
    isOffByDefault: true,
    options: { state_class: "measurement", suggested_display_precision: 3 },
  },
  {
    key: "training_eta",
    platform: "sensor",
    name: "Training time left",
    state: "training",
    template: field("eta_s"),
    category: "diagnostic",
    options: { device_class: "duration", unit_of_measurement: "s" },
  },
  { key: "training_start", platform: "button", name: "Train now", command: "training/start", options: press({}) },
  {
    key: "training_cancel",
    platform: "button",
    name: "Cancel training",
    command: "training/cancel",
    category: "config",
    options: press({}),
  },
  {
    key: "training_event",
    platform: "event",
    name: "Training event",
    state: "event/training",
    options: { event_types: trainingEvent.entries.eventType.options },
  },
  {
    key: "adapter",
    platform: "update",
    name: "Personal adapter",
    state: "adapter",
    template: UPDATE_TEMPLATE,
    command: "adapter/activate",
    options: { payload_install: json({}), title: "Personal adapter" },
  },
  {
    key: "adapter_rollback",
    platform: "button",
    name: "Previous adapter",
    command: "adapter/rollback",
    category: "config",
    options: press({}),
  },
  {
    key: "learning_enabled",
    platform: "switch",
    name: "Learning",
    state: "state",
    template: onOff("learning_enabled"),
    command: "learning/set",
    options: toggle("enabled"),
  },
  {
    key: "examples",
    platform: "sensor",
    name: "Stored interactions",
    state: "training",
    template: field("examples"),
    category: "diagnostic",
    options: { state_class: "total" },
  },
  {
    key: "consent_revoke",
    platform: "button",
    name: "Withdraw consent",
    command: "consent/revoke",
    category: "config",
    options: press({ purpose: "all" }),
  },
  {
    key: "feedback_up",
    platform: "button",
    name: "Good answer",
    command: "feedback/submit",
    options: press({ target: "last", rating: 1 }),
  },
  {
    key: "feedback_down",
    platform: "button",
    name: "Bad answer",
    command: "feedback/submit",
    options: press({ target: "last", rating: -1 }),
  },
  {
    key: "forget",
    platform: "button",
    name: "Forget the profile (confirm at the device)",
    command: "profile/forget",
    category: "config",
    isOffByDefault: true,
    options: press({}),
  },
  {
    key: "interaction",
    platform: "event",
    name: "Interaction",
    state: "event/interaction",
    options: { event_types: interactionEvent.entries.eventType.options },
  },
  {
    key: "button",
    platform: "event",
    name: "Button",
    state: "event/button",
    options: { device_class: "button", event_types: buttonEvent.entries.eventType.options },
  },
  {
    key: "soc_temperature",
    platform: "sensor",
    name: "Processor temperature",
    state: "power",
    template: field("soc_temp_c"),
    category: "diagnostic",
    options: { device_class: "temperature", unit_of_measurement: "°C", state_class: "measurement" },
  },
  {
    key: "input_power",
    platform: "sensor",
    name: "Input power",
    state: "power",
    template: field("input_w"),
    needs: "input_power",
    category: "diagnostic",
    options: { device_class: "power", unit_of_measurement: "W", state_class: "measurement" },
  },
  {
    key: "throttled",
    platform: "binary_sensor",
    name: "Slowed by the board",
    state: "power",
    template: onOff("slowed"),
    category: "diagnostic",
    options: { device_class: "heat" },
  },
  {
    key: "governor",
    platform: "sensor",
    name: "Training allowance",
    state: "power",
    template: field("governor"),
    category: "diagnostic",
    options: { device_class: "enum", options: GOVERNOR_LEVELS },
  },
  {
    key: "power_mode",
    platform: "select",
    name: "Training mode",
    state: "power",
    template: field("mode"),
    command: "power/set_mode",
    category: "config",
    options: { options: GOVERNOR_MODES, command_template: "{{ {'mode': value} | to_json }}" },
  },
  {
    key: "power_budget",
    platform: "number",
    name: "Training energy a day",
    state: "power",
    template: field("daily_wh"),
    command: "power/set_budget",
    category: "config",
    options: {
      device_class: "energy",
      unit_of_measurement: "Wh",
      min: 0,
      max: 10_000,
      step: 1,
      mode: "box",
      command_template: "{{ {'daily_wh': value} | to_json }}",
    },
  },
  {
    key: "mic_muted",
    platform: "switch",
    name: "Microphone muted",
    state: "state",
    template: onOff("mic_muted"),
    command: "mic/set",
    options: toggle("muted"),
  },
  {
    key: "say",
    platform: "notify",
    name: "Say",
    command: "say",
    options: { command_template: "{{ {'text': value} | to_json }}" },
  },
  {
    key: "log_level",
    platform: "select",
    name: "Log level",
    state: "info",
    template: field("log_level"),
    command: "options/set",
    category: "config",
    isOffByDefault: true,
    options: { options: LOG_LEVELS, command_template: "{{ {'log_level': value} | to_json }}" },
  },
  {
    key: "restart",
    platform: "button",
    name: "Restart",
    command: "restart",
    category: "config",
    options: { device_class: "restart", ...press({}) },
  },
];

/** A button sends this. */
function press(data: object) {
  return { payload_press: json(data) };
}

/** A switch sends JSON and reads ON and OFF from its template. */
function toggle(name: string) {
  return {
    payload_on: json({ [name]: true }),
    payload_off: json({ [name]: false }),
    state_on: "ON",
    state_off: "OFF",
  };
}
