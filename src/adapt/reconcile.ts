import type { ProfileArchive, ProfileListing } from "../profile/ports.ts";
import type { AdapterStore } from "./adapter-store.ts";
import { isJobOver, nextJobState } from "./job.ts";
import type { JobJournal } from "./job-journal.ts";

export interface ReconcileDeps {
  readonly archive: Pick<ProfileArchive, "interactionIds">;
  readonly store: AdapterStore;
  readonly journal: JobJournal;
}

/**
 * Brings adapters and jobs of one profile in line with what is left of its interactions: versions trained on a row that
 * is gone are revoked, a job built on one begins anew. Repeatable, for after a crash as well as after a deletion.
 *
 * @param profiles all there are, to remove what belongs to none of them; null = the profile exists.
 * @param isGone which ids are gone; default: those that the archive does not have.
 * @param revoked versions revoked are added to it.
 * @returns what should be done next, or null.
 */
export async function reconcileProfile(
  deps: ReconcileDeps,
  profileId: string,
  profiles: readonly ProfileListing[] | null,
  isGone?: (interactionId: string) => boolean,
  revoked: string[] = [],
): Promise<"rebuild" | "resume" | null> {
  const { archive, store, journal } = deps;
  if (profiles !== null && !profiles.some(({ id }) => id === profileId)) {
    await store.forget(profileId);
    return null;
  }
  const job = await journal.read(profileId, "full");
  if (job === null && (await store.list(profileId, null)).length === 0) return null;
  const gone = isGone ?? absentFrom(new Set(await archive.interactionIds(profileId)));
  const { versions } = await store.revoke(profileId, gone);
  revoked.push(...versions);
  if (job === null || isJobOver(job.state)) return versions.length > 0 ? "rebuild" : null;
  const isTainted = [...(job.interactionIds ?? []), ...(job.candidate?.trainedInteractionIds ?? [])].some(gone);
  if (isTainted) {
    await journal.dropKept(profileId);
    const fresh = { interactionIds: null, dataDigest: null, done: null, candidate: null, gate: null, version: null };
    await journal.write({ ...job, ...fresh, state: "waiting" });
    return "rebuild";
  }
  await journal.write({ ...job, state: nextJobState(job.state, "restarted") ?? "waiting" });
  return "resume";
}

function absentFrom(existing: ReadonlySet<string>): (id: string) => boolean {
  return (id) => !existing.has(id);
}
