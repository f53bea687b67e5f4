import { createHash, randomBytes } from "node:crypto";

/** Random, URL- and topic-safe id: 16 lowercase hex digits (64 bits) behind a prefix, e.g. `p_5f0c…`. */
export function randomId(prefix: string): string {
  return `${prefix}_${randomBytes(8).toString("hex")}`;
}

/** One-way, stable device id of 12 hex digits from a secret-ish seed such as machine-id; never shows the seed. */
export function deviceIdFrom(seed: string): string {
  return createHash("sha256").update(`asls-device:${seed}`).digest("hex").slice(0, 12);
}
