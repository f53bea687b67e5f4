import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { createHearing } from "../sensors/hearing.ts";
import type { Listener } from "../sensors/listener.ts";
import { Lpcm16Microphone } from "../sensors/lpcm16-microphone.ts";
import type { Microphone } from "../sensors/ports.ts";
import { VirtualMicrophone } from "../sensors/virtual-microphone.ts";

/** What hears, as configured. */
export interface EarsMade {
  readonly listener: Listener | null;
  readonly virtualMicrophone: VirtualMicrophone | null;
}

/** No listener without a microphone or without a recogniser. */
export function makeEars(config: AslsConfig, clock: Clock, log: Logger): EarsMade {
  const { microphone: mic, stt, vad, wake, virtual } = config;
  const { engine } = stt;
  if (mic.kind === "none" || engine === "none") return { listener: null, virtualMicrophone: null };
  const hear = (microphone: Microphone, microphoneSpeed: number) =>
    createHearing(
      { vad, wake, stt: { ...stt, engine } },
      { microphone, microphoneSpeed, clock, log: log.child({ part: "hearing" }) },
    );
  if (mic.kind === "virtual") {
    const virtualMicrophone = new VirtualMicrophone({ clock, speed: virtual.speed });
    return { listener: hear(virtualMicrophone, virtual.speed), virtualMicrophone };
  }
  const { device, stallMs } = mic;
  return { listener: hear(new Lpcm16Microphone({ device, stallMs, clock }), 1), virtualMicrophone: null };
}
