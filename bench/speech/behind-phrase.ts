import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../src/core/clock.ts";
import { EventBus } from "../../src/core/event-bus.ts";
import { Ear } from "../../src/sensors/ear.ts";
import { DEFAULT_ENDPOINT_POLICY } from "../../src/sensors/endpointer.ts";
import type { HearingEngines } from "../../src/sensors/hearing-engines.ts";
import type { ListenerEvents } from "../../src/sensors/listener-events.ts";
import { type AudioFrame, FRAME_SAMPLES } from "../../src/sensors/ports.ts";
import { fliteClip } from "./flite-clip.ts";

const COMMANDS = [
  "turn on the kitchen lights",
  "what time is it",
  "stop",
  "set a timer for ten minutes",
  "are you there",
  "play some music",
  "yes",
  "no",
];
/** Where in a frame the sentence begins is chance in a room; samples of 512. */
const OFFSETS = [0, 128, 256, 384];
const SECOND_OF_FRAMES = 32;

/**
 * How often a command in the same breath as the wake phrase is understood exactly: with and without a pause behind the
 * phrase, by every voice, from four places within a frame. Percent of the sentences.
 */
export async function behindPhrasePct(
  engines: HearingEngines,
  phrase: string,
  voices: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "asls-bench-phrase-"));
  try {
    let exact = 0;
    let asked = 0;
    for (const voice of voices) {
      for (const separator of [", ", " "]) {
        for (const command of COMMANDS) {
          for (const offset of OFFSETS) {
            signal.throwIfAborted();
            const frames = await fliteClip(voice, `${phrase}${separator}${command}`, folder, {
              beforeSamples: SECOND_OF_FRAMES * FRAME_SAMPLES + offset,
              afterFrames: 2 * SECOND_OF_FRAMES,
            });
            asked++;
            if ((await hear(engines, frames)) === command) exact++;
          }
        }
      }
    }
    return (100 * exact) / asked;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What was understood; null when nothing woke it or no words were found. */
async function hear(engines: HearingEngines, frames: readonly AudioFrame[]): Promise<string | null> {
  const events = new EventBus<ListenerEvents>((_, error) => {
    throw error;
  });
  const ear = new Ear({ engines, policy: DEFAULT_ENDPOINT_POLICY, preRollMs: 300, clock: new SystemClock(), events });
  const understood = new Promise<string | null>((resolve) => {
    events.on("transcript", ({ text }) => resolve(text));
    events.on("no_speech", () => resolve(null));
    events.on("stt_failed", () => resolve(null));
  });
  let isDecoding = false;
  events.on("speech_ended", () => {
    isDecoding = true;
  });
  for (const frame of frames) await ear.accept(frame);
  try {
    return isDecoding ? await understood : null;
  } finally {
    ear.close();
  }
}
