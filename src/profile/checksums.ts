/** Luhn's check (ISO/IEC 7812-1 annex B). @param digits decimal digits only. */
export function isLuhnValid(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 1 && sum % 10 === 0;
}

/** IBAN check, ISO 13616: 97-10 remainder. @param iban letters and digits, no spaces. */
export function isIbanValid(iban: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Number ranges of payment cards by their length: Visa, Mastercard, American Express, Diners, Discover, JCB, Maestro. */
export function isCardNumber(digits: string): boolean {
  const range =
    digits.length === 15
      ? /^3[47]/
      : digits.length === 14
        ? /^3(?:0[0-5]|[689])/
        : digits.length === 16
          ? /^(?:4|5[0-8]|2[2-7]|6|35)/
          : digits.length === 13 || digits.length === 19
            ? /^(?:4|5[0678]|6)/
            : null;
  return range?.test(digits) === true && isLuhnValid(digits);
}
