import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "./atomic-file.ts";
import { AppError, systemErrorCode } from "./errors.ts";

/** Mono signed 16-bit audio of any rate. */
export interface WavAudio {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

const FORMAT_PCM = 1;
const FORMAT_EXTENSIBLE = 0xfffe;
const HEADER_BYTES = 44;
/** Writers that cannot seek back leave 0 or a huge size in the header: the data then runs to the end of the file. */
const STREAMED_SIZE_BYTES = 0x7fff_0000;

/**
 * Reads 16-bit PCM WAV; several channels are averaged into one.
 *
 * @param name what to call the audio in errors: a file name, never its content.
 * @throws AppError E_WAV_INVALID (not WAV, truncated, no samples), E_WAV_UNSUPPORTED (another encoding than 16-bit PCM).
 * @see RIFF/WAVE: Microsoft Multimedia Programming Interface 1.0, "Waveform Audio File Format"
 */
export function decodeWav(bytes: Uint8Array, name: string): WavAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE") {
    throw new AppError("E_WAV_INVALID", `${name} is not a WAV file (${bytes.byteLength} bytes, no RIFF/WAVE header)`);
  }
  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= bytes.byteLength; ) {
    const id = tag(view, at);
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    const available = bytes.byteLength - start;
    if (id === "fmt ") format = readFormat(view, start, Math.min(size, available), name);
    if (id === "data") {
      if (format === null) throw new AppError("E_WAV_INVALID", `${name} has no format chunk before its data`);
      const streamed = size >= STREAMED_SIZE_BYTES || (size === 0 && available > 0);
      if (!streamed && size > available) {
        throw new AppError("E_WAV_INVALID", `${name} is truncated: ${available} of ${size} bytes of audio`);
      }
      return {
        samples: toMono(view, start, streamed ? available : size, format.channels, name),
        sampleRateHz: format.sampleRateHz,
      };
    }
    at = start + size + (size % 2);
  }
  throw new AppError("E_WAV_INVALID", `${name} has no audio data`);
}

/** The 44-byte header and the samples of a mono 16-bit WAV file. */
export function encodeWav(audio: WavAudio): Uint8Array {
  const dataBytes = audio.samples.length * 2;
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes);
  const view = new DataView(bytes.buffer);
  putTag(bytes, 0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  putTag(bytes, 8, "WAVE");
  putTag(bytes, 12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, audio.sampleRateHz, true);
  view.setUint32(28, audio.sampleRateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  putTag(bytes, 36, "data");
  view.setUint32(40, dataBytes, true);
  for (let i = 0; i < audio.samples.length; i++) view.setInt16(HEADER_BYTES + 2 * i, audio.samples[i] ?? 0, true);
  return bytes;
}

/** @throws AppError E_FILE_UNREADABLE, and what {@link decodeWav} throws. */
export async function readWavFile(path: string): Promise<WavAudio> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new AppError("E_FILE_UNREADABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
  return decodeWav(bytes, path);
}

/** Writes atomically, mode 0600: recordings belong to one user. @throws AppError E_DISK_FULL, E_FILE_UNWRITABLE. */
export async function writeWavFile(path: string, audio: WavAudio): Promise<void> {
  await writeFileAtomic(path, encodeWav(audio));
}

interface WavFormat {
  readonly channels: number;
  readonly sampleRateHz: number;
}

function readFormat(view: DataView, start: number, size: number, name: string): WavFormat {
  if (size < 16) throw new AppError("E_WAV_INVALID", `${name} has a format chunk of ${size} bytes`);
  const channels = view.getUint16(start + 2, true);
  const sampleRateHz = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  const declared = view.getUint16(start, true);
  // WAVE_FORMAT_EXTENSIBLE keeps the real encoding in the first two bytes of a GUID
  const encoding = declared === FORMAT_EXTENSIBLE && size >= 26 ? view.getUint16(start + 24, true) : declared;
  if (encoding !== FORMAT_PCM || bits !== 16) {
    throw new AppError("E_WAV_UNSUPPORTED", `${name} is ${bits}-bit audio of encoding ${encoding}, not 16-bit PCM`);
  }
  if (channels === 0 || sampleRateHz === 0) {
    throw new AppError("E_WAV_INVALID", `${name} declares ${channels} channels at ${sampleRateHz} Hz`);
  }
  return { channels, sampleRateHz };
}

function toMono(view: DataView, start: number, sizeBytes: number, channels: number, name: string): Int16Array {
  const frames = Math.floor(sizeBytes / (2 * channels));
  if (frames === 0) throw new AppError("E_WAV_INVALID", `${name} holds no samples`);
  const samples = new Int16Array(frames);
  for (let i = 0; i < frames; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += view.getInt16(start + 2 * (i * channels + c), true);
    samples[i] = Math.round(sum / channels);
  }
  return samples;
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function putTag(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
