/**
 * All matches of a global pattern, as `text.matchAll(pattern)` gives them. That works on a copy of the pattern; V8 shares what it
 * compiled for both until it has collected garbage twice, and then compiles anew for each copy: 0.1 s for patterns with classes
 * of Unicode, in the first turn after each pause. A pattern that is itself used stays compiled.
 *
 * @param pattern with the flag g; its `lastIndex` is used and left at 0.
 */
export function patternMatches(text: string, pattern: RegExp): RegExpExecArray[] {
  const matches: RegExpExecArray[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    matches.push(match);
    // Nothing would be matched at the same place for ever; not into the middle of a character either.
    if (match[0] === "") pattern.lastIndex += pattern.unicode && (text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
  }
  return matches;
}
