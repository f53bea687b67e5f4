import * as v from "valibot";
import type { AdapterManifest } from "./adapter-manifest.ts";

const entry = v.strictObject({ version: v.string(), base: v.string(), atMs: v.number() });

/** Which version of a profile answers, and what became of the others. Holds ids only. */
export const pointersSchema = v.strictObject({
  v: v.literal(1),
  /**
   * Active version by {@link slotOf}: another base has its own, and gets it back when it returns; so has each domain that
   * has a task adapter.
   */
  active: v.record(v.string(), v.nullable(v.string())),
  /** Every activation, oldest first. */
  history: v.array(entry),
  revoked: v.array(v.string()),
});

export type AdapterPointers = v.InferOutput<typeof pointersSchema>;

export const NO_POINTERS: AdapterPointers = { v: 1, active: {}, history: [], revoked: [] };

export type AdapterState = "staged" | "active" | "previous" | "retired" | "rejected" | "revoked" | "set_aside";

/** Where a version is in use. @param domain of a task adapter; null = a general one. */
export function slotOf(baseSha256: string, domain: string | null): string {
  return domain === null ? baseSha256 : `${baseSha256} ${domain}`;
}

export function activeVersion(pointers: AdapterPointers, base: string): string | null {
  return pointers.active[base] ?? null;
}

/** Versions in use in general, for any base. */
export function generalVersions({ active }: AdapterPointers): string[] {
  return Object.entries(active).flatMap(([slot, version]) => (slot.includes(" ") || version === null ? [] : version));
}

export function withActive(pointers: AdapterPointers, base: string, version: string, atMs: number): AdapterPointers {
  return {
    ...pointers,
    active: { ...pointers.active, [base]: version },
    history: [...pointers.history, { version, base, atMs }],
  };
}

/**
 * The version in use before the active one: the newest in the history that is usable; null = none, the base alone.
 *
 * @param isUsable e.g. its file is still there.
 */
export function previousVersion(
  pointers: AdapterPointers,
  base: string,
  isUsable: (version: string) => boolean = () => true,
): string | null {
  const active = activeVersion(pointers, base);
  const own = pointers.history.filter((each) => each.base === base);
  const activeAt = active === null ? own.length : own.findLastIndex(({ version }) => version === active);
  const earlier = own.slice(0, Math.max(0, activeAt)).toReversed();
  const found = earlier.find(
    ({ version }) => version !== active && !pointers.revoked.includes(version) && isUsable(version),
  );
  return found?.version ?? null;
}

/** Back to the previous version, which drops the later part of the history; to none when there is no previous. */
export function rolledBack(
  pointers: AdapterPointers,
  base: string,
  isUsable: (version: string) => boolean,
): AdapterPointers {
  const previous = previousVersion(pointers, base, isUsable);
  const keptUntil = pointers.history.findLastIndex((each) => each.base === base && each.version === previous);
  const history = pointers.history.filter((each, i) => each.base !== base || (previous !== null && i <= keptUntil));
  return { ...pointers, active: { ...pointers.active, [base]: previous }, history };
}

/** Takes these out of use for good; where one was active, its newest clean predecessor is. */
export function withRevoked(
  pointers: AdapterPointers,
  versions: readonly string[],
  isUsable: (version: string) => boolean,
): AdapterPointers {
  let next: AdapterPointers = { ...pointers, revoked: [...new Set([...pointers.revoked, ...versions])] };
  for (const [base, active] of Object.entries(next.active)) {
    if (active !== null && versions.includes(active)) next = rolledBack(next, base, isUsable);
  }
  return next;
}

/** @param base the model in use; null = unknown. */
export function stateOf(manifest: AdapterManifest, pointers: AdapterPointers, base: string | null): AdapterState {
  const { version } = manifest;
  if (pointers.revoked.includes(version)) return "revoked";
  if (!manifest.gate.promoted) return "rejected";
  if (base !== null && manifest.base.sha256 !== base) return "set_aside";
  const slot = slotOf(manifest.base.sha256, manifest.domain);
  if (activeVersion(pointers, slot) === version) return "active";
  if (previousVersion(pointers, slot) === version) return "previous";
  return pointers.history.some((each) => each.version === version) ? "retired" : "staged";
}
