import type { AdapterStore } from "../../adapt/adapter-store.ts";
import { AppError } from "../../core/errors.ts";
import type { Fact, Interaction, ProfileArchive, ProfileStore } from "../../profile/ports.ts";
import type { ControlHandlers } from "../control/control-server.ts";
import { toWire } from "../mqtt/wire-codec.ts";
import type { OwnData } from "./ports.ts";

type Operation = "profileExport" | "factEdit" | "factDelete" | "interactionDelete" | "profileForget";

export interface OwnDataDeps {
  readonly store: Pick<ProfileStore, "active">;
  readonly archive: Pick<ProfileArchive, "summary" | "interactions" | "facts">;
  readonly adapters: Pick<AdapterStore, "list">;
  /** Of the language model that answers; null while there is none. */
  baseSha256(): string | null;
  /** What the control socket offers: the same work whoever asks. */
  readonly operations: Pick<ControlHandlers, Operation>;
}

/** {@link OwnData} of the active profile. Ids of other profiles' rows count as unknown. */
export function ownData({ store, archive, adapters, baseSha256, operations }: OwnDataDeps): OwnData {
  const activeId = async () => (await store.active()).id;
  const nothing = () => {};
  const { signal } = new AbortController();
  const ownFact = async (factId: string) => {
    const facts = await archive.facts(await activeId());
    if (!facts.some(({ id }) => id === factId)) throw new AppError("E_FACT_UNKNOWN", "there is no such fact");
    return factId;
  };
  return {
    summary: async () => {
      const profileId = await activeId();
      const [{ facts, ...profile }, interactions] = await Promise.all([
        archive.summary(profileId),
        archive.interactions(profileId),
      ]);
      const byId = new Map(interactions.map((each) => [each.id, each]));
      return {
        profile: {
          id: profile.id,
          label: profile.label,
          interaction_count: profile.interactionCount,
          consent: profile.consent,
          answer_words: profile.answerWords,
          signal_counts: profile.signalCounts,
          consent_history: profile.consentHistory.map(({ atMs, ...entry }) => ({ at: isoTime(atMs), ...entry })),
        },
        facts: facts.map((fact) =>
          factJson(fact, fact.interactionId === null ? undefined : byId.get(fact.interactionId)),
        ),
      };
    },
    interactions: async (from, limit) => {
      const profileId = await activeId();
      const [newest, facts, versions] = await Promise.all([
        archive.interactions(profileId, from + limit + 1),
        archive.facts(profileId),
        adapters.list(profileId, baseSha256()),
      ]);
      const page = newest.toReversed().slice(from, from + limit);
      const trainedInto = (id: string) =>
        versions
          .filter(({ manifest, state }) => state !== "revoked" && manifest.trainedInteractionIds.includes(id))
          .map(({ manifest }) => manifest.version);
      return {
        interactions: page.map((each) => ({
          ...interactionJson(each),
          facts: facts.filter(({ interactionId }) => interactionId === each.id).map(({ statement }) => statement),
          trained_into: trainedInto(each.id),
        })),
        has_more: newest.length > from + limit,
      };
    },
    editFact: async (fact, change) =>
      wired(operations.factEdit({ fact: await ownFact(fact), ...change }, nothing, signal)),
    deleteFact: async (fact) => wired(operations.factDelete({ fact: await ownFact(fact) }, nothing, signal)),
    deleteInteraction: async (interaction) => {
      const interactions = await archive.interactions(await activeId());
      if (!interactions.some(({ id }) => id === interaction)) {
        throw new AppError("E_INTERACTION_UNKNOWN", "there is no such conversation");
      }
      return wired(operations.interactionDelete({ interaction }, nothing, signal));
    },
    // The same file as `asls profile export` writes.
    export: async () => asObject(await operations.profileExport({ profile: await activeId() }, nothing, signal)),
    forget: async (profileId) => {
      if (profileId !== (await activeId())) throw new AppError("E_PROFILE_UNKNOWN", "this is not the active profile");
      return wired(operations.profileForget({ profile: profileId }, nothing, signal));
    },
  };
}

/** What an operation answered, with names as on the wire. */
async function wired(work: Promise<unknown>): Promise<object> {
  return asObject(JSON.parse(toWire(asObject(await work))));
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function factJson({ id, kind, statement, value, updatedAtMs }: Fact, source: Interaction | undefined): object {
  const origin = source === undefined ? null : { id: source.id, input: source.input, at: isoTime(source.atMs) };
  return { id, kind, statement, value, updated_at: isoTime(updatedAtMs), source: origin };
}

function interactionJson({ id, atMs, modality, input, answer, domain, signals, satisfaction }: Interaction): object {
  return {
    id,
    at: isoTime(atMs),
    modality,
    input,
    answer,
    domain,
    signals: signals.map(({ kind, atMs: signalMs, correction }) => ({ kind, at: isoTime(signalMs), correction })),
    satisfaction,
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
