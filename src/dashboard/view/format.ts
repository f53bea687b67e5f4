/** Figures as people read them. `null` is an en dash: it was not measured, which is not 0. */
export const NOTHING = "–";

export function number(value: number | null, digits = 0): string {
  return value === null ? NOTHING : value.toFixed(digits);
}

export function withUnit(value: number | null, unit: string, digits = 0): string {
  return value === null ? NOTHING : `${value.toFixed(digits)} ${unit}`;
}

/** 850 ms, 1.2 s, 12 s. */
export function duration(ms: number | null): string {
  if (ms === null) return NOTHING;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : longDuration(ms / 1_000);
}

/** 12 s, 5 min, 3 h 20 min, 4 d 2 h. */
export function longDuration(seconds: number | null): string {
  if (seconds === null) return NOTHING;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `just now`, `5 min ago`; the date when it is more than a day. */
export function ago(atMs: number | null, nowMs: number): string {
  if (atMs === null) return NOTHING;
  const seconds = (nowMs - atMs) / 1_000;
  if (seconds < 5) return "just now";
  return seconds < 86_400 ? `${longDuration(seconds).replace(/ \d+ min$/, "")} ago` : dateTime(atMs);
}

/** 25 Nov, 14:05 in the reader's own time. */
export function dateTime(atMs: number | null): string {
  if (atMs === null) return NOTHING;
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat("en-GB", options).format(atMs);
}

export function clockTime(atMs: number): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(atMs);
}

/** Perplexity per token: how many words the model hesitates between. @param loss nats a token. */
export function perplexity(loss: number | null): string {
  return loss === null ? NOTHING : Math.exp(loss).toFixed(1);
}

/** An adapter's name without its prefix: eight digits tell versions apart. */
export function shortVersion(version: string | null): string {
  return version === null ? "none" : version.replace(/^a_/, "").slice(0, 8);
}
