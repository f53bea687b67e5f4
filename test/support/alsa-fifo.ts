import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { makeTempDir, type TempDir } from "./temp-dir.ts";

/**
 * An ALSA playback device whose sound comes out of a named pipe, for the real aplay on a machine without a sound card:
 * ALSA's `file` plugin writes what is played into the pipe and blocks when nobody reads.
 */
export class AlsaFifo implements AsyncDisposable {
  /** Device name for `aplay -D`. */
  readonly device = "fifo";
  /** ALSA_CONFIG_PATH for the program that plays. */
  readonly configPath: string;
  readonly #folder: TempDir;
  readonly #pipe: FileHandle;
  #readBytes = 0;

  constructor(folder: TempDir, pipe: FileHandle) {
    this.#folder = folder;
    this.#pipe = pipe;
    this.configPath = folder.join("asound.conf");
  }

  get heardBytes(): number {
    return this.#readBytes;
  }

  /** Reads that many bytes, waiting for them; fewer when the player ends first. */
  async read(sizeBytes: number): Promise<void> {
    for (let left = sizeBytes; left > 0; ) {
      const got = await this.#readSome(left);
      if (got > 0) left -= got;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads what is in the pipe. */
  async drain(): Promise<void> {
    while ((await this.#readSome(65_536)) > 0) {
      // until it is empty
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipe.close();
    await this.#folder.dispose();
  }

  async #readSome(sizeBytes: number): Promise<number> {
    try {
      const { bytesRead } = await this.#pipe.read(Buffer.alloc(sizeBytes), 0, sizeBytes, null);
      this.#readBytes += bytesRead;
      return bytesRead;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
      throw error;
    }
  }
}

export async function makeAlsaFifo(): Promise<AlsaFifo> {
  const folder = await makeTempDir("alsa");
  const path = folder.join("sound");
  execFileSync("mkfifo", [path]);
  await writeFile(
    folder.join("asound.conf"),
    `pcm.fifo { type file file "${path}" format raw slave.pcm { type null } }\n`,
  );
  // both ends: the reader neither blocks before the player opens it nor sees an end between two players
  const pipe = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new AlsaFifo(folder, pipe);
}
