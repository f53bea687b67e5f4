import type { SherpaVoice } from "./sherpa-voice-folder.ts";

/** To the voice's child process, structured clone over Node's IPC channel. */
export type SherpaRequest =
  | { readonly kind: "open"; readonly voice: SherpaVoice; readonly threads: number }
  | { readonly kind: "speak"; readonly id: number; readonly text: string; readonly speaker: number };

/** From it. `failed` without an id: the voice cannot be opened. Messages hold no text. */
export type SherpaReply =
  | { readonly kind: "opened"; readonly speakers: number }
  | { readonly kind: "spoken"; readonly id: number; readonly samples: Int16Array; readonly sampleRateHz: number }
  | { readonly kind: "failed"; readonly id: number | null; readonly reason: string };
