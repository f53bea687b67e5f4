import { execFile, execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * Runs a shell command in a root whose lower layer is this machine's and whose changes stay in a folder: packages are
 * installed as they would be, and nothing of this machine changes. $1 = folder of the layers, $2 = command.
 */
const IN_ROOT = `
  set -eu
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
  mount -t proc proc "$1/root/proc"
  mount --rbind /dev "$1/root/dev"
  mount --bind "$1/run" "$1/root/run"
  mount --bind "$1/shared" "$1/root/mnt"
  exec chroot "$1/root" sh -c "$2"
`;

async function makeLayers(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "asls-root-"));
  for (const name of ["upper", "work", "root", "run", "shared"]) await mkdir(join(folder, name));
  return folder;
}

/** Null, or why no such root can be made here. */
export function packageRootObstacle(): string | null {
  const script = `d=$(mktemp -d) && mkdir "$d/u" "$d/w" "$d/r" && mount --make-rprivate / &&
    mount -t overlay overlay -o "lowerdir=/,upperdir=$d/u,workdir=$d/w" "$d/r" && chroot "$d/r" true; code=$?
    umount "$d/r" 2>/dev/null; rm -rf "$d"; exit $code`;
  try {
    execFileSync("unshare", ["--mount", "sh", "-c", script], { stdio: "ignore" });
    execFileSync("dpkg-query", ["-W", "dpkg"], { stdio: "ignore" });
    return null;
  } catch {
    return "no root, no overlayfs or no dpkg here";
  }
}

/** A Debian root of its own for one suite. Removed by `dispose()`. */
export class PackageRoot implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<PackageRoot> {
    return new PackageRoot(await makeLayers());
  }

  /** Folder that is /mnt inside. */
  get shared(): string {
    return join(this.#folder, "shared");
  }

  /** Output of a shell command inside; rejects with its output when it fails. */
  async run(command: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { stdout } = await promisify(execFile)(
      "unshare",
      ["--mount", "sh", "-c", IN_ROOT, "sh", this.#folder, command],
      {
        cwd: "/",
        env: {
          PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          DEBIAN_FRONTEND: "noninteractive",
          ...env,
        },
        maxBuffer: 16 * 2 ** 20,
      },
    );
    return stdout;
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
