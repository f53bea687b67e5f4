import koffi from "koffi";
import { AppError } from "../core/errors.ts";
import type { Transcript } from "./ports.ts";

/** Debian 12 and 13 both ship 5prealpha under these names; 5.0 has another API and another number. */
const LIBRARY = "libpocketsphinx.so.3";
const BASE_LIBRARY = "libsphinxbase.so.3";
/** Feature frames of the acoustic model, `-frate`. */
const FEATURE_FRAME_MS = 10;

/** Coefficients of a feature frame; every model of this release has 13. */
const CEPSTRA = 13;
/** Offsets in `struct feat_s` of sphinxbase 5prealpha on 64-bit systems: `int32 cepsize`, `cmn_t *cmn_struct`. */
const FEAT_CEPSIZE_OFFSET = 16;
const FEAT_CMN_OFFSET = 88;

type Pointer = bigint | object | null;

interface Functions {
  readonly ps_args: () => Pointer;
  readonly cmd_ln_init: (inout: null, definitions: Pointer, strict: number, ...args: (string | null)[]) => Pointer;
  readonly cmd_ln_free_r: (config: Pointer) => number;
  readonly ps_init: (config: Pointer) => Pointer;
  readonly ps_free: (decoder: Pointer) => number;
  readonly ps_add_word: (decoder: Pointer, word: string, phones: string, update: number) => number;
  readonly ps_set_keyphrase: (decoder: Pointer, name: string, keyphrase: string) => number;
  readonly ps_set_search: (decoder: Pointer, name: string) => number;
  readonly ps_start_utt: (decoder: Pointer) => number;
  readonly ps_process_raw: (
    decoder: Pointer,
    samples: Int16Array,
    count: number,
    noSearch: number,
    full: number,
  ) => number;
  readonly ps_end_utt: (decoder: Pointer) => number;
  readonly ps_get_hyp: (decoder: Pointer, score: number[]) => string | null;
  readonly ps_get_prob: (decoder: Pointer) => number;
  readonly ps_get_logmath: (decoder: Pointer) => Pointer;
  readonly logmath_exp: (logmath: Pointer, value: number) => number;
  readonly ps_start_stream: (decoder: Pointer) => number;
  readonly ps_get_feat: (decoder: Pointer) => Pointer;
  readonly cmn_live_get: (cmn: Pointer, mean: Float32Array) => void;
  readonly cmn_live_set: (cmn: Pointer, mean: Float32Array) => void;
  readonly ps_seg_iter: (decoder: Pointer) => Pointer;
  readonly ps_seg_next: (segment: Pointer) => Pointer;
  readonly ps_seg_frames: (segment: Pointer, start: number[], end: number[]) => void;
}

let functions: Functions | null = null;

/** @throws AppError E_STT_UNAVAILABLE when the library is not installed. */
function load(): Functions {
  if (functions !== null) return functions;
  try {
    const sphinx = koffi.load(LIBRARY);
    const base = koffi.load(BASE_LIBRARY);
    functions = {
      ps_args: sphinx.func("void *ps_args()"),
      cmd_ln_init: variadicStrings(base.func("void *cmd_ln_init(void *, void *, int, ...)")),
      cmd_ln_free_r: base.func("int cmd_ln_free_r(void *)"),
      ps_init: sphinx.func("void *ps_init(void *)"),
      ps_free: sphinx.func("int ps_free(void *)"),
      ps_add_word: sphinx.func("int ps_add_word(void *, const char *, const char *, int)"),
      ps_set_keyphrase: sphinx.func("int ps_set_keyphrase(void *, const char *, const char *)"),
      ps_set_search: sphinx.func("int ps_set_search(void *, const char *)"),
      ps_start_utt: sphinx.func("int ps_start_utt(void *)"),
      ps_process_raw: sphinx.func("int ps_process_raw(void *, const int16_t *, size_t, int, int)"),
      ps_end_utt: sphinx.func("int ps_end_utt(void *)"),
      ps_get_hyp: sphinx.func("const char *ps_get_hyp(void *, _Out_ int32_t *)"),
      ps_get_prob: sphinx.func("int32_t ps_get_prob(void *)"),
      ps_get_logmath: sphinx.func("void *ps_get_logmath(void *)"),
      logmath_exp: base.func("double logmath_exp(void *, int)"),
      ps_start_stream: sphinx.func("int ps_start_stream(void *)"),
      ps_get_feat: sphinx.func("void *ps_get_feat(void *)"),
      cmn_live_get: base.func("void cmn_live_get(void *, _Out_ float *)"),
      cmn_live_set: base.func("void cmn_live_set(void *, const float *)"),
      ps_seg_iter: sphinx.func("void *ps_seg_iter(void *)"),
      ps_seg_next: sphinx.func("void *ps_seg_next(void *)"),
      ps_seg_frames: sphinx.func("void ps_seg_frames(void *, _Out_ int *, _Out_ int *)"),
    };
    return functions;
  } catch (error) {
    throw new AppError("E_STT_UNAVAILABLE", `${LIBRARY} could not be loaded`, { cause: error });
  }
}

/** koffi wants the type before each variadic value. */
function variadicStrings(
  native: (...args: unknown[]) => Pointer,
): (inout: null, definitions: Pointer, strict: number, ...args: (string | null)[]) => Pointer {
  return (inout, definitions, strict, ...args) =>
    native(inout, definitions, strict, ...args.flatMap((value) => ["str", value]));
}

