/**
 * Keeps the neural detector asleep in a quiet room: a frame that is hardly louder than the quietest of late cannot
 * hold speech. Conservative on purpose: steady noise passes closed, anything that rises 3 dB opens it.
 */
export interface LevelGate {
  /** Lowest recent level, sample units; rises slowly, falls at once. */
  readonly floorRms: number;
  /** Frames still passed although quiet. */
  readonly holdFrames: number;
}

/** Opens at once at this factor over the floor: 3 dB. */
const OPEN_FACTOR = 1.41;
/** The floor follows a rise of the room's noise by 3 dB in 11 s (32 ms frames). */
const FLOOR_RISE = 1.001;
/** 1 s of quiet closes it. */
const HOLD_FRAMES = 31;
/** Below this no microphone hears speech: -78 dBFS. */
const INAUDIBLE_RMS = 4;

/** Open, until the room has been heard. */
export const OPEN_GATE: LevelGate = { floorRms: Number.POSITIVE_INFINITY, holdFrames: 3 * HOLD_FRAMES };

/**
 * @param rms level of the frame, 0..32768.
 * @returns the next state, and whether the frame must be looked at.
 */
export function levelGate(gate: LevelGate, rms: number): { readonly gate: LevelGate; readonly isOpen: boolean } {
  const isLoud = rms > INAUDIBLE_RMS && rms > gate.floorRms * OPEN_FACTOR;
  const holdFrames = isLoud ? Math.max(HOLD_FRAMES, gate.holdFrames - 1) : Math.max(0, gate.holdFrames - 1);
  const floorRms = Math.min(rms, gate.floorRms * FLOOR_RISE);
  return { gate: { floorRms: Math.max(floorRms, 0.1), holdFrames }, isOpen: isLoud || holdFrames > 0 };
}
