import { oneOf, path, text, url } from "../config-key.ts";

export const ttsSection = {
  engine: oneOf(["flite", "espeak", "wyoming", "sherpa", "none"], {
    default: "flite",
    doc: "Voice. sherpa needs tts.modelDir, wyoming needs tts.uri; none answers in text only.",
  }),
  voice: text({
    default: "slt",
    pattern: /^[\w.+-]*$/,
    accepts: "name of letters, digits and . _ + -",
    doc: "Voice of the engine: for flite slt, rms, awb or kal16; for espeak a language such as en-gb; for wyoming empty is the server's own.",
  }),
  modelDir: path({ default: "", doc: "Folder of the sherpa voice model." }),
  uri: url(["tcp"], { default: "", doc: "Wyoming text-to-speech server, e.g. tcp://192.0.2.10:10200." }),
};

export const outputSection = {
  kind: oneOf(["aplay", "wav", "none"], {
    default: "aplay",
    doc: "Where speech goes: a loudspeaker by aplay, one WAV file per answer, or nowhere.",
  }),
  device: text({ default: "default", doc: "ALSA playback device, as `aplay -L` lists it." }),
  wavDir: path({ default: "", doc: "Folder of the WAV files. Empty: spoken inside paths.stateDir." }),
};
