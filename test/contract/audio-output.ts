import { expect, test } from "vitest";
import type { AudioOutput, PcmAudio } from "../../src/runtime/ports.ts";

export const CONTRACT_RATE_HZ = 16_000;

/** A loudspeaker with somebody who hears it. */
export interface AudioOutputRig extends AsyncDisposable {
  readonly output: AudioOutput;
  /** Lets about `ms` of sound come out, if there is as much. */
  letPlay(ms: number): Promise<void>;
  /** Lets everything come out that still will; then the sound heard since the start, ms. */
  totalHeardMs(): Promise<number>;
  /** Sound that may still come out after a stop (pipes and buffers of the rig), ms. */
  readonly slackMs: number;
  /** Silence that may follow a sound to fill the device's last period, ms. */
  readonly paddingMs: number;
}

function tone(lengthMs: number): PcmAudio {
  const samples = new Int16Array((CONTRACT_RATE_HZ * lengthMs) / 1000);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.sin((2 * Math.PI * 440 * i) / CONTRACT_RATE_HZ) * 8000;
  return { samples, sampleRateHz: CONTRACT_RATE_HZ };
}

/** What every output must do. */
export function audioOutputContract(make: () => Promise<AudioOutputRig>): void {
  test("plays 300 ms of sound to its end", async () => {
    await using rig = await make();
    const outcome = rig.output.play(tone(300), new AbortController().signal);
    await rig.letPlay(300);
    expect(await outcome).toBe("played");
    await rig.output.endUtterance();
    const heardMs = await rig.totalHeardMs();
    expect(heardMs).toBeGreaterThanOrEqual(300);
    expect(heardMs).toBeLessThanOrEqual(300 + rig.paddingMs);
  });

  test("plays nothing when the signal has already fired", async () => {
    await using rig = await make();
    expect(await rig.output.play(tone(300), AbortSignal.abort())).toBe("stopped");
    await rig.output.endUtterance();
    expect(await rig.totalHeardMs()).toBe(0);
  });

  test("a signal after 2 s of a minute stops it there", async () => {
    await using rig = await make();
    const abort = new AbortController();
    const outcome = rig.output.play(tone(60_000), abort.signal);
    await rig.letPlay(2000);
    abort.abort();
    expect(await outcome).toBe("stopped");
    await rig.output.endUtterance();
    const heardMs = await rig.totalHeardMs();
    expect(heardMs).toBeGreaterThanOrEqual(2000);
    expect(heardMs).toBeLessThanOrEqual(2000 + rig.slackMs);
  });

  test("plays again after it was stopped", async () => {
    await using rig = await make();
    expect(await rig.output.play(tone(300), AbortSignal.abort())).toBe("stopped");
    const outcome = rig.output.play(tone(200), new AbortController().signal);
    await rig.letPlay(200);
    expect(await outcome).toBe("played");
  });

  test("silence of no length is played at once", async () => {
    await using rig = await make();
    const outcome = rig.output.play(tone(0), new AbortController().signal);
    await rig.letPlay(0);
    expect(await outcome).toBe("played");
    expect(await rig.output.endUtterance()).toBeNull();
  });
}
