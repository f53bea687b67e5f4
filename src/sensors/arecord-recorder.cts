/**
 * Recorder module for node-record-lpcm16 (it loads recorders by path): its own `arecord` recorder leaves the period to
 * ALSA, which then hands over 125 ms at a time or what the device likes; this one asks for what is configured, and for
 * a buffer that holds audio while the board is busy.
 *
 * @see `man arecord`, --period-time and --buffer-time (µs)
 */
interface RecorderOptions {
  readonly sampleRate: number;
  readonly channels: number;
  readonly device: string;
  readonly periodMs: number;
}

/** Periods in the sound card's buffer. */
const BUFFER_PERIODS = 8;

module.exports = (options: RecorderOptions) => ({
  cmd: "arecord",
  args: [
    ...["-q", "-D", options.device, "-r", String(options.sampleRate), "-c", String(options.channels)],
    ...["-f", "S16_LE", "-t", "raw", `--period-time=${options.periodMs * 1000}`],
    ...[`--buffer-time=${options.periodMs * 1000 * BUFFER_PERIODS}`, "-"],
  ],
});