/**
 * One libpocketsphinx decoder. Every call computes on the calling thread: use it in a worker only.
 *
 * Utterance: `start`, any number of `process`, `end`, then `result`. Owned by the caller: `close` frees it.
 */
export class PocketsphinxDecoder {
  readonly #lib: Functions;
  #config: Pointer;
  #decoder: Pointer;

  /**
   * @param options command line options of `pocketsphinx_continuous`, e.g. `{"-hmm": "/usr/share/..."}`.
   * @throws AppError E_STT_UNAVAILABLE (library missing, or it refuses these files).
   */
  constructor(options: Readonly<Record<string, string>>) {
    this.#lib = load();
    const args = Object.entries({ "-logfn": "/dev/null", ...options }).flat();
    this.#config = this.#lib.cmd_ln_init(null, this.#lib.ps_args(), 1, ...args, null);
    if (this.#config === null) throw new AppError("E_STT_UNAVAILABLE", "pocketsphinx refuses its options");
    this.#decoder = this.#lib.ps_init(this.#config);
    if (this.#decoder === null) {
      this.close();
      throw new AppError(
        "E_STT_UNAVAILABLE",
        "pocketsphinx cannot read its acoustic model, dictionary or language model",
      );
    }
  }

  /** Adds a pronunciation; takes part once a search is set or the language model is reloaded. */
  addWord(word: string, phones: string): void {
    if (this.#lib.ps_add_word(this.#decoder, word, phones, 0) < 0) {
      throw new AppError("E_STT_UNAVAILABLE", "pocketsphinx refuses a pronunciation of the dictionary");
    }
  }

  /** Searches for one phrase instead of decoding everything. Every word must have been added. */
  searchKeyphrase(phrase: string): void {
    if (
      this.#lib.ps_set_keyphrase(this.#decoder, "wake", phrase) < 0 ||
      this.#lib.ps_set_search(this.#decoder, "wake") < 0
    ) {
      throw new AppError("E_WAKE_PHRASE", "pocketsphinx refuses the wake phrase");
    }
  }

  /** Segment times count from here, and the noise estimate starts afresh; before `start`. */
  startStream(): void {
    this.#check(this.#lib.ps_start_stream(this.#decoder), "start a stream");
  }

  start(): void {
    this.#check(this.#lib.ps_start_utt(this.#decoder), "start an utterance");
  }

  process(samples: Int16Array): void {
    this.#check(this.#lib.ps_process_raw(this.#decoder, samples, samples.length, 0, 0), "decode audio");
  }

  end(): void {
    this.#check(this.#lib.ps_end_utt(this.#decoder), "end an utterance");
  }

  /**
   * Best hypothesis so far; null when nothing was recognised. Confidence is the posterior of the word graph, `score` the
   * log likelihood of audio and words together: two decoders that heard the same audio can be compared by it.
   */
  result(): (Transcript & { readonly score: number }) | null {
    const score = [0];
    const text = this.#lib.ps_get_hyp(this.#decoder, score);
    if (text === null) return null;
    const posterior = this.#lib.logmath_exp(
      this.#lib.ps_get_logmath(this.#decoder),
      this.#lib.ps_get_prob(this.#decoder),
    );
    return { text, confidence: Math.min(1, Math.max(0, posterior)), score: score[0] ?? 0 };
  }

  /** End of the last recognised segment, ms of audio since `startStream`; null when nothing was recognised. */
  lastSegmentEndMs(): number | null {
    let end: number | null = null;
    for (let segment = this.#lib.ps_seg_iter(this.#decoder); segment !== null; ) {
      const [first, last] = [[0], [0]];
      this.#lib.ps_seg_frames(segment, first, last);
      end = last[0] ?? null;
      segment = this.#lib.ps_seg_next(segment); // frees the iterator at the end
    }
    return end === null ? null : (end + 1) * FEATURE_FRAME_MS;
  }

  /**
   * The running mean that is subtracted from the features: what the decoder believes of microphone and room. Carried
   * from one utterance to the next; null when this build keeps none where it is expected.
   */
  channelMean(): Float32Array | null {
    const cmn = this.#cepstralMean();
    if (cmn === null) return null;
    const mean = new Float32Array(CEPSTRA);
    this.#lib.cmn_live_get(cmn, mean);
    return mean;
  }

  /** Goes back to an earlier {@link channelMean}; between utterances. */
  restoreChannelMean(mean: Float32Array): void {
    const cmn = this.#cepstralMean();
    if (cmn !== null) this.#lib.cmn_live_set(cmn, mean);
  }

  #cepstralMean(): Pointer {
    const feat = this.#lib.ps_get_feat(this.#decoder);
    if (feat === null || koffi.decode(feat, FEAT_CEPSIZE_OFFSET, "int32_t") !== CEPSTRA) return null;
    return koffi.decode(feat, FEAT_CMN_OFFSET, "void *");
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#decoder !== null) this.#lib.ps_free(this.#decoder);
    if (this.#config !== null) this.#lib.cmd_ln_free_r(this.#config);
    this.#decoder = null;
    this.#config = null;
  }

  #check(status: number, what: string): void {
    if (status < 0) throw new AppError("E_STT_FAILED", `pocketsphinx could not ${what}`);
  }
}
