import { DeviceTopics, PUBLISHED } from "../mqtt/topics.ts";
import { ENTITIES, type EntityRow } from "./entities.ts";

/** What Home Assistant is told about the device besides its entities. */
export interface DiscoveryFacts {
  readonly baseTopic: string;
  /** `[a-z0-9_-]+`; also the object id of the discovery topic. */
  readonly deviceId: string;
  /** "" = asls and the first digits of the id. */
  readonly deviceName: string;
  readonly version: string;
  readonly board: string;
  readonly canMeasureInputPower: boolean;
  /** Address of the device's own page; null = it has none that others can reach. */
  readonly pageUrl: string | null;
}

/** Where the configuration goes, retained. */
export function discoveryTopic(prefix: string, deviceId: string): string {
  return `${prefix}/device/${deviceId}/config`;
}

/** Home Assistant says `online` here when it has started. */
export function birthTopic(prefix: string): string {
  return `${prefix}/status`;
}

/**
 * The device's configuration for Home Assistant's device discovery, with full key names. Pure: the same facts give the
 * same object.
 *
 * @see https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
 */
export function discoveryConfig(facts: DiscoveryFacts): object {
  const { baseTopic, deviceId, deviceName, version, board, pageUrl } = facts;
  const topics = new DeviceTopics(baseTopic, deviceId);
  const shown = ENTITIES.filter(({ needs }) => needs !== "input_power" || facts.canMeasureInputPower);
  return {
    device: {
      identifiers: [deviceId],
      name: deviceName === "" ? `asls ${deviceId.slice(0, 4)}` : deviceName,
      manufacturer: "asls",
      model: "asls voice assistant",
      model_id: board,
      sw_version: version,
      ...(pageUrl !== null && { configuration_url: pageUrl }),
    },
    origin: { name: "asls", sw_version: version },
    availability: [{ topic: topics.of(PUBLISHED.availability.path) }],
    qos: 1,
    components: Object.fromEntries(shown.map((row) => [row.key, component(row, topics, deviceId)])),
  };
}

function component(row: EntityRow, topics: DeviceTopics, deviceId: string): object {
  const { key, platform, name, state, template, command, category, isOffByDefault, options } = row;
  return {
    platform,
    unique_id: `${deviceId}_${key}`,
    name,
    ...(state !== undefined && { state_topic: topics.of(PUBLISHED[state].path) }),
    ...(template !== undefined && { value_template: template }),
    ...(command !== undefined && { command_topic: topics.of(`request/${command}`) }),
    ...(category !== undefined && { entity_category: category }),
    ...(isOffByDefault === true && { enabled_by_default: false }),
    ...options,
    // Not among the options that older versions merge from the root.
    qos: 1,
  };
}
