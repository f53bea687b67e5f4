/**
 * Keeps the neural detector asleep in a quiet room: a frame that is hardly louder than the quietest of late cannot
 * hold speech. Conservative on purpose: steady noise passes closed, anything that rises 3 dB for 100 ms opens it; a knock
 * does not.
 */
export interface LevelGate {
  /** Lowest recent level, sample units; rises slowly, falls at once. */
  readonly floorRms: number;
  /** Frames still passed although quiet. */
  readonly holdFrames: number;
  /** Loud frames of late that were not cancelled out by quiet ones, 0..3. */
  readonly loudFrames: number;
}

/** Opens at this factor over the floor: 3 dB. */
const OPEN_FACTOR = 1.41;
/** The floor follows a rise of the room's noise by 3 dB in 11 s (32 ms frames). */
const FLOOR_RISE = 1.001;
/** So many make a sound that lasts; the receiver must still have them when the gate opens. */
const LASTING_FRAMES = 3;
/** 1 s of quiet closes it. */
const HOLD_FRAMES = 31;
/** Below this no microphone hears speech: -78 dBFS. */
const INAUDIBLE_RMS = 4;

/** Nothing heard so far. */
export const CLOSED_GATE: LevelGate = { floorRms: Number.POSITIVE_INFINITY, holdFrames: 0, loudFrames: 0 };
/** The same, open for 3 s. */
export const OPEN_GATE: LevelGate = { ...CLOSED_GATE, holdFrames: 3 * HOLD_FRAMES };

/**
 * @param rms level of the frame, 0..32768.
 * @returns the next state, and whether the frame must be looked at.
 */
export function levelGate(gate: LevelGate, rms: number): { readonly gate: LevelGate; readonly isOpen: boolean } {
  const isLoud = rms > INAUDIBLE_RMS && rms > gate.floorRms * OPEN_FACTOR;
  const loudFrames = isLoud ? Math.min(LASTING_FRAMES, gate.loudFrames + 1) : Math.max(0, gate.loudFrames - 1);
  const isHeld = gate.holdFrames > 0;
  const renews = isLoud && (isHeld || loudFrames === LASTING_FRAMES);
  const holdFrames = Math.max(renews ? HOLD_FRAMES : 0, gate.holdFrames - 1);
  const floorRms = Math.min(rms, gate.floorRms * FLOOR_RISE);
  return { gate: { floorRms: Math.max(floorRms, 0.1), holdFrames, loudFrames }, isOpen: holdFrames > 0 };
}
