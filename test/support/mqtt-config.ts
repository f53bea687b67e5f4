import { type AslsConfig, CONFIG_KEYS, newConvict } from "../../src/runtime/config/schema.ts";

/** The product's defaults of the mqtt section with some values changed; every changed value must be a valid one. */
export function mqttConfig(changes: Partial<AslsConfig["mqtt"]> = {}): AslsConfig["mqtt"] {
  for (const [name, value] of Object.entries(changes)) {
    if (CONFIG_KEYS.get(`mqtt.${name}`)?.accepted(value) !== true) throw new Error(`mqtt.${name} is not valid`);
  }
  const defaults = newConvict().getProperties() as AslsConfig;
  return { ...defaults.mqtt, ...changes };
}
