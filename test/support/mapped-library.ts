import { readdir, readFile } from "node:fs/promises";

/** True while this process or a child of it has mapped a library whose path holds that text. */
export async function isLibraryMapped(name: string): Promise<boolean> {
  for (const pid of await ownAndChildren()) {
    if ((await textOf(`/proc/${pid}/maps`)).includes(name)) return true;
  }
  return false;
}

async function ownAndChildren(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const parents = await Promise.all(pids.map(async (pid) => parentOf(await textOf(`/proc/${pid}/stat`))));
  return pids.filter((pid, at) => pid === `${process.pid}` || parents[at] === `${process.pid}`);
}

/** `pid (name) state ppid`; the name may hold blanks and brackets. */
function parentOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "latin1");
  } catch {
    return ""; // it ended meanwhile
  }
}
