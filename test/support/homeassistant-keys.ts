/**
 * Keys that Home Assistant's MQTT integration takes, per platform, and those it requires; for checking what we announce.
 *
 * Source: github.com/home-assistant/core, homeassistant/components/mqtt, read in November 2026: schemas.py (development
 * branch, with `default_entity_id`), config.py a5c82092, event.py 03ffd74c, notify.py 78247e60, button.py 1ecdb9be,
 * sensor.py with `options` (2024.12 and later), number.py, select.py, switch.py and update.py of 2023 and later. Keys that
 * only a newer version may know are left out, so that this table is the stricter one. Discovery removes unknown keys of a
 * component without a word, and refuses a payload with unknown keys at its root, in `device` or in `origin`.
 */
const COMMON = [
  "platform",
  "qos",
  "encoding",
  "name",
  "unique_id",
  "enabled_by_default",
  "entity_category",
  "icon",
  "json_attributes_topic",
  "json_attributes_template",
  "availability",
  "availability_mode",
  "availability_topic",
  "availability_template",
  "payload_available",
  "payload_not_available",
];
const READ = ["state_topic", "value_template"];
const WRITE = ["command_topic", "retain"];

interface PlatformKeys {
  readonly allowed: ReadonlySet<string>;
  readonly required: readonly string[];
}

const keys = (own: readonly string[], required: readonly string[]): PlatformKeys => ({
  allowed: new Set([...COMMON, ...own]),
  required: [...required, "platform", "unique_id"],
});

export const PLATFORM_KEYS: Readonly<Record<string, PlatformKeys>> = {
  sensor: keys(
    [
      ...READ,
      "device_class",
      "expire_after",
      "force_update",
      "last_reset_value_template",
      "options",
      "suggested_display_precision",
      "state_class",
      "unit_of_measurement",
    ],
    ["state_topic"],
  ),
  binary_sensor: keys(
    [...READ, "device_class", "expire_after", "force_update", "off_delay", "payload_on", "payload_off"],
    ["state_topic"],
  ),
  button: keys(["command_topic", "command_template", "device_class", "payload_press", "retain"], ["command_topic"]),
  event: keys([...READ, "device_class", "event_types"], ["state_topic", "event_types"]),
  update: keys(
    [
      ...READ,
      ...WRITE,
      "device_class",
      "entity_picture",
      "latest_version_template",
      "latest_version_topic",
      "payload_install",
      "release_summary",
      "release_url",
      "title",
    ],
    ["state_topic"],
  ),
  switch: keys(
    [...READ, ...WRITE, "device_class", "optimistic", "payload_on", "payload_off", "state_on", "state_off"],
    ["command_topic"],
  ),
  select: keys([...READ, ...WRITE, "command_template", "optimistic", "options"], ["command_topic", "options"]),
  number: keys(
    [
      ...READ,
      ...WRITE,
      "command_template",
      "device_class",
      "max",
      "min",
      "mode",
      "optimistic",
      "payload_reset",
      "step",
      "unit_of_measurement",
    ],
    ["command_topic"],
  ),
  notify: keys(["command_topic", "command_template", "retain"], ["command_topic"]),
};

export const ROOT_KEYS: ReadonlySet<string> = new Set([
  "device",
  "origin",
  "components",
  "state_topic",
  "command_topic",
  "qos",
  "encoding",
  "availability",
  "availability_mode",
  "availability_topic",
  "availability_template",
  "payload_available",
  "payload_not_available",
]);

export const DEVICE_KEYS: ReadonlySet<string> = new Set([
  "identifiers",
  "connections",
  "manufacturer",
  "model",
  "model_id",
  "name",
  "hw_version",
  "serial_number",
  "sw_version",
  "via_device",
  "suggested_area",
  "configuration_url",
]);

export const ORIGIN_KEYS: ReadonlySet<string> = new Set(["name", "sw_version", "support_url"]);

/** The update platform drops a whole message with another key (update.py, MQTT_JSON_UPDATE_SCHEMA). */
export const UPDATE_STATE_KEYS: ReadonlySet<string> = new Set([
  "installed_version",
  "latest_version",
  "title",
  "release_summary",
  "release_url",
  "entity_picture",
  "in_progress",
  "update_percentage",
]);
