import { type FileHandle, open, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { patternMatches } from "./pattern-matches.ts";

/** madvise(2), since Linux 5.14: faults pages in as if they were written, and changes none of their bytes. */
const MADV_POPULATE_WRITE = 23;
/** In an entry of /proc/self/pagemap. @see Linux Documentation/admin-guide/mm/pagemap.rst */
const ENTRY_BYTES = 8;
/** Bits 63 and 56, in its last byte: in memory, and mapped here alone. The page of zeros that stands for what was only read is not. */
const OWN = 0x81;
/** One mapping of /proc/self/maps that is writable, private and of no file: start, end. */
const ANONYMOUS = /^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0(?: |$)/gm;

interface MemoryRange {
  readonly start: number;
  readonly bytes: number;
}

type Populate = (start: number, bytes: number) => Promise<unknown>;

let calls: Promise<{ readonly pageBytes: number; readonly populate: Populate }> | null = null;

/**
 * To be called when a child process was started: libuv forks, after which the kernel stops this process at the first write
 * to each page it has, some thousand times in the next turn. Here a thread of libuv's pool does that at once, for
 * the pages that are in memory and this process's alone; what is not stays out. Without Linux 5.14 and glibc it does nothing.
 */
export async function ownPages(): Promise<void> {
  try {
    calls ??= loadCalls();
    const { pageBytes, populate } = await calls;
    for (const { start, bytes } of await ownRanges(pageBytes)) await populate(start, bytes);
  } catch {
    // no /proc, or another libc: the next turn takes its faults
  }
}

async function loadCalls() {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load("libc.so.6");
  const madvise = libc.func("int madvise(size_t start, size_t bytes, int advice)");
  const advise = promisify(madvise.async) as (start: number, bytes: number, advice: number) => Promise<number>;
  return {
    pageBytes: Number(libc.func("int getpagesize()")()),
    // A range that is gone by now, or another mapping, is refused by the kernel or loses nothing.
    populate: (start: number, bytes: number) => advise(start, bytes, MADV_POPULATE_WRITE),
  };
}

async function ownRanges(pageBytes: number): Promise<MemoryRange[]> {
  const maps = await readFile("/proc/self/maps", "utf8");
  const entries = await open("/proc/self/pagemap");
  try {
    const ranges: MemoryRange[] = [];
    for (const [, from = "", to = ""] of patternMatches(maps, ANONYMOUS)) {
      const start = Number.parseInt(from, 16);
      const pages = (Number.parseInt(to, 16) - start) / pageBytes;
      for (const run of ownRuns(await readEntries(entries, start / pageBytes, pages))) {
        ranges.push({ start: start + run.first * pageBytes, bytes: run.pages * pageBytes });
      }
    }
    return ranges;
  } finally {
    await entries.close();
  }
}

async function readEntries(file: FileHandle, firstPage: number, pages: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(pages * ENTRY_BYTES);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, firstPage * ENTRY_BYTES);
  return buffer.subarray(0, bytesRead);
}

/** Own pages in a row, counted from the first entry. */
function ownRuns(entries: Buffer): { readonly first: number; readonly pages: number }[] {
  const runs: { first: number; pages: number }[] = [];
  let run: { first: number; pages: number } | null = null;
  for (let page = 0; page < entries.length / ENTRY_BYTES; page += 1) {
    const isOwn = ((entries[page * ENTRY_BYTES + ENTRY_BYTES - 1] ?? 0) & OWN) === OWN;
    if (!isOwn) run = null;
    else if (run !== null) run.pages += 1;
    else {
      run = { first: page, pages: 1 };
      runs.push(run);
    }
  }
  return runs;
}
