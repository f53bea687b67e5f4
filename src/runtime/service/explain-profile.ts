import type { AdapterManifest } from "../../adapt/adapter-manifest.ts";
import { answerCorrection, correctionId } from "../../adapt/examples.ts";
import type { Interaction, ProfileSummary } from "../../profile/ports.ts";
import type { ServiceParts } from "./service-parts.ts";

/** Where something that is believed or was learned comes from. User text. */
export interface ExplainedSource {
  readonly interactionId: string;
  readonly atMs: number;
  readonly input: string;
}

/** One interaction, and what came of it. User text. */
export interface ExplainedInteraction extends ExplainedSource {
  readonly answer: string;
  readonly signals: Interaction["signals"];
  readonly satisfaction: Interaction["satisfaction"];
  /** Facts learned from it that still stand. */
  readonly facts: readonly string[];
  /** Versions of adapters that were trained on it and still exist. */
  readonly adapters: readonly string[];
}

/** What the assistant believes about its user, from which interactions, and what that changed. */
export interface ProfileExplanation {
  readonly profileId: string;
  readonly facts: readonly {
    readonly id: string;
    readonly kind: string;
    readonly statement: string;
    /** Null when it was typed in, or its interaction is gone. */
    readonly source: ExplainedSource | null;
  }[];
  /** All of them, oldest first. */
  readonly interactions: readonly ExplainedInteraction[];
  readonly answerWords: number | null;
  readonly domains: ProfileSummary["domains"];
  readonly corrections: readonly {
    readonly source: ExplainedSource;
    readonly answer: string;
    readonly correction: string;
    /** True when the adapter in use was trained on it. */
    readonly isLearned: boolean;
  }[];
  /** Newest turns whose phrases may come up in answers. */
  readonly phraseTurns: number;
  readonly adapter: {
    readonly version: string;
    readonly createdAtMs: number;
    readonly trainedInteractions: number;
    readonly ofInteractions: number;
    /** Perplexity per token of the user's newest words, never trained on. */
    readonly perplexityBefore: number;
    readonly perplexityAfter: number;
    readonly generalRise: number;
  } | null;
}

export async function explainProfile(
  profileId: string,
  { profiles, adapters, models, phrases }: Pick<ServiceParts, "profiles" | "adapters" | "models" | "phrases">,
): Promise<ProfileExplanation> {
  const summary = await profiles.archive.summary(profileId);
  const interactions = await profiles.archive.interactions(profileId);
  const base = models.model?.info.sha256 ?? null;
  const manifest = base === null ? null : await adapters.active(profileId, base);
  const byId = new Map(interactions.map((each) => [each.id, each]));
  const trained = new Set(manifest?.trainedExampleIds ?? []);
  const versions = (await adapters.list(profileId, base)).filter(({ hasFile }) => hasFile);
  return {
    profileId,
    facts: summary.facts.map(({ id, kind, statement, interactionId }) => {
      const origin = interactionId === null ? undefined : byId.get(interactionId);
      return { id, kind, statement, source: origin === undefined ? null : sourceOf(origin) };
    }),
    interactions: interactions.map((each) => ({
      ...sourceOf(each),
      answer: each.answer,
      signals: each.signals,
      satisfaction: each.satisfaction,
      facts: summary.facts.flatMap((fact) => (fact.interactionId === each.id ? [fact.statement] : [])),
      adapters: versions.flatMap(({ manifest: { version, trainedInteractionIds } }) =>
        trainedInteractionIds.includes(each.id) ? [version] : [],
      ),
    })),
    answerWords: summary.answerWords,
    domains: summary.domains,
    corrections: interactions.flatMap((each, i) => {
      const correction = answerCorrection(each, interactions[i + 1]);
      if (correction === null) return [];
      return [{ source: sourceOf(each), answer: each.answer, correction, isLearned: trained.has(correctionId(each)) }];
    }),
    phraseTurns: summary.isActive ? phrases.turns : 0,
    adapter: manifest === null ? null : adapterFacts(manifest, interactions.length),
  };
}

function sourceOf({ id, atMs, input }: Interaction): ExplainedSource {
  return { interactionId: id, atMs, input };
}

function adapterFacts({ version, createdAtMs, trainedInteractionIds, gate }: AdapterManifest, ofInteractions: number) {
  return {
    version,
    createdAtMs,
    trainedInteractions: trainedInteractionIds.length,
    ofInteractions,
    perplexityBefore: Math.exp(gate.heldOut.before),
    perplexityAfter: Math.exp(gate.heldOut.after),
    generalRise: gate.generalRise,
  };
}
