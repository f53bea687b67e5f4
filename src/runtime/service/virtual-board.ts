import { AppError } from "../../core/errors.ts";
import type { WavAudio } from "../../core/wav.ts";
import type { ButtonName } from "../../sensors/ports.ts";

/** What can be done to a virtual board from outside; a real board has none of it. */
export interface VirtualBoard {
  press(button: ButtonName, holdMs: number): Promise<void>;
  /** Plays audio into the room of the virtual microphone. */
  say(audio: WavAudio): Promise<void>;
  setMicrophonePlugged(isPlugged: boolean): void;
  isLedOn(): boolean;
  /** Lets idle time pass fast; at real speed during a turn and while a job trains. @throws AppError E_REQUEST_BUSY, E_ABORTED. */
  skipTime(ms: number, signal: AbortSignal): Promise<void>;
  /** Sets the wall clock by that much, forward or back. */
  jumpClock(byMs: number): void;
}

/** @throws AppError E_VIRTUAL_ONLY on a real board. */
export function requireVirtual(board: VirtualBoard | null): VirtualBoard {
  if (board === null) throw new AppError("E_VIRTUAL_ONLY", "this board has real buttons and a real microphone");
  return board;
}
