import convict from "convict";
import { ConfigKey, type ConfigOf, type ConfigTree } from "./config-key.ts";
import { boardSection, pathsSection, virtualSection } from "./sections/board.ts";
import { buttonsSection, ledSection } from "./sections/controls.ts";
import { dashboardSection } from "./sections/dashboard.ts";
import { governorSection } from "./sections/governor.ts";
import { microphoneSection, speakerSection, sttSection, vadSection, wakeSection } from "./sections/hearing.ts";
import { dialogSection, modelSection } from "./sections/language.ts";
import { mqttSection } from "./sections/mqtt.ts";
import { profileSection, signalsSection } from "./sections/profile.ts";
import { logSection, serviceSection } from "./sections/service.ts";
import { outputSection, ttsSection } from "./sections/speaking.ts";
import { trainingSection } from "./sections/training.ts";

/** Every section of the configuration, in the order of docs/configuration.md. */
export const CONFIG_SECTIONS = {
  board: boardSection,
  paths: pathsSection,
  microphone: microphoneSection,
  vad: vadSection,
  wake: wakeSection,
  stt: sttSection,
  speaker: speakerSection,
  tts: ttsSection,
  output: outputSection,
  buttons: buttonsSection,
  led: ledSection,
  model: modelSection,
  dialog: dialogSection,
  profile: profileSection,
  signals: signalsSection,
  training: trainingSection,
  governor: governorSection,
  mqtt: mqttSection,
  dashboard: dashboardSection,
  log: logSection,
  service: serviceSection,
  virtual: virtualSection,
} as const satisfies ConfigTree;

/** The whole configuration as plain data. Pass sections (`config.vad`) to the parts that need them. */
export type AslsConfig = ConfigOf<typeof CONFIG_SECTIONS>;

/** Every key by dotted path, e.g. `vad.trailingSilenceMs`, in document order. */
export const CONFIG_KEYS: ReadonlyMap<string, ConfigKey<unknown>> = new Map(leaves(CONFIG_SECTIONS, ""));

/** Environment variable of a key: `vad.trailingSilenceMs` is `ASLS_VAD_TRAILING_SILENCE_MS`. */
export function envNameOf(path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replaceAll(".", "_");
  return `ASLS_${words.toUpperCase()}`;
}

/**
 * A new convict instance holding every default. It reads neither the environment nor the command line: our layers do,
 * since convict's own conversion takes `12abc` for 12 and `no` for true and cannot say where a value came from.
 */
export function newConvict(): convict.Config<Record<string, unknown>> {
  return convict<Record<string, unknown>>(convictSchema(CONFIG_SECTIONS, ""), { env: {}, args: [] });
}

function convictSchema(tree: ConfigTree, prefix: string): convict.Schema<Record<string, unknown>> {
  const schema: convict.Schema<Record<string, unknown>> = {};
  for (const [name, node] of Object.entries(tree)) {
    const path = prefix + name;
    schema[name] =
      node instanceof ConfigKey
        ? {
            default: node.default,
            doc: node.doc,
            env: envNameOf(path),
            sensitive: node.sensitive,
            nullable: node.accepted(null),
            format: (value: unknown) => {
              if (!node.accepted(value)) throw new Error(`must be ${node.accepts}`);
            },
          }
        : convictSchema(node, `${path}.`);
  }
  return schema;
}

function leaves(tree: ConfigTree, prefix: string): [string, ConfigKey<unknown>][] {
  return Object.entries(tree).flatMap(([name, node]) =>
    node instanceof ConfigKey ? [[prefix + name, node]] : leaves(node, `${prefix}${name}.`),
  );
}
