import { expect, test } from "vitest";
import { isAppError } from "../../src/core/errors.ts";
import type { TextToSpeech } from "../../src/runtime/ports.ts";

const never = new AbortController().signal;

/** What every voice must do. `make` gives a new one that works; the suite disposes of it. */
export function textToSpeechContract(make: () => Promise<TextToSpeech>): void {
  test("says a sentence of six words in 1 to 6 s of audible sound", async () => {
    await using voice = await make();
    const audio = await voice.synthesize("The kitchen lights are on now.", never);
    const lengthS = audio.samples.length / audio.sampleRateHz;
    expect(lengthS).toBeGreaterThan(1);
    expect(lengthS).toBeLessThan(6);
    expect(loudness(audio.samples)).toBeGreaterThan(200);
  });

  test("a longer sentence takes longer to say", async () => {
    await using voice = await make();
    const short = await voice.synthesize("Yes.", never);
    const long = await voice.synthesize("Yes, and tomorrow morning it will rain in the north.", never);
    expect(long.samples.length).toBeGreaterThan(2 * short.samples.length);
  });

  test.each(["", "  ", "...", "🙂"])("has nothing to say for %j", async (text) => {
    await using voice = await make();
    expect((await voice.synthesize(text, never)).samples.length).toBe(0);
  });

  test("says the letters of a text with quotes, shell characters and umlauts", async () => {
    await using voice = await make();
    const audio = await voice.synthesize('It\'s "naïve" & $(cool); -v <b>Zoë</b>', never);
    expect(loudness(audio.samples)).toBeGreaterThan(100);
  });

  test("an aborted call ends with E_ABORTED, and the voice still speaks", async () => {
    await using voice = await make();
    const abort = new AbortController();
    const aborted = voice.synthesize("This sentence is never heard.", abort.signal).catch((error: unknown) => error);
    abort.abort();
    expect(isAppError(await aborted, "E_ABORTED")).toBe(true);
    expect(await voice.synthesize("Too late.", abort.signal).catch((error: unknown) => error)).toMatchObject({
      code: "E_ABORTED",
    });
    expect((await voice.synthesize("Hello.", never)).samples.length).toBeGreaterThan(0);
  });
}

/** Root mean square of the samples. */
function loudness(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}
