/** The part of node-record-lpcm16 1.0 that hearing uses; the package ships no declarations. */
declare module "node-record-lpcm16" {
  interface Recording {
    readonly process: import("node:child_process").ChildProcess;
    stream(): import("node:stream").Readable;
  }
  const recorder: {
    record(options: {
      readonly recorder: string;
      readonly device: string;
      readonly sampleRate: number;
      readonly channels: number;
      readonly audioType: "raw";
      /** For our own recorder, which gets all of this. */
      readonly periodMs: number;
    }): Recording;
  };
  export = recorder;
}
