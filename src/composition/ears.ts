import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { createHearing, openHearingEngines } from "../sensors/hearing.ts";
import type { Listener } from "../sensors/listener.ts";
import { Lpcm16Microphone } from "../sensors/lpcm16-microphone.ts";
import type { Microphone, SpeechToText } from "../sensors/ports.ts";
import { VirtualMicrophone } from "../sensors/virtual-microphone.ts";

/** What hears, as configured. */
export interface EarsMade {
  readonly listener: Listener | null;
  readonly virtualMicrophone: VirtualMicrophone | null;
}

/** No listener without a microphone or without a recogniser. */
export function makeEars(config: AslsConfig, clock: Clock, log: Logger, isVoiceWanted: () => boolean): EarsMade {
  const { microphone: mic, stt, speaker, vad, wake, virtual } = config;
  const { engine } = stt;
  if (mic.kind === "none" || engine === "none") return { listener: null, virtualMicrophone: null };
  const hear = (microphone: Microphone, microphoneSpeed: number) =>
    createHearing(
      { vad, wake, speaker, stt: { ...stt, engine } },
      { isVoiceWanted, microphone, microphoneSpeed, clock, log: log.child({ part: "hearing" }) },
    );
  if (mic.kind === "virtual") {
    const virtualMicrophone = new VirtualMicrophone({ clock, speed: virtual.speed, periodMs: mic.periodMs });
    return { listener: hear(virtualMicrophone, virtual.speed), virtualMicrophone };
  }
  const { device, periodMs, stallMs } = mic;
  return { listener: hear(new Lpcm16Microphone({ device, periodMs, stallMs, clock }), 1), virtualMicrophone: null };
}

/** The configured recogniser without the rest of the ears. @throws AppError E_STT_UNAVAILABLE when there is none, E_STT_*. */
export async function openRecogniser({ stt, vad, wake }: AslsConfig, clock: Clock): Promise<SpeechToText> {
  const { engine } = stt;
  if (engine === "none") throw new AppError("E_STT_UNAVAILABLE", "stt.engine is none");
  const engines = await openHearingEngines(
    { vad, wake: { ...wake, phraseEnabled: false }, speaker: { model: "" }, stt: { ...stt, engine } },
    clock,
  );
  const { name } = engines.stt;
  return { name, begin: () => engines.stt.begin(), [Symbol.asyncDispose]: async () => engines[Symbol.asyncDispose]() };
}
