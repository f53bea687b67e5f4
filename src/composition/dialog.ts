import type { AdaptationService } from "../adapt/adaptation-service.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { AslsConfig } from "../runtime/config/schema.ts";
import { NO_CONSEQUENCE } from "../runtime/dialog/consent-consequence.ts";
import { DialogService } from "../runtime/dialog/dialog-service.ts";
import type { PhaseTracker } from "../runtime/dialog/phase.ts";
import type { Voice } from "../runtime/dialog/ports.ts";
import type { PresenceGate } from "../runtime/dialog/presence.ts";
import { buildPrompt, isSmallModel } from "../runtime/llm/prompt.ts";
import type { Alerts } from "../runtime/service/alerts.ts";
import type { LearningSwitches } from "../runtime/service/learning-switches.ts";
import { memoryOf } from "../runtime/service/memory.ts";
import type { ModelService } from "../runtime/service/model-service.ts";
import type { Profiles } from "../runtime/service/open-profiles.ts";
import { reportSpeech } from "../runtime/service/wiring.ts";
import type { Listener } from "../sensors/listener.ts";

export interface DialogParts {
  readonly profiles: Profiles;
  readonly learning: LearningSwitches;
  readonly models: ModelService;
  readonly voice: Voice;
  readonly listener: Listener | null;
  readonly phase: PhaseTracker;
  readonly presence: PresenceGate;
  readonly alerts: Alerts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asked for when something needs it: the adaptation layer is made later. */
  adaptation(): AdaptationService;
  forgetProfile(profileId: string): Promise<void>;
}

/** The dialogue of this configuration, on the profile database and the model that answers. */
export function makeDialog(config: AslsConfig, parts: DialogParts): DialogService {
  const { profiles, learning, models, listener, phase, presence, alerts, clock } = parts;
  const { persona, addressByName, maxAnswerTokens, temperature } = config.model;
  const isTraining = config.training.enabled;
  const isSmall = () => isSmallModel(models.model?.info.parameters ?? 0);
  const memory = memoryOf(profiles.store, profiles.embedder, () => learning.isEnabled);
  const dialog: DialogService = new DialogService(
    {
      clock,
      log: parts.log.child({ part: "dialog" }),
      memory,
      voice: parts.voice,
      ears: {
        wake: () => {
          if (listener?.wake() !== "listening") dialog.heardNothing("no_speech");
        },
      },
      phase,
      presence,
      model: () => models.model,
      composePrompt: ({ context, history, input }) =>
        buildPrompt({
          persona,
          context,
          recent: history,
          input,
          nowMs: clock.now(),
          timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          addressByName: addressByName === "always" || (addressByName === "auto" && isSmall()),
          isSmallModel: isSmall(),
        }),
      adapterVersion: () => parts.adaptation().activeVersion,
      beforeAnswer: async (input) => {
        if (isTraining && config.training.taskAdapters) await parts.adaptation().routeTo(await memory.domainOf(input));
      },
      forgetProfile: (id) => parts.forgetProfile(id),
      followConsent: async () => {
        if (!isTraining) return NO_CONSEQUENCE;
        const { isJobEnded, before, after } = await parts.adaptation().consentChanged();
        if (before === after) return { ...NO_CONSEQUENCE, isJobEnded };
        return { isJobEnded, adapterSetAside: before, adapterBack: before === null ? after : null };
      },
      onGuest: async (isGuest) => {
        if (isTraining) await parts.adaptation().setGuest(isGuest);
      },
      onSpoken: (report) => reportSpeech(alerts, report),
    },
    { ...config.dialog, maxAnswerTokens, temperature },
  );
  return dialog;
}
