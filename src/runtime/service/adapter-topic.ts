import type { AdapterListing } from "../../adapt/adapter-store.ts";
import type { GateDecision } from "../../adapt/gate.ts";
import { type AdapterPayload, BASE_ALONE, MAX_LISTED_VERSIONS } from "../mqtt/learning-payloads.ts";
import type { ServiceParts } from "./service-parts.ts";

/** The `adapter` topic of the active profile. @param updatePercentage of the job under way; null = unknown or none. */
export async function adapterPayloadOf(
  { adapters, adaptation, profiles, models }: Pick<ServiceParts, "adapters" | "adaptation" | "profiles" | "models">,
  updatePercentage: number | null,
): Promise<AdapterPayload> {
  const base = models.model?.info.sha256 ?? null;
  const { id } = await profiles.store.active();
  // A task adapter is not an update of the general one.
  const listings = (await adapters.list(id, base)).filter(({ manifest }) => manifest.domain === null);
  const { job } = await adaptation.status();
  const installed = adaptation.generalVersion;
  const newest = listings.findLast(isInstallable)?.manifest.version ?? null;
  return {
    installedVersion: installed ?? BASE_ALONE,
    latestVersion: newest ?? installed ?? BASE_ALONE,
    inProgress: job !== null,
    updatePercentage: job === null ? null : updatePercentage,
    baseSha256: base,
    gate: gateOf(listings.find(({ manifest }) => manifest.version === installed)?.manifest.gate ?? null),
    rollbackVersion:
      installed === null ? null : (listings.find(({ state }) => state === "previous")?.manifest.version ?? null),
    versions: listings.slice(-MAX_LISTED_VERSIONS).map(versionOf),
  };
}

/** May be put into use: its gate let it through, nobody revoked it, it is for this model, and its weights are there. */
function isInstallable({ state, hasFile }: AdapterListing): boolean {
  return hasFile && (state === "staged" || state === "active" || state === "previous" || state === "retired");
}

function versionOf({ manifest, state, hasFile }: AdapterListing): AdapterPayload["versions"][number] {
  const { version, kind, createdAtMs, parent, trainedInteractionIds, sizeBytes, gate } = manifest;
  return {
    version,
    state,
    kind,
    createdAtMs,
    parent,
    examples: trainedInteractionIds.length,
    sizeBytes,
    usable: hasFile,
    gate: gateOf(gate),
  };
}

function gateOf(gate: GateDecision): NonNullable<AdapterPayload["gate"]>;
function gateOf(gate: GateDecision | null): AdapterPayload["gate"];
function gateOf(gate: GateDecision | null): AdapterPayload["gate"] {
  if (gate === null) return null;
  return {
    baseLoss: gate.heldOut.before,
    candidateLoss: gate.heldOut.after,
    generalRisePct: 100 * gate.generalRise,
    passed: gate.promoted,
    reasons: [...gate.reasons],
  };
}
