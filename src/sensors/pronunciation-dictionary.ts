import { readFile } from "node:fs/promises";
import { AppError, systemErrorCode } from "../core/errors.ts";

/** Up to this many words each is looked for by itself (about 1 ms each); more are found in one pass over all lines. */
const FEW_WORDS = 20;

/**
 * Pronunciations of some words in a CMU dictionary (`word PH1 PH2 ...`, alternatives as `word(2)`).
 *
 * @returns per known word its pronunciations, first one first; unknown words are absent.
 * @throws AppError E_STT_UNAVAILABLE when the dictionary cannot be read.
 */
export async function pronunciations(
  dictionaryPath: string,
  words: Iterable<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const wanted = new Set(words);
  const dictionary = await readDictionary(dictionaryPath);
  if (wanted.size > FEW_WORDS) return scan(dictionary, wanted);
  const found = new Map<string, readonly string[]>();
  for (const word of wanted) {
    const known = alternativesOf(word, dictionary);
    if (known.length > 0) found.set(word, known);
  }
  return found;
}

function scan(dictionary: Buffer, wanted: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of dictionary.toString("utf8").split("\n")) {
    const separator = line.search(/\s/);
    if (separator < 0) continue;
    const word = line.slice(0, separator).replace(/\(\d+\)$/, "");
    if (!wanted.has(word)) continue;
    const known = found.get(word) ?? [];
    known.push(line.slice(separator).trim());
    found.set(word, known);
  }
  return found;
}

/** Bytes are searched, since a string per line of 134,000 would cost the process some 30 MB for good. */
function alternativesOf(word: string, dictionary: Buffer): string[] {
  const all: string[] = [];
  for (let n = 1; ; n++) {
    const entry = n === 1 ? word : `${word}(${n})`;
    const phones = phonesOf(entry, dictionary);
    if (phones === null) return all;
    all.push(phones);
  }
}

function phonesOf(entry: string, dictionary: Buffer): string | null {
  for (const separator of [" ", "\t"]) {
    const key = `${entry}${separator}`;
    const isFirstLine = dictionary.subarray(0, Buffer.byteLength(key)).equals(Buffer.from(key));
    const at = isFirstLine ? 0 : dictionary.indexOf(`\n${key}`) + 1;
    if (at === 0 && !isFirstLine) continue;
    const from = at + Buffer.byteLength(key);
    const to = dictionary.indexOf("\n", from);
    return dictionary.toString("utf8", from, to < 0 ? dictionary.length : to).trim();
  }
  return null;
}

async function readDictionary(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError("E_STT_UNAVAILABLE", `cannot read ${path} (${systemErrorCode(error) ?? "unknown reason"})`, {
      cause: error,
    });
  }
}
