import type { AdaptationStatus } from "../../adapt/adaptation-ports.ts";
import { INELIGIBLE_REASONS, type IneligibleReason } from "../../adapt/eligibility.ts";
import { isAppError } from "../../core/errors.ts";
import type { TrainingPayload } from "../mqtt/payloads.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import type { ServiceParts } from "./service-parts.ts";

/** Training's requests over MQTT. */
export function adaptationRequests({
  adaptation,
}: ServiceParts): Pick<RequestHandlers, "training/start" | "training/cancel" | "adapter/rollback"> {
  return {
    "training/start": async () => {
      try {
        await adaptation.trainNow();
        return { outcome: "queued", reasons: [] };
      } catch (error) {
        if (!isAppError(error, "E_TRAINING_INELIGIBLE")) throw error;
        return { outcome: "declined", reasons: reasonsOf(error.details.reasons) };
      }
    },
    "training/cancel": async () => ({ cancelled: await adaptation.cancel() }),
    "adapter/rollback": async () => ({ adapter: await adaptation.rollback() }),
  };
}

/** Publishes the `training` topic when a job or the adapter in use changes. Returns what stops it. */
export function publishTraining({ adaptation, models, publisher, log }: ServiceParts): () => void {
  const publish = () => {
    adaptation
      .status()
      .then((status) => publisher.publish("training", trainingPayloadOf(status)))
      .catch((error: unknown) => log.error({ err: String(error) }, "training not published"));
  };
  const stops = [adaptation.on("job", publish), adaptation.on("adapter", publish), models.onLoaded(publish)];
  publish();
  return () => {
    for (const stop of stops) stop();
  };
}

function trainingPayloadOf({
  job,
  eligibility,
  newInteractions,
  adapter,
  lastFull,
}: AdaptationStatus): TrainingPayload {
  const gate = lastFull?.gate ?? null;
  return {
    state: job?.state ?? "idle",
    kind: job?.kind ?? null,
    eligible: eligibility.eligible,
    reasons: [...eligibility.reasons],
    newInteractions,
    adapter,
    last:
      lastFull === null || gate === null
        ? null
        : {
            atMs: lastFull.createdAtMs,
            promoted: gate.promoted,
            reasons: [...gate.reasons],
            lossBefore: gate.heldOut.before,
            lossAfter: gate.heldOut.after,
            generalRisePct: 100 * gate.generalRise,
          },
  };
}

function reasonsOf(joined: string | number | boolean | null | undefined): IneligibleReason[] {
  const named = String(joined ?? "").split(",");
  return INELIGIBLE_REASONS.filter((reason) => named.includes(reason));
}
