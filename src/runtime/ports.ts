/** PCM to be played. Mono, signed 16-bit. */
export interface PcmAudio {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

export interface TextToSpeech extends AsyncDisposable {
  readonly name: string;
  /**
   * Speech for one sentence. Text is passed by stdin or memory, never on a command line that `ps` shows.
   * @throws AppError E_TTS_UNAVAILABLE (engine missing), E_TTS_FAILED, E_ABORTED.
   */
  synthesize(text: string, signal: AbortSignal): Promise<PcmAudio>;
}

export interface AudioOutput {
  readonly name: string;
  /**
   * Plays to the end, or stops within 200 ms of the signal (resolving with `stopped`).
   * @throws AppError E_AUDIO_OUTPUT_UNAVAILABLE.
   */
  play(audio: PcmAudio, signal: AbortSignal): Promise<"played" | "stopped">;
  /**
   * What was played since the last call was one utterance. An output that records closes its file and returns its path.
   * @returns null when nothing is kept.
   */
  endUtterance(): Promise<string | null>;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface GenerateRequest {
  /** Oldest first; the last one is the user's. The longest unchanged prefix of the previous call is not evaluated again. */
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  /** 0 = greedy. */
  readonly temperature: number;
  readonly seed: number | null;
  /** Phrases of remembered exchanges that this answer may take up; none by default. */
  readonly phrases?: AllowedPhrases;
  /** Called per decoded piece of text, in order. */
  onText(text: string): void;
}

/** What an answer may take phrases from. */
export interface AllowedPhrases {
  /** Ids of exchanges. Phrases are used only when everything that was given to `remember` is among them. */
  readonly of: ReadonlySet<string>;
  /** Those of the present conversation, oldest first: what was said now counts for more. */
  readonly conversation: readonly string[];
}

/** A past exchange whose phrases may come up again. User text. */
export interface RememberedExchange {
  readonly id: string;
  readonly input: string;
  /** What stands as the answer; null when there is none to repeat. */
  readonly answer: string | null;
}

export interface GenerateResult {
  readonly text: string;
  readonly stopReason: "end" | "max_tokens" | "aborted";
  readonly promptTokens: number;
  /** Tokens of the prompt that were taken from the KV cache. */
  readonly reusedTokens: number;
  readonly generatedTokens: number;
  /** Oldest messages (after the system message) left out so that the context holds prompt and answer. */
  readonly droppedMessages: number;
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

export interface ModelInfo {
  readonly name: string;
  readonly architecture: string;
  readonly quantisation: string;
  readonly sha256: string;
  readonly contextTokens: number;
  readonly trainedContextTokens: number;
  readonly parameters: number;
}

/** A LoRA adapter file; content-addressed, since node-llama-cpp caches adapters by path. */
export interface AdapterFile {
  readonly path: string;
  readonly scale: number;
}

export interface LanguageModel extends AsyncDisposable {
  readonly info: ModelInfo;
  /**
   * One at a time; a second call waits. Stops within one token of the signal (stopReason `aborted`).
   * @throws AppError E_INPUT_TOO_LONG (the last message alone does not fit), E_GENERATION_FAILED, E_ABORTED (closed).
   */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<GenerateResult>;
  countTokens(text: string): number;
  /** What `generate` may take phrases from, oldest first; replaces what was given before. */
  remember(exchanges: readonly RememberedExchange[]): Promise<void>;
  /**
   * Uses these adapters from the next `generate` on: new context first, then the old one is disposed of. A running
   * `generate` finishes on the old one.
   * @throws AppError E_ADAPTER_INVALID, E_ADAPTER_MISMATCH (of another base); the adapters in use stay.
   */
  useAdapters(adapters: readonly AdapterFile[]): Promise<void>;
}
