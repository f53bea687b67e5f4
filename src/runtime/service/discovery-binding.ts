import type { ServiceParts } from "./service-parts.ts";

/** Announces the device to Home Assistant, anew when it turns out what the board can measure. Returns what stops it. */
export function offerDiscovery(parts: ServiceParts): () => void {
  const { governor, discovery, deviceId, loaded, version } = parts;
  const { baseTopic, deviceName } = loaded.config.mqtt;
  let canMeasureInputPower = false;
  const offer = () =>
    discovery.offer({
      baseTopic,
      deviceId,
      deviceName,
      version,
      board: loaded.board.name,
      canMeasureInputPower,
      pageUrl: null,
    });
  const stop = governor.onStatus(({ sample }) => {
    // Once seen it stays: a probe that fails for a while must not take the entity away.
    if (canMeasureInputPower || sample.readings.inputPower === null) return;
    canMeasureInputPower = true;
    offer();
  });
  offer();
  return () => {
    stop();
    discovery.stop();
  };
}
