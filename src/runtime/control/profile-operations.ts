import type { ExportedAdapter } from "../../adapt/adapter-export.ts";
import { AppError } from "../../core/errors.ts";
import type { ForgetReceipt, Profile, ProfileArchive, ProfileExport, ProfileStore } from "../../profile/ports.ts";
import type { ControlMethod, ControlParams } from "./control-protocol.ts";

/** Everything about a profile, to take along: docs/privacy.md#take-it-along. */
export interface FullExport extends ProfileExport {
  readonly adapters: readonly ExportedAdapter[];
}

/** What an erasure removed, everywhere. Holds no user text. */
export interface ErasureReceipt extends ForgetReceipt {
  /** Adapter versions. */
  readonly adapters: number;
  /** Recordings of spoken answers, where the output keeps any. */
  readonly recordings: number;
  /** Retained topics that the broker confirmed to have dropped. */
  readonly retainedTopics: number;
}

/** What the owner can do with profiles, whether the service runs or the CLI opens the database itself. */
export type ProfileMethod = Extract<
  ControlMethod,
  | "profileList"
  | "profileShow"
  | "profileExport"
  | "profileSelect"
  | "profileCreate"
  | "factEdit"
  | "factDelete"
  | "interactionDelete"
  | "profileRetention"
  | "profileForget"
>;

export type ProfileOperations = { readonly [M in ProfileMethod]: (params: ControlParams<M>) => Promise<unknown> };

export interface ProfileOperationDeps {
  readonly store: Pick<ProfileStore, "active">;
  readonly archive: ProfileArchive;
  /** Called when the active profile is another one, or gone. */
  onActiveChanged(): void;
  /** Takes what was learned from a row that is gone out of use; names of the adapter versions. */
  onInteractionDeleted(interactionId: string): Promise<readonly string[]>;
  /** Adapters of a profile for its owner, decrypted when `hasWeights`. */
  exportAdapters(profileId: string, hasWeights: boolean): Promise<readonly ExportedAdapter[]>;
  /** Erases a profile everywhere. @throws AppError E_PROFILE_UNKNOWN. */
  forget(profileId: string): Promise<ErasureReceipt>;
}

/** Every operation answers plain JSON-able data. Errors: E_PROFILE_UNKNOWN, E_FACT_UNKNOWN, E_INTERACTION_UNKNOWN. */
export function profileOperations(deps: ProfileOperationDeps): ProfileOperations {
  const { store, archive, onActiveChanged } = deps;
  const idOf = async (given: string | null): Promise<string> => given ?? (await store.active()).id;
  return {
    profileList: () => archive.list(),
    profileShow: async ({ profile }) => archive.summary(await idOf(profile)),
    profileExport: async ({ profile, weights }): Promise<FullExport> => {
      const id = await idOf(profile);
      return { ...(await archive.export(id)), adapters: await deps.exportAdapters(id, weights === true) };
    },
    profileRetention: async ({ profile, days }) => {
      const id = await idOf(profile);
      await archive.setRetention(id, days);
      return { profile: id, retentionDays: days };
    },
    profileSelect: async ({ profile }) => {
      await archive.select(profile);
      onActiveChanged();
      return { selected: profile };
    },
    profileCreate: async ({ label }): Promise<Profile> => archive.create(label),
    factEdit: async ({ fact, statement, value }) => {
      const outcome = await archive.editFact(fact, { statement, value });
      if (outcome.kind === "stored") return { edited: fact };
      if (outcome.reason === "unknown_fact") throw new AppError("E_FACT_UNKNOWN", `there is no fact ${fact}`);
      throw new AppError("E_CONSENT_MISSING", "the profile does not allow storing");
    },
    factDelete: async ({ fact }) => {
      if (!(await archive.deleteFact(fact))) throw new AppError("E_FACT_UNKNOWN", `there is no fact ${fact}`);
      return { deleted: fact };
    },
    interactionDelete: async ({ interaction }) => {
      const receipt = await archive.deleteInteraction(interaction);
      if (receipt === null) throw new AppError("E_INTERACTION_UNKNOWN", `there is no interaction ${interaction}`);
      return { ...receipt, revokedAdapters: await deps.onInteractionDeleted(interaction) };
    },
    profileForget: async ({ profile }): Promise<ErasureReceipt> => {
      const receipt = await deps.forget(await idOf(profile));
      onActiveChanged();
      return receipt;
    },
  };
}
