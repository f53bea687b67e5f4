/** The part of sherpa-onnx-node 1.13 that hearing uses; the package ships JSDoc but no declarations. */
declare module "sherpa-onnx-node" {
  interface SileroVadConfig {
    readonly sileroVad: {
      readonly model: string;
      readonly threshold: number;
      /** Seconds, like the two below. */
      readonly minSpeechDuration: number;
      readonly minSilenceDuration: number;
      readonly maxSpeechDuration: number;
      readonly windowSize: number;
    };
    readonly sampleRate: number;
    readonly numThreads: number;
    readonly provider: string;
    readonly debug: boolean;
  }

  interface Waveform {
    /** In [-1, 1]. */
    readonly samples: Float32Array;
    readonly sampleRate: number;
  }

  interface RecognizerConfig {
    readonly featConfig: { readonly sampleRate: number; readonly featureDim: number };
    readonly modelConfig: Readonly<Record<string, string | number | boolean | Readonly<Record<string, string>>>>;
    readonly decodingMethod: string;
  }

  interface Vad {
    acceptWaveform(samples: Float32Array): void;
    isEmpty(): boolean;
    isDetected(): boolean;
    pop(): void;
    reset(): void;
  }

  interface OfflineStream {
    acceptWaveform(audio: Waveform): void;
  }

  interface OfflineRecognizer {
    createStream(): OfflineStream;
    decode(stream: OfflineStream): void;
    getResult(stream: OfflineStream): { readonly text: string };
  }

  interface OnlineStream {
    acceptWaveform(audio: Waveform): void;
    inputFinished(): void;
  }

  interface OnlineRecognizer {
    createStream(): OnlineStream;
    isReady(stream: OnlineStream): boolean;
    decode(stream: OnlineStream): void;
    getResult(stream: OnlineStream): { readonly text: string };
  }

  interface SpeakerEmbeddingExtractor {
    readonly dim: number;
    createStream(): OnlineStream;
    isReady(stream: OnlineStream): boolean;
    compute(stream: OnlineStream, enableExternalBuffer: boolean): Float32Array;
  }

  const sherpa: {
    readonly Vad: new (config: SileroVadConfig, bufferSizeInSeconds: number) => Vad;
    readonly OfflineRecognizer: new (config: RecognizerConfig) => OfflineRecognizer;
    readonly SpeakerEmbeddingExtractor: new (config: {
      readonly model: string;
      readonly numThreads: number;
      readonly provider: string;
      readonly debug: boolean;
    }) => SpeakerEmbeddingExtractor;
    readonly OnlineRecognizer: new (config: RecognizerConfig) => OnlineRecognizer;
  };

  export = sherpa;
}
