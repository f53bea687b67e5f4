import { execFileSync } from "node:child_process";
import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EvdevRecordBytes } from "../../src/sensors/evdev-record.ts";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

const EV_KEY = 1;

/** A tree with /sys/class/input and /dev/input whose devices are named pipes: what is written is read as key events. */
export class EvdevPipes implements AsyncDisposable {
  readonly root: string;
  readonly #folder: TempDir;
  readonly #pipes: FileHandle[];
  readonly #recordBytes: EvdevRecordBytes;

  constructor(folder: TempDir, pipes: FileHandle[], recordBytes: EvdevRecordBytes) {
    this.root = folder.path;
    this.#folder = folder;
    this.#pipes = pipes;
    this.#recordBytes = recordBytes;
  }

  device(index: number): string {
    return this.#folder.join("dev/input", `event${index}`);
  }

  /** One key event followed by SYN_REPORT, as the kernel writes them. */
  async key(index: number, code: number, value: 0 | 1 | 2): Promise<void> {
    await this.write(index, [
      [EV_KEY, code, value],
      [0, 0, 0],
    ]);
  }

  /** Raw events: type, code, value. */
  async write(index: number, events: readonly (readonly [number, number, number])[]): Promise<void> {
    const bytes = Buffer.alloc(events.length * this.#recordBytes);
    for (const [i, [type, code, value]] of events.entries()) {
      const at = i * this.#recordBytes + this.#recordBytes - 8;
      bytes.writeUInt16LE(type, at);
      bytes.writeUInt16LE(code, at + 2);
      bytes.writeInt32LE(value, at + 4);
    }
    await this.#pipes[index]?.write(bytes);
  }

  /** Ends the device for who reads it. */
  async closeWriter(index: number): Promise<void> {
    await this.#pipes[index]?.close();
  }

  /** Brings a device back that {@link closeWriter} ended. */
  async openWriter(index: number): Promise<void> {
    this.#pipes[index] = await open(this.device(index), "r+");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pipe of this.#pipes) await pipe.close();
    await this.#folder.dispose();
  }
}

export async function makeEvdevPipes(
  deviceNames: readonly string[],
  recordBytes: EvdevRecordBytes = 24,
): Promise<EvdevPipes> {
  const folder = await makeTempDir("evdev");
  await mkdir(folder.join("dev/input"), { recursive: true });
  const pipes: FileHandle[] = [];
  for (const [index, name] of deviceNames.entries()) {
    const device = folder.join("sys/class/input", `event${index}`, "device");
    await mkdir(device, { recursive: true });
    await writeFile(join(device, "name"), `${name}\n`);
    const path = folder.join("dev/input", `event${index}`);
    execFileSync("mkfifo", [path]);
    // both ends, so that a reader that ends does not end the pipe
    pipes.push(await open(path, "r+"));
  }
  return new EvdevPipes(folder, pipes, recordBytes);
}
