import { silentLogger } from "../../src/core/logger.ts";
import { HashedNgramEmbedder } from "../../src/profile/hashed-ngram-embedder.ts";
import {
  type OpenProfileStore,
  type OpenProfileStoreOptions,
  openProfileStore,
} from "../../src/profile/open-profile-store.ts";
import type { NewInteraction, Profile } from "../../src/profile/ports.ts";
import { FakeClock } from "./fake-clock.ts";
import type { TempDir } from "./temp-dir.ts";

/** The real store on a file in that folder, with the weightless embedder and a clock that stands still. */
export function openTestStore(
  folder: TempDir,
  overrides: Partial<OpenProfileStoreOptions> = {},
): Promise<OpenProfileStore> {
  return openProfileStore({
    databasePath: folder.join("profile.db"),
    keyDirectory: folder.path,
    embedder: new HashedNgramEmbedder(),
    clock: new FakeClock(),
    logger: silentLogger,
    ...overrides,
  });
}

/** The active profile, with `store` granted by the button. */
export async function consentingProfile(opened: OpenProfileStore): Promise<Profile> {
  const { id } = await opened.store.active();
  await opened.store.setConsent(id, "store", true, "button");
  return await opened.store.active();
}

/** A typed turn on Monday 2026-01-05 at noon, changed as wanted. */
export function turn(profileId: string, changes: Partial<NewInteraction> = {}): NewInteraction {
  return {
    profileId,
    atMs: Date.UTC(2026, 0, 5, 12),
    modality: "text",
    input: "Turn on the kitchen lights.",
    answer: "The kitchen lights are on.",
    domain: "lights",
    context: { hour: 12, weekday: 1, boardState: "idle", adapterVersion: null },
    ...changes,
  };
}
