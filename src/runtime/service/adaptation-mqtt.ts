import { INELIGIBLE_REASONS, type IneligibleReason } from "../../adapt/eligibility.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { RequestHandlers } from "../mqtt/requests.ts";
import { adapterPayloadOf } from "./adapter-topic.ts";
import type { ServiceParts } from "./service-parts.ts";

type LearningVerb =
  | "learning/set"
  | "training/start"
  | "training/pause"
  | "training/resume"
  | "training/cancel"
  | "adapter/activate"
  | "adapter/rollback";

/** Requests about learning, training and adapters over MQTT. */
export function adaptationRequests(parts: ServiceParts): Pick<RequestHandlers, LearningVerb> {
  const { adaptation, learning } = parts;
  return {
    "learning/set": async ({ enabled }) => {
      await learning.setEnabled(enabled);
      await adaptation.holdChanged();
      return { enabled: learning.isEnabled };
    },
    "training/start": async () => {
      try {
        await adaptation.trainNow();
        return { outcome: "queued", reasons: [] };
      } catch (error) {
        if (!isAppError(error, "E_TRAINING_INELIGIBLE")) throw error;
        return { outcome: "declined", reasons: reasonsOf(error.details.reasons) };
      }
    },
    "training/pause": async () => {
      await learning.setPaused(true);
      await adaptation.holdChanged();
      return { paused: learning.isPaused };
    },
    "training/resume": async () => {
      await learning.setPaused(false);
      await adaptation.holdChanged();
      return { paused: learning.isPaused };
    },
    "training/cancel": async () => ({ cancelled: await adaptation.cancel() }),
    "adapter/activate": async ({ version }) => {
      await adaptation.activate(version ?? (await latestVersion(parts)));
      return { adapter: adaptation.activeVersion };
    },
    "adapter/rollback": async () => ({ adapter: await adaptation.rollback() }),
  };
}

/** @throws AppError E_ADAPTER_UNKNOWN when no version has passed its gate. */
async function latestVersion(parts: ServiceParts): Promise<string> {
  const { latestVersion: latest, versions } = await adapterPayloadOf(parts, null);
  if (versions.some(({ version }) => version === latest)) return latest;
  throw new AppError("E_ADAPTER_UNKNOWN", "no version has passed its gate yet");
}

function reasonsOf(joined: string | number | boolean | null | undefined): IneligibleReason[] {
  const named = String(joined ?? "").split(",");
  return INELIGIBLE_REASONS.filter((reason) => named.includes(reason));
}
