/** Characters of a text that an embedder looks at; more says nothing new about what a turn is about. */
const LONGEST = 2000;

/** Lower-case words of a text, in order: runs of letters or digits; "don't" is `don` and `'t`. */
export function wordsOf(text: string): string[] {
  return (
    text
      .slice(0, LONGEST)
      .toLowerCase()
      .replace(/’/g, "'")
      .match(/'?\p{L}+|\p{N}+/gu) ?? []
  );
}

/** 32-bit FNV-1a hash of the UTF-16 code units, finished by MurmurHash3's mixer so that low bits are usable. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
