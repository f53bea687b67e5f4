import type { AdaptationStatus } from "../../adapt/adaptation-ports.ts";
import { isJobOver } from "../../adapt/job.ts";
import { JOB_END_REASONS } from "../../adapt/job-end.ts";
import { TRAINING_HOLDS, type TrainingPayload } from "../mqtt/learning-payloads.ts";
import { Pace } from "../mqtt/pace.ts";
import { errorCodes } from "../mqtt/payload-values.ts";
import { PUBLISHED } from "../mqtt/topics.ts";
import { adapterPayloadOf } from "./adapter-topic.ts";
import type { ServiceParts } from "./service-parts.ts";
import { TrainingEvents } from "./training-events.ts";
import { TrainingProgress } from "./training-progress.ts";

/** What other topics need to know of training. */
export interface TrainingTopics {
  readonly progress: TrainingProgress;
  /** Something that they show has changed elsewhere (profile, consent). */
  refresh(): void;
  stop(): void;
}

/** Publishes `training`, `training/metrics`, `adapter` and `event/training`. */
export function publishTraining(parts: ServiceParts): TrainingTopics {
  const { adaptation, governor, learning, models, publisher, clock, log } = parts;
  const progress = new TrainingProgress(clock, (metrics) => publisher.event("training/metrics", metrics));
  const logged = (what: string, work: () => Promise<void>) => () => {
    work().catch((error: unknown) => log.error({ err: String(error) }, `${what} not published`));
  };
  const training = new Pace(
    clock,
    PUBLISHED.training.everyMs,
    logged("training", async () => publisher.publish("training", await trainingPayloadOf(parts, progress))),
  );
  const adapter = new Pace(
    clock,
    PUBLISHED.adapter.everyMs,
    logged("adapter", async () =>
      publisher.publish("adapter", await adapterPayloadOf(parts, progress.pass.progressPct)),
    ),
  );
  const refresh = () => {
    training.wish();
    adapter.wish();
  };
  const events = new TrainingEvents((eventType, job) =>
    publisher.event("event/training", { eventType, job, atMs: clock.now() }),
  );
  const isHeld = () => isStandingStill(parts);
  const stops = [
    progress.follow(adaptation, refresh),
    adaptation.on("job", ({ id, state }) => {
      events.job(id, isJobOver(state) ? (state === "failed" ? "failed" : "finished") : null);
      refresh();
    }),
    adaptation.on("jobEnded", ({ reason }) => events.jobEnded(reason !== "yield" && reason !== "shutdown")),
    adaptation.on("adapter", refresh),
    adaptation.on("rolledBack", () => events.rolledBack()),
    governor.onBudget(() => {
      events.held(isHeld());
      training.wish();
    }),
    learning.onChange(() => {
      events.held(isHeld());
      refresh();
    }),
    models.onLoaded(refresh),
  ];
  refresh();
  return {
    progress,
    refresh,
    stop: () => {
      training.stop();
      adapter.stop();
      for (const stop of stops) stop();
    },
  };
}

/** The owner or the board holds training. A turn of the user does not count: it is over in seconds. */
function isStandingStill({ learning, governor }: Pick<ServiceParts, "learning" | "governor">): boolean {
  const { duty, reason } = governor.budget;
  return learning.hold !== null || (duty <= 0 && reason !== "user_active" && reason !== "starting");
}

async function trainingPayloadOf(parts: ServiceParts, progress: TrainingProgress): Promise<TrainingPayload> {
  const { adaptation, profiles } = parts;
  const status = await adaptation.status();
  const { job, eligibility, newInteractions, adapter, lastFull } = status;
  const active = (await profiles.archive.list()).find(({ isActive }) => isActive);
  const gate = lastFull?.gate ?? null;
  const reason = holdOf(status);
  return {
    job: job?.id ?? null,
    state: stateOf(status, reason),
    kind: job?.kind ?? null,
    ...progress.pass,
    reason,
    examples: active?.interactionCount ?? 0,
    eligible: eligibility.eligible,
    reasons: [...eligibility.reasons],
    newInteractions,
    adapter,
    failure:
      lastFull?.state === "failed"
        ? ([...JOB_END_REASONS, ...errorCodes].find((known) => known === lastFull.failure) ?? "E_INTERNAL")
        : null,
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

/** What holds training back now; null when nothing does. */
function holdOf({ hold, budget }: AdaptationStatus): TrainingPayload["reason"] {
  if (hold !== null) return hold;
  return TRAINING_HOLDS.find((known) => known === budget.reason && known !== "none") ?? null;
}

/** A pass that the governor stopped, or a job that the owner paused, is shown as paused. */
function stateOf({ job, hold, budget }: AdaptationStatus, reason: TrainingPayload["reason"]): TrainingPayload["state"] {
  if (hold === "paused") return "paused";
  if (job === null) return "idle";
  return job.state === "training" && budget.duty <= 0 && reason !== null ? "paused" : job.state;
}
