/**
 * Recorder module for node-record-lpcm16 (it loads recorders by path): its own `arecord` recorder leaves the period to
 * ALSA, which then hands over 125 ms at a time; this one asks for one 32 ms frame.
 *
 * @see `man arecord`, --period-time and --buffer-time (µs)
 */
module.exports = (options: { readonly sampleRate: number; readonly channels: number; readonly device: string }) => ({
  cmd: "arecord",
  args: [
    ...["-q", "-D", options.device, "-r", String(options.sampleRate), "-c", String(options.channels)],
    ...["-f", "S16_LE", "-t", "raw", "--period-time=32000", "--buffer-time=256000", "-"],
  ],
});
