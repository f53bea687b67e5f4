import { discoveryConfig } from "../../src/runtime/homeassistant/discovery.ts";

/** docs/examples/homeassistant-discovery.json: what a board with a power meter announces; reviewed when it changes. */
export function discoveryExample(): string {
  const config = discoveryConfig({
    baseTopic: "asls",
    deviceId: "0123456789ab",
    deviceName: "",
    version: "0.1.0",
    board: "rpi5",
    canMeasureInputPower: true,
    pageUrl: null,
  });
  return `${JSON.stringify(config, null, 2)}\n`;
}
