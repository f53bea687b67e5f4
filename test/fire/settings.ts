/** No wake phrase, no voice, no broker: they keep nothing, and a start without them is over sooner. */
const SETTINGS: readonly string[] = [
  "wake.phraseEnabled=false",
  "tts.engine=none",
  "mqtt.enabled=false",
  "buttons.holdMs=500",
  "training.quietMs=0",
  "training.graceMs=0",
  "governor.graceMs=0",
  "governor.dwellMs=1000",
  "governor.mode=performance",
];

/** What every service of the fire runs with, and what a phase adds. */
export function fireSettings(settings: readonly string[]): readonly string[] {
  return [...SETTINGS, ...settings];
}
