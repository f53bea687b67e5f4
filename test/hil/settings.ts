/**
 * What every scenario runs with: looks often, and trains when asked to and not by itself. The wake phrase is off, since
 * listening to it all the time takes more than an emulated processor has.
 */
export const HIL_SETTINGS: readonly string[] = [
  "governor.intervalMs=500",
  "governor.dwellMs=1000",
  "governor.graceMs=0",
  "training.microUpdates=false",
  "training.quietMs=86400000",
  "training.minInteractions=5",
  "training.graceMs=0",
  "model.maxAnswerTokens=16",
  "wake.phraseEnabled=false",
];
