import type { AdapterListing } from "../../adapt/adapter-store.ts";
import { isJobOver } from "../../adapt/job.ts";
import type { SafetyFigure } from "../../adapt/monitor/safety-verdict.ts";
import type { SafetyPayload } from "../mqtt/learning-payloads.ts";
import { Pace } from "../mqtt/pace.ts";
import { PUBLISHED } from "../mqtt/topics.ts";
import type { ServiceParts } from "./service-parts.ts";

/** Publishes `safety` as candidates are probed, adapters change and profiles change. Returns what stops it. */
export function publishSafety(parts: ServiceParts): () => void {
  const { adaptation, adapters, profiles, models, publisher, clock, log } = parts;
  const publish = async () => {
    const { id } = await profiles.store.active();
    const listings = await adapters.list(id, models.model?.info.sha256 ?? null);
    publisher.publish("safety", safetyPayloadOf(listings, adaptation.activeVersion));
  };
  const pace = new Pace(clock, PUBLISHED.safety.everyMs, () => {
    publish().catch((error: unknown) => log.error({ err: String(error) }, "safety not published"));
  });
  const refresh = () => pace.wish();
  const stops = [
    adaptation.on("job", ({ state }) => {
      if (isJobOver(state)) refresh();
    }),
    adaptation.on("adapter", refresh),
    models.onLoaded(refresh),
    parts.onProfileChange(refresh),
    () => pace.stop(),
  ];
  refresh();
  return () => {
    for (const stop of stops) stop();
  };
}

/** @param listings of the active profile, oldest first. */
export function safetyPayloadOf(listings: readonly AdapterListing[], installed: string | null): SafetyPayload {
  const probed = listings.flatMap(({ manifest: { version, kind, createdAtMs, gate } }) =>
    gate.safety === null ? [] : [{ version, kind, createdAtMs, safety: gate.safety }],
  );
  const shown = (one: (typeof probed)[number] | undefined): SafetyPayload["last"] => {
    if (one === undefined) return null;
    const { version, kind, createdAtMs, safety } = one;
    return {
      version,
      kind,
      atMs: createdAtMs,
      passed: safety.passed,
      reasons: [...safety.reasons],
      identity: figureOf(safety.identity),
      agreement: figureOf(safety.agreement),
      refusal: figureOf(safety.refusal),
    };
  };
  return {
    probed: probed.length,
    refused: probed.filter(({ safety }) => !safety.passed).length,
    installed: shown(probed.find(({ version }) => version === installed)),
    last: shown(probed.at(-1)),
  };
}

function figureOf({ base, candidate, drift, low, high, bound }: SafetyFigure) {
  return { base, candidate, drift, low, high, bound };
}
