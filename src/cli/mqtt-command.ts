import { Command } from "commander";
import { mosquittoAcl } from "../runtime/mqtt/acl.ts";
import { readDeviceId } from "../runtime/service/device-id.ts";
import { configOf, interruptSignal, print, withCommonOptions } from "./context.ts";
import { openBrokerSession } from "./mqtt/broker-session.ts";
import { readMessage } from "./mqtt/device-view.ts";
import { discoveryCommand } from "./mqtt/discovery-commands.ts";
import { WatchLines, type WatchOutput, WatchScreen } from "./mqtt/watch-output.ts";

/** `asls mqtt`: look at what goes over MQTT, and what a broker and Home Assistant need to know. */
export function mqttCommand(): Command {
  const acl = new Command("acl").description("access list of the broker").addCommand(aclPrintCommand());
  return new Command("mqtt")
    .description("watch the device's MQTT topics; access list and Home Assistant's discovery")
    .addCommand(watchCommand())
    .addCommand(acl)
    .addCommand(discoveryCommand());
}

interface WatchOptions {
  readonly all?: boolean;
  readonly lines?: boolean;
  readonly json?: boolean;
}

function watchCommand(): Command {
  return withCommonOptions(new Command("watch"))
    .description("show what the device publishes, until Ctrl-C: a live screen on a terminal, lines in a pipe")
    .option("--all", "every device below mqtt.baseTopic; the account must be allowed to read them")
    .option("--lines", "lines on a terminal, too")
    .option("--json", "one JSON object a line: {at, topic, payload, retained}")
    .addHelpText(
      "after",
      "\nExamples:\n  asls mqtt watch\n  asls mqtt watch --lines | grep alert\n" +
        "  asls mqtt watch --json | jq 'select(.topic | endswith(\"/power\")) | .payload.soc_temp_c'\n",
    )
    .action(async (options: WatchOptions, command: Command) => {
      const loaded = await configOf(command);
      const { baseTopic } = loaded.config.mqtt;
      const filter =
        options.all === true
          ? `${baseTopic}/#`
          : `${baseTopic}/${await readDeviceId(loaded.config.paths.stateDir, loaded.board.name)}/#`;
      const signal = interruptSignal();
      const output = options.json === true ? null : watchOutput(options);
      const client = await openBrokerSession(loaded, signal, {
        connected: async (opened) => {
          output?.connection(null);
          await opened.subscribe(filter);
        },
        disconnected: ({ code }) => output?.connection(code),
        received: (received) => {
          const message = readMessage(baseTopic, received);
          if (message === null) return;
          if (output !== null) output.show(message);
          else print(true, { at: new Date().toISOString(), topic: received.topic, ...shown(message) }, () => "");
        },
      });
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      output?.end();
      await client.stop();
    });
}

function shown({ payload, retained }: { readonly payload: unknown; readonly retained: boolean }): object {
  return { payload, retained };
}

function watchOutput({ lines, all }: WatchOptions): WatchOutput {
  const write = (text: string) => process.stdout.write(text);
  if (process.stdout.isTTY !== true || lines === true) return new WatchLines(write, Date.now, all === true);
  return new WatchScreen(write, Date.now, () => ({
    columns: process.stdout.columns,
    rows: process.stdout.rows,
  }));
}

interface AclOptions {
  readonly fleet?: boolean;
  readonly deviceUser: string;
  readonly dashboardUser: string;
  readonly homeAssistantUser: string;
}

function aclPrintCommand(): Command {
  return withCommonOptions(new Command("print"))
    .description("print Mosquitto's acl_file for the device, a dashboard and Home Assistant")
    .option("--fleet", "for a broker of many devices: each logs in with its id as user name")
    .option("--device-user <name>", "account of this device (default: mqtt.username, else asls)", "")
    .option("--dashboard-user <name>", "account of dashboards", "dashboard")
    .option("--home-assistant-user <name>", "account of Home Assistant", "homeassistant")
    .addHelpText(
      "after",
      "\nExamples:\n  asls mqtt acl print > /etc/mosquitto/asls.acl   # then: acl_file /etc/mosquitto/asls.acl\n" +
        "  asls mqtt acl print --fleet\n",
    )
    .action(async (options: AclOptions, command: Command) => {
      const { config, board } = await configOf(command);
      const { baseTopic, discoveryPrefix, username } = config.mqtt;
      const deviceId = options.fleet === true ? null : await readDeviceId(config.paths.stateDir, board.name);
      const users = {
        device: options.deviceUser || username || "asls",
        dashboard: options.dashboardUser,
        homeAssistant: options.homeAssistantUser,
      };
      process.stdout.write(mosquittoAcl({ baseTopic, discoveryPrefix, deviceId }, users));
    });
}
