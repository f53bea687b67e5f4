import type { AdapterListing } from "../../adapt/adapter-store.ts";
import { tempoOf } from "../../adapt/job.ts";
import { AppError } from "../../core/errors.ts";
import type { ControlHandlers } from "../control/control-server.ts";
import { explainProfile } from "./explain-profile.ts";
import type { ServiceParts } from "./service-parts.ts";

type AdaptationMethod =
  | "profileExplain"
  | "trainNow"
  | "trainStatus"
  | "trainWatch"
  | "trainCancel"
  | "trainPause"
  | "learning"
  | "adapterList"
  | "adapterShow"
  | "adapterActivate"
  | "adapterRollback"
  | "adapterDiff";

const MAX_DIFF_TOKENS = 48;

/** Training and adapters on the control socket. */
export function adaptationControls(parts: ServiceParts): Pick<ControlHandlers, AdaptationMethod> {
  const { adaptation, adapters, learning, profiles, models } = parts;
  const idOf = async (given: string | null) => given ?? (await profiles.store.active()).id;
  const listOf = async (given: string | null) => adapters.list(await idOf(given), models.model?.info.sha256 ?? null);
  return {
    profileExplain: async ({ profile }) => explainProfile(await idOf(profile), parts),
    trainNow: async () => {
      await adaptation.trainNow();
      return { queued: true };
    },
    trainStatus: () => adaptation.status(),
    trainWatch: ({ untilDone }, emit, signal) => watchTraining(parts, untilDone, emit, signal),
    trainCancel: async () => ({ cancelled: await adaptation.cancel() }),
    trainPause: async ({ paused }) => {
      await learning.setPaused(paused);
      await adaptation.holdChanged();
      return { paused: learning.isPaused };
    },
    learning: async ({ enabled }) => {
      await learning.setEnabled(enabled);
      await adaptation.holdChanged();
      return { enabled: learning.isEnabled };
    },
    adapterList: async ({ profile }) => (await listOf(profile)).map(listingJson),
    adapterShow: async ({ profile, version }) => {
      const found = (await listOf(profile)).find(({ manifest }) => manifest.version === version);
      if (found === undefined) throw new AppError("E_ADAPTER_UNKNOWN", `there is no adapter ${version}`);
      return { ...found.manifest, state: found.state, hasFile: found.hasFile };
    },
    adapterActivate: async ({ version }) => {
      await adaptation.activate(version);
      return { active: adaptation.activeVersion };
    },
    adapterRollback: async () => ({ active: await adaptation.rollback() }),
    adapterDiff: ({ prompts }, _emit, signal) => diff(parts, prompts, signal),
  };
}

function listingJson({ manifest, state, hasFile }: AdapterListing) {
  const { version, kind, domain, createdAtMs, parent, base, gate, trainedInteractionIds, sizeBytes } = manifest;
  return {
    version,
    state,
    kind,
    domain,
    createdAtMs,
    parent,
    base: base.name,
    trainedOn: trainedInteractionIds.length,
    heldOutBefore: gate.heldOut.before,
    heldOutAfter: gate.heldOut.after,
    generalRise: gate.generalRise,
    reasons: gate.reasons,
    sizeBytes,
    hasFile,
  };
}

/** Events of jobs, trainer and adapter. */
async function watchTraining(
  { adaptation }: ServiceParts,
  untilDone: boolean,
  emit: (event: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<unknown> {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stops = [
    adaptation.on("trainer", (event) => {
      if (event.kind !== "result") emit("trainer", event);
    }),
    adaptation.on("adapter", (adapter) => emit("adapter", adapter)),
    adaptation.on("job", (job) => {
      emit("job", job);
      if (
        untilDone &&
        tempoOf(job.kind) === "full" &&
        (job.state === "active" || job.state === "rejected" || job.state === "failed")
      )
        end();
    }),
  ];
  signal.addEventListener("abort", () => end(), { once: true });
  emit("watching", null);
  await ended;
  for (const stop of stops) stop();
  return await adaptation.status();
}

/**
 * The same prompts answered without and with the adapter in use, by a second instance of the model, so that the one the
 * user speaks with is not disturbed (their weights share memory).
 *
 * @throws AppError E_ADAPTER_UNKNOWN when none is in use.
 */
async function diff(
  { adaptation, adapters, profiles, openModel, composePlain }: ServiceParts,
  prompts: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  const version = adaptation.activeVersion;
  if (version === null) throw new AppError("E_ADAPTER_UNKNOWN", "no adapter is in use");
  const { id } = await profiles.store.active();
  const path = await adapters.open(id, version);
  await using model = await openModel(signal);
  const answers = async () => {
    const texts: string[] = [];
    for (const prompt of prompts) {
      const request = { messages: composePlain(prompt), maxTokens: MAX_DIFF_TOKENS, temperature: 0, seed: null };
      texts.push((await model.generate({ ...request, onText: () => {} }, signal)).text);
    }
    return texts;
  };
  const without = await answers();
  await model.useAdapters([{ path, scale: 1 }]);
  const withAdapter = await answers();
  return {
    version,
    prompts: prompts.map((prompt, i) => ({ prompt, without: without[i] ?? "", with: withAdapter[i] ?? "" })),
  };
}
