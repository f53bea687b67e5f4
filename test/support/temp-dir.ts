import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for one test, mode 0700; removed with its contents by `await using` or `dispose()`. */
export class TempDir implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Absolute path of something inside. */
  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  async dispose(): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Makes a {@link TempDir} under the system's temporary folder; `label` shows in its name. */
export async function makeTempDir(label = "test"): Promise<TempDir> {
  return new TempDir(await mkdtemp(join(tmpdir(), `asls-${label}-`)));
}
