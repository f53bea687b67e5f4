import { AppError } from "../../core/errors.ts";
import { readWavFile, type WavAudio } from "../../core/wav.ts";
import { FRAME_SAMPLES, SAMPLE_RATE_HZ, type SpeechToText } from "../../sensors/ports.ts";
import type { TurnReport } from "../dialog/turn-report.ts";
import type { ServiceParts } from "./service-parts.ts";

/** A press that is no hold, ms. */
const CLICK_MS = 80;

/**
 * One spoken turn from a WAV file. On the virtual board it is played into the room after a press of the talk button; on a
 * real one it goes straight to the recogniser, since nobody can play it into the real microphone; it then proves nobody's
 * presence, and gives no consent.
 *
 * @returns null when nothing was understood.
 * @throws AppError E_FILE_UNREADABLE, E_WAV_*, E_STT_*, E_ABORTED when the signal fires first.
 */
export async function listenToFile(
  { dialog, virtual, clock, openRecogniser }: ServiceParts,
  path: string,
  signal: AbortSignal,
): Promise<TurnReport | null> {
  const audio = await readWavFile(path);
  if (audio.sampleRateHz !== SAMPLE_RATE_HZ) {
    // Found out before the button is pressed, or the device would listen to nothing.
    throw new AppError("E_WAV_RATE", `the recording has ${audio.sampleRateHz} Hz, not ${SAMPLE_RATE_HZ}`);
  }
  const unsubscribe: (() => void)[] = [];
  try {
    const outcome = new Promise<TurnReport | null>((resolve, reject) => {
      unsubscribe.push(
        dialog.on("turn", resolve),
        dialog.on("declined", () => resolve(null)),
      );
      signal.addEventListener("abort", () => reject(new AppError("E_ABORTED", "no longer listening")), { once: true });
    });
    // Its rejection is awaited below; playing may take longer.
    outcome.catch(() => {});
    if (virtual !== null) {
      await virtual.press("talk", CLICK_MS);
      await virtual.say(audio);
    } else {
      await using recogniser = await openRecogniser();
      const endOfSpeechMs = clock.monotonicMs();
      await dialog.heard({ text: await transcribe(recogniser, audio), endOfSpeechMs, isAtDevice: false }, "voice");
    }
    return await outcome;
  } finally {
    for (const stop of unsubscribe) stop();
  }
}

async function transcribe(recogniser: SpeechToText, { samples }: WavAudio): Promise<string> {
  const utterance = recogniser.begin();
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
    const frame = new Int16Array(FRAME_SAMPLES);
    frame.set(samples.subarray(at, at + FRAME_SAMPLES));
    utterance.accept(frame);
  }
  return (await utterance.finish()).text;
}
