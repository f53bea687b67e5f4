/** Written forms that voices read wrongly or spell out; applied in this order. */
const SPOKEN_FORMS: readonly (readonly [RegExp, string])[] = [
  [/```[\s\S]*?(?:```|$)/g, " "],
  [/\[([^\]]+)\]\((?:[^)]+)\)/g, "$1"],
  [/\bhttps?:\/\/\S+/gi, " a link "],
  [/^\s*(?:[-*•]|#{1,6})\s+/gm, ""],
  [/[*`_~|<>]+/g, " "],
  [/[“”„]/g, '"'],
  [/[‘’]/g, "'"],
  [/\s*[–—]\s*/g, ", "],
  [/…/g, "..."],
  [/(\d)\s*°\s*C\b/g, "$1 degrees Celsius"],
  [/(\d)\s*°\s*F\b/g, "$1 degrees Fahrenheit"],
  [/(\d)\s*°/g, "$1 degrees"],
  [/(\d)\s*%/g, "$1 percent"],
  [/(\d)\s*km\/h\b/g, "$1 kilometers per hour"],
  [/(\d)\s*m\/s\b/g, "$1 meters per second"],
  [/(\d)\s*mph\b/g, "$1 miles per hour"],
  [/(\d)\s*kWh\b/g, "$1 kilowatt hours"],
  [/(\d)\s*kW\b/g, "$1 kilowatts"],
  [/(\d)\s*W\b/g, "$1 watts"],
  [/(\d)\s*kg\b/g, "$1 kilograms"],
  [/(\d)\s*km\b/g, "$1 kilometers"],
  [/(\d)\s*cm\b/g, "$1 centimeters"],
  [/(\d)\s*mm\b/g, "$1 millimeters"],
  [/(\d)\s*ml\b/gi, "$1 milliliters"],
  [/(^|[\s(])[-−](?=\d)/g, "$1minus "],
  [/&/g, " and "],
  [/€\s*(\d+(?:[.,]\d+)?)/g, "$1 euros"],
  [/\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u{FE0F}\u{200D}]/gu, " "],
];

/**
 * What a voice should say for a written sentence: units and signs in words, no markup, links or pictures. Numbers, dates
 * and times stay as they are, since every engine has rules for them.
 *
 * @returns "" when nothing in it can be said.
 */
export function speakableText(sentence: string): string {
  let text = sentence;
  for (const [written, spoken] of SPOKEN_FORMS) text = text.replace(written, spoken);
  text = text
    .replace(/\s+([,.!?;:])/g, "$1")
    .replace(/\s+/g, " ")
    .trim();
  return /[\p{L}\p{N}]/u.test(text) ? text : "";
}

/** Latin letters without their marks, all else outside ASCII dropped: what flite's English front end can read. */
export function asciiText(text: string): string {
  const ascii = text
    .replace(/ß/g, "ss")
    .replace(/æ/gi, "ae")
    .replace(/ø/gi, "o")
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]+/g, "");
  return ascii.replace(/\s+/g, " ").trim();
}
