import { AppError } from "../../core/errors.ts";
import { readWavFile, type WavAudio } from "../../core/wav.ts";
import { type ButtonName, SAMPLE_RATE_HZ } from "../../sensors/ports.ts";
import type { DialogService } from "../dialog/dialog-service.ts";
import type { TurnReport } from "../dialog/turn-report.ts";

/** What can be done to a virtual board from outside; a real board has none of it. */
export interface VirtualBoard {
  press(button: ButtonName, holdMs: number): Promise<void>;
  /** Plays audio into the room of the virtual microphone. */
  say(audio: WavAudio): Promise<void>;
  setMicrophonePlugged(isPlugged: boolean): void;
  isLedOn(): boolean;
}

/** @throws AppError E_VIRTUAL_ONLY on a real board. */
export function requireVirtual(board: VirtualBoard | null): VirtualBoard {
  if (board === null) throw new AppError("E_VIRTUAL_ONLY", "this board has real buttons and a real microphone");
  return board;
}

/**
 * One spoken turn from a WAV file: presses talk, plays the file, waits for the answer.
 * @returns null when nothing was understood.
 * @throws AppError E_VIRTUAL_ONLY, E_FILE_UNREADABLE, E_WAV_*, E_ABORTED when the signal fires first.
 */
export async function listenToFile(
  board: VirtualBoard | null,
  dialog: Pick<DialogService, "on">,
  path: string,
  signal: AbortSignal,
): Promise<TurnReport | null> {
  const virtual = requireVirtual(board);
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
    await virtual.press("talk", 80);
    await virtual.say(audio);
    return await outcome;
  } finally {
    for (const stop of unsubscribe) stop();
  }
}
