import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import type { Clock } from "../../core/clock.ts";
import { AppError, isEnoent } from "../../core/errors.ts";
import type { AudioOutput, PcmAudio } from "../ports.ts";

/** Fed in pieces of this length, so that a stop has little left to drop, ms. */
const CHUNK_MS = 50;
/** What ALSA may hold of it, microseconds; small for the same reason, large enough for a busy board. */
const BUFFER_US = 200_000;
/** aplay may take this much longer than the audio before it counts as hung (an unplugged USB device), ms. */
const HANG_MS = 5_000;
const MAX_DIAGNOSTIC_CHARS = 500;

export interface AplayOutputOptions {
  /** ALSA device as `aplay -L` lists it, e.g. default, plughw:1,0. */
  readonly device: string;
  readonly clock: Clock;
  /** Default `aplay`, found on the PATH. */
  readonly command?: string;
}

/** A loudspeaker through ALSA's aplay, one process per sentence. A stop kills it, which empties the card's buffer. */
export class AplayOutput implements AudioOutput {
  readonly name: string;
  readonly #options: Required<AplayOutputOptions>;

  constructor(options: AplayOutputOptions) {
    this.#options = { command: "aplay", ...options };
    this.name = `aplay ${options.device}`;
  }

  async play(audio: PcmAudio, signal: AbortSignal): Promise<"played" | "stopped"> {
    if (signal.aborted) return "stopped";
    if (audio.samples.length === 0) return "played";
    const { command, device, clock } = this.#options;
    const format = ["-t", "raw", "-f", "S16_LE", "-c", "1", "-r", String(audio.sampleRateHz)];
    const child = spawn(command, ["-q", "-D", device, ...format, `--buffer-time=${BUFFER_US}`, "-"], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    const ended = endOf(child);
    const stop = () => child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    let isHung = false;
    const lengthMs = (audio.samples.length / audio.sampleRateHz) * 1000;
    const cancelDeadline = clock.after(lengthMs + HANG_MS, () => {
      isHung = true;
      stop();
    });
    try {
      const [end] = await Promise.all([ended, feed(child.stdin, audio)]);
      if (signal.aborted) return "stopped";
      if (end.kind === "exited" && end.exitCode === 0) return "played";
      throw this.#failure(end, isHung);
    } finally {
      cancelDeadline();
      signal.removeEventListener("abort", stop);
    }
  }

  async endUtterance(): Promise<null> {
    return null;
  }

  #failure(end: End, isHung: boolean): AppError {
    const { command, device } = this.#options;
    if (end.kind === "not_started") {
      const message = isEnoent(end.cause) ? `${command} was not found` : `${command} cannot be started`;
      return new AppError("E_AUDIO_OUTPUT_UNAVAILABLE", message, { hint: "apt install alsa-utils", cause: end.cause });
    }
    const why = isHung ? "took no audio" : reasonIn(end.diagnostics) || `ended with ${end.exitCode}`;
    return new AppError("E_AUDIO_OUTPUT_UNAVAILABLE", `cannot play on ${device}: ${why}`);
  }
}

type End =
  | { readonly kind: "exited"; readonly exitCode: number | null; readonly diagnostics: string }
  | { readonly kind: "not_started"; readonly cause: unknown };

function endOf(child: ChildProcess): Promise<End> {
  let diagnostics = "";
  child.stderr?.on("data", (part: Buffer) => {
    if (diagnostics.length < MAX_DIAGNOSTIC_CHARS) diagnostics += part.toString("utf8");
  });
  return new Promise((resolve) => {
    child.once("error", (cause) => resolve({ kind: "not_started", cause }));
    child.once("close", (exitCode) => resolve({ kind: "exited", exitCode, diagnostics }));
  });
}

/** Writes at the pace aplay takes it; ends early, without an error, when aplay does. */
async function feed(stdin: Writable, audio: PcmAudio): Promise<void> {
  // EPIPE when aplay dies: its exit tells the story
  stdin.on("error", () => {});
  const chunkSamples = Math.ceil((audio.sampleRateHz * CHUNK_MS) / 1000);
  const closed = new Promise<void>((resolve) => stdin.once("close", () => resolve()));
  for (let from = 0; from < audio.samples.length && !stdin.destroyed; from += chunkSamples) {
    const chunk = audio.samples.subarray(from, from + chunkSamples);
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!stdin.write(bytes)) await Promise.race([drained(stdin), closed]);
  }
  stdin.end();
}

function drained(stdin: Writable): Promise<void> {
  return new Promise((resolve) => stdin.once("drain", () => resolve()));
}

/** aplay's own line, below those of the ALSA library that lead to it. */
function reasonIn(diagnostics: string): string {
  const lines = diagnostics.trim().split("\n");
  const own = lines.find((line) => line.startsWith("aplay:")) ?? lines[0] ?? "";
  return own.replace(/^aplay: (?:\w+:\d+: )?/, "");
}
