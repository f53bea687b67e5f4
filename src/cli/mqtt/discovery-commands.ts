import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { packageRoot } from "../../core/built-file.ts";
import { ERROR_CODES, isEnoent } from "../../core/errors.ts";
import type { LoadedConfig } from "../../runtime/config/load-config.ts";
import { discoveryConfig, discoveryTopic } from "../../runtime/homeassistant/discovery.ts";
import { DeviceTopics, PUBLISHED } from "../../runtime/mqtt/topics.ts";
import { readDeviceId } from "../../runtime/service/device-id.ts";
import { PROFILE_TOPICS_FILE, readPublishedProfiles } from "../../runtime/service/published-profiles.ts";
import { configOf, interruptSignal, print, withCommonOptions } from "../context.ts";
import { isBrokerGone, openBrokerSession } from "./broker-session.ts";

/** `asls mqtt discovery`: what Home Assistant is told, and taking it back. */
export function discoveryCommand(): Command {
  return new Command("discovery")
    .description("what the device announces to Home Assistant")
    .addCommand(printCommand())
    .addCommand(clearCommand());
}

interface PrintOptions {
  readonly json?: boolean;
  readonly inputPower?: boolean;
}

function printCommand(): Command {
  return withCommonOptions(new Command("print"))
    .description("print the announcement of this device; nothing is published")
    .option("--input-power", "with the entity of boards that measure their input power")
    .option("--json", "one line: {topic, payload}")
    .addHelpText("after", "\nExamples:\n  asls mqtt discovery print\n  asls mqtt discovery print --json | jq .topic\n")
    .action(async (options: PrintOptions, command: Command) => {
      const loaded = await configOf(command);
      const { config, board } = loaded;
      const { version } = JSON.parse(await readFile(`${packageRoot}package.json`, "utf8")) as { version: string };
      const deviceId = await deviceIdOf(loaded);
      const topic = discoveryTopic(config.mqtt.discoveryPrefix, deviceId);
      const payload = discoveryConfig({
        baseTopic: config.mqtt.baseTopic,
        deviceId,
        deviceName: config.mqtt.deviceName,
        version,
        board: board.name,
        canMeasureInputPower: options.inputPower === true,
        pageUrl: null,
      });
      print(options.json, { topic, payload }, () => `${topic}\n${JSON.stringify(payload, null, 2)}`);
    });
}

interface ClearOptions {
  readonly json?: boolean;
  readonly all?: boolean;
}

function clearCommand(): Command {
  return withCommonOptions(new Command("clear"))
    .description("delete the announcement at the broker, so that Home Assistant forgets the device")
    .option("--all", "everything else that the device keeps at the broker, too, as when it is removed for good")
    .option("--json", "one line: {cleared}")
    .addHelpText(
      "after",
      "\nExamples:\n  asls mqtt discovery clear            # set mqtt.discovery to false, too, or the next start announces it again\n" +
        "  asls mqtt discovery clear --all      # when the package is purged, with the service stopped\n",
    )
    .action(async (options: ClearOptions, command: Command) => {
      const loaded = await configOf(command);
      const cleared = await clear(loaded, options.all === true);
      print(options.json, { cleared }, () => `deleted ${cleared} retained ${cleared === 1 ? "topic" : "topics"}`);
    });
}

/** @returns number of topics that the broker confirmed to have deleted. @throws AppError E_MQTT_*. */
async function clear(loaded: LoadedConfig, withTree: boolean): Promise<number> {
  const topics = await topicsToClear(loaded, withTree);
  try {
    const client = await openBrokerSession(loaded, interruptSignal());
    try {
      for (const topic of topics) await client.publish(topic, "", { qos: 1, retain: true });
    } finally {
      await client.stop();
    }
    return topics.length;
  } catch (error) {
    // The broker inside the service keeps nothing without it.
    if (isBrokerGone(error)) return 0;
    throw error;
  }
}

async function topicsToClear(loaded: LoadedConfig, withTree: boolean): Promise<string[]> {
  const { mqtt, paths } = loaded.config;
  const deviceId = await deviceIdOf(loaded);
  const announcement = discoveryTopic(mqtt.discoveryPrefix, deviceId);
  if (!withTree) return [announcement];
  const topics = new DeviceTopics(mqtt.baseTopic, deviceId);
  const fixed = Object.values(PUBLISHED).filter(({ path, retained }) => retained && !path.includes("<"));
  return [
    announcement,
    ...fixed.map(({ path }) => topics.of(path)),
    ...Object.keys(ERROR_CODES).map((code) => topics.alert(code)),
    ...(await profilesAt(paths.stateDir)).map((id) => topics.profile(id)),
  ];
}

async function profilesAt(stateDir: string): Promise<readonly string[]> {
  try {
    return await readPublishedProfiles(join(stateDir, PROFILE_TOPICS_FILE));
  } catch (error) {
    if (isEnoent(error)) return [];
    throw error;
  }
}

function deviceIdOf({ config, board }: LoadedConfig): Promise<string> {
  return readDeviceId(config.paths.stateDir, board.name);
}
