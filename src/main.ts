import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { makeAdaptation } from "./composition/adaptation.ts";
import { makeControls } from "./composition/controls.ts";
import { addressOf, makeDashboard } from "./composition/dashboard.ts";
import { makeEars, openRecogniser } from "./composition/ears.ts";
import { makeFreezer } from "./composition/freezer.ts";
import { makeGovernor } from "./composition/governor.ts";
import { fileWriteError } from "./core/atomic-file.ts";
import { packageRoot } from "./core/built-file.ts";
import { type Clock, SystemClock } from "./core/clock.ts";
import { AppError } from "./core/errors.ts";
import { EventBus } from "./core/event-bus.ts";
import type { Logger } from "./core/logger.ts";
import type { Service } from "./core/service.ts";
import type { LoadedConfig } from "./runtime/config/load-config.ts";
import type { AslsConfig } from "./runtime/config/schema.ts";
import { isServiceListening } from "./runtime/control/control-client.ts";
import { ControlServer } from "./runtime/control/control-server.ts";
import { controlSocketPath } from "./runtime/control/socket-path.ts";
import type { DashboardAddress } from "./runtime/dashboard/dashboard-server.ts";
import { NO_CONSEQUENCE } from "./runtime/dialog/consent-consequence.ts";
import { DialogService } from "./runtime/dialog/dialog-service.ts";
import { PhaseTracker } from "./runtime/dialog/phase.ts";
import { PresenceGate } from "./runtime/dialog/presence.ts";
import { DiscoveryOffer } from "./runtime/homeassistant/discovery-offer.ts";
import { LlamaCppLanguageModel } from "./runtime/llm/llama-cpp-language-model.ts";
import { extraArchitecturesOf, modelPathOf } from "./runtime/llm/model-file.ts";
import { buildPrompt, isSmallModel } from "./runtime/llm/prompt.ts";
import { createStatusPublisher } from "./runtime/mqtt/status-publisher.ts";
import { createSpeechOutput } from "./runtime/output/speech-output.ts";
import { readLeftAlerts } from "./runtime/service/alert-topics.ts";
import { Alerts } from "./runtime/service/alerts.ts";
import { controlHandlers } from "./runtime/service/control-bindings.ts";
import { readDeviceId } from "./runtime/service/device-id.ts";
import { forgetProfile } from "./runtime/service/forget-profile.ts";
import { KeyService } from "./runtime/service/key-service.ts";
import { LearningSwitches } from "./runtime/service/learning-switches.ts";
import { Lifecycle, type ServiceStep } from "./runtime/service/lifecycle.ts";
import type { LogLevel, ServiceLog } from "./runtime/service/log.ts";
import { LoopLag } from "./runtime/service/loop-lag.ts";
import { memoryOf } from "./runtime/service/memory.ts";
import { ModelService } from "./runtime/service/model-service.ts";
import { requestHandlers } from "./runtime/service/mqtt-bindings.ts";
import { openProfiles } from "./runtime/service/open-profiles.ts";
import { PhraseKeeper } from "./runtime/service/phrase-keeper.ts";
import { ProfileTopics } from "./runtime/service/profile-topics.ts";
import { PROFILE_TOPICS_FILE } from "./runtime/service/published-profiles.ts";
import { RetentionClock } from "./runtime/service/retention-clock.ts";
import { RetryingService } from "./runtime/service/retrying-service.ts";
import type { ServiceParts } from "./runtime/service/service-parts.ts";
import { publishStatus } from "./runtime/service/status-topics.ts";
import type { ServiceManager } from "./runtime/service/systemd-notify.ts";
import type { VirtualBoard } from "./runtime/service/virtual-board.ts";
import { whoSpeaks } from "./runtime/service/voice-identity.ts";
import { Watchdog } from "./runtime/service/watchdog.ts";
import {
  inBackground,
  reportSpeech,
  wireAdaptation,
  wireButtons,
  wireListener,
  wirePhrases,
  wireVoices,
} from "./runtime/service/wiring.ts";
import type { Listener } from "./sensors/listener.ts";
import { VirtualLed } from "./sensors/virtual-led.ts";

/** A service that is composed and not started yet. */
export interface AslsService {
  /** @throws AppError of the first part that the service cannot do without; what had started is stopped. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends every part within its deadline; names of those that did not end in time. */
  stop(): Promise<readonly string[]>;
  /** Where the device's page is; null while it is off or not there. */
  readonly dashboard: DashboardAddress | null;
  /** Resolves with the exit code when a part asks for the end of the service. */
  readonly exitRequested: Promise<number>;
}

export interface ComposeDeps {
  readonly loaded: LoadedConfig;
  readonly log: ServiceLog;
  readonly manager: ServiceManager;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Newest turns whose phrases answers may take up: about 30,000 tokens, a few MB. */
const PHRASE_LIMIT = 500;

interface Events {
  exit: number;
  mute: boolean;
  logLevel: LogLevel;
  profile: null;
}

/**
 * How long a part may take to start, ms. Long, since a card that is busy or an emulated processor is no fault: the service
 * manager has a limit for the whole.
 */
const START_MS = 300_000;

/**
 * The composition root: makes every part from the configuration and connects them. Opens the profile database; starts
 * nothing else.
 *
 * @throws AppError E_ALREADY_RUNNING, E_FILE_UNWRITABLE, and what opening the profile database throws.
 */
export async function composeService({ loaded, log, manager, env }: ComposeDeps): Promise<AslsService> {
  const { config, board } = loaded;
  const clock = new SystemClock();
  const startedMs = clock.monotonicMs();
  await makeFolders([config.paths.stateDir, config.paths.runtimeDir]);
  const socketPath = controlSocketPath(config.paths.runtimeDir);
  if (await isServiceListening(socketPath)) {
    throw new AppError("E_ALREADY_RUNNING", `another asls answers on ${socketPath}`);
  }
  const onHandlerError = (event: string, error: unknown) => log.error({ event, err: String(error) }, "handler failed");
  const bus = new EventBus<Events>(onHandlerError);
  const alerts = new Alerts(() => clock.now(), onHandlerError);
  const phase = new PhaseTracker(clock, onHandlerError);
  const presence = new PresenceGate(clock);
  const deviceId = await readDeviceId(config.paths.stateDir, board.name);
  const profiles = await openProfiles(config, { clock, logger: log.child({ part: "profile" }), env });
  const learning = await LearningSwitches.open(join(config.paths.stateDir, "learning.json"), log);
  const { version } = JSON.parse(await readFile(`${packageRoot}package.json`, "utf8")) as { version: string };

  const models = new ModelService((signal) => loadModel(config, clock, log, signal), { alerts, clock, log });
  const loopLag = new LoopLag();
  const healthChecks = [
    loopLag.check(config.service.loopLagMs),
    {
      name: "database",
      check: async () => ((await profiles.database.get("SELECT 1 AS one")) === undefined ? "no answer" : null),
    },
  ];
  let isVoiceWanted = false;
  const { listener, virtualMicrophone } = makeEars(config, clock, log, () => isVoiceWanted);
  const virtualLed = new VirtualLed();
  const { gestures, virtualButtons, led } = makeControls(config, clock, log, virtualLed);
  const speech = createSpeechOutput(config, {
    clock,
    log,
    onProblem: (error) => alerts.raise(error.code, error.message, error.hint),
  });
  const isSmall = () => isSmallModel(models.model?.info.parameters ?? 0);
  const dialog = new DialogService(
    {
      clock,
      log: log.child({ part: "dialog" }),
      memory: memoryOf(profiles.store, profiles.embedder, () => learning.isEnabled),
      voice: speech.speaker,
      ears: { wake: () => wakeEars(listener, dialog) },
      phase,
      presence,
      model: () => models.model,
      composePrompt: ({ context, history, input }) =>
        buildPrompt({
          persona: config.model.persona,
          context,
          recent: history,
          input,
          nowMs: clock.now(),
          timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          addressByName:
            config.model.addressByName === "always" || (config.model.addressByName === "auto" && isSmall()),
          isSmallModel: isSmall(),
        }),
      adapterVersion: () => adaptation.activeVersion,
      forgetProfile: async (id) => {
        await forgetProfile(parts, id);
      },
      followConsent: async () => {
        if (!config.training.enabled) return NO_CONSEQUENCE;
        const { isJobEnded, before, after } = await adaptation.consentChanged();
        if (before === after) return { ...NO_CONSEQUENCE, isJobEnded };
        return { isJobEnded, adapterSetAside: before, adapterBack: before === null ? after : null };
      },
      onGuest: async (isGuest) => {
        if (config.training.enabled) await adaptation.setGuest(isGuest);
      },
      onSpoken: (report) => reportSpeech(alerts, report),
    },
    { ...config.dialog, maxAnswerTokens: config.model.maxAnswerTokens, temperature: config.model.temperature },
  );
  const phrases = new PhraseKeeper({
    store: profiles.store,
    archive: profiles.archive,
    log: log.child({ part: "phrases" }),
    limit: Math.min(PHRASE_LIMIT, config.profile.recallLimit),
    model: () => models.model,
    isWanted: ({ info }) =>
      config.model.phraseMemory === "always" || (config.model.phraseMemory === "auto" && isSmallModel(info.parameters)),
  });
  const { governor, virtualSensors } = makeGovernor(loaded, alerts, clock, log);
  const freezer = await makeFreezer(config.training.memoryMb, log.child({ part: "adaptation" }));
  const layers = { profiles, models, governor, learning, freezer, alerts, clock, log };
  const { adaptation, adapters } = makeAdaptation(config, layers);
  const alertsFile = join(config.paths.stateDir, "mqtt-alerts.json");
  const leftAlerts = await readLeftAlerts(alertsFile, log);
  const discovery = new DiscoveryOffer(config.mqtt, clock, Math.random);
  const publisher = createStatusPublisher(config.mqtt, deviceId, {
    clock,
    ...(leftAlerts !== null && { leftAlerts }),
    listenTo: { topics: discovery.topics, received: (message) => discovery.received(message) },
    log: log.child({ part: "mqtt" }),
    onConnection: (error) => {
      alerts.clear("E_MQTT_UNREACHABLE");
      if (error !== null) alerts.raise("E_MQTT_UNREACHABLE", error.message, error.hint);
    },
  });
  const virtual: VirtualBoard | null =
    virtualButtons === null || virtualMicrophone === null
      ? null
      : {
          press: (button, holdMs) => virtualButtons.press(button, holdMs),
          say: (audio) => virtualMicrophone.say(audio),
          isLedOn: () => virtualLed.isOn,
          setMicrophonePlugged: (isPlugged) => (isPlugged ? virtualMicrophone.plug() : virtualMicrophone.unplug()),
        };
  discovery.attach(publisher);
  const profileTopics = new ProfileTopics(join(config.paths.stateDir, PROFILE_TOPICS_FILE), {
    profiles,
    adapters,
    models,
    publisher,
    clock,
    log,
  });
  let isMuted = false;
  const parts: ServiceParts = {
    loaded,
    version,
    clock,
    log,
    alerts,
    phase,
    presence,
    profiles,
    models,
    dialog,
    listener,
    governor,
    virtualSensors,
    adaptation,
    adapters,
    phrases,
    publisher,
    virtual,
    profileTopics,
    discovery,
    deviceId,
    alertsFile,
    leftAlerts,
    learning,
    loopLag,
    healthChecks,
    startedMs,
    openRecogniser: () => openRecogniser(config, clock),
    openModel: (signal) => loadModel(config, clock, log, signal),
    composePlain: (input) => [
      { role: "system", content: config.model.persona },
      { role: "user", content: input },
    ],
    whoSpeaks: (voice) =>
      whoSpeaks({ store: profiles.store, threshold: config.speaker.threshold, isGuest: () => dialog.isGuest }, voice),
    isMuted: () => isMuted,
    setMuted: async (muted) => {
      await listener?.setMuted(muted);
      isMuted = muted;
      bus.emit("mute", muted);
    },
    profileChanged: () => {
      inBackground(log, "changing the profile's adapter", () => adaptation.profileChanged());
      bus.emit("profile", null);
    },
    onProfileChange: (handler) => bus.on("profile", handler),
    logLevel: () => log.level,
    setLogLevel: (level) => {
      log.level = level;
      bus.emit("logLevel", level);
    },
    onLogLevelChange: (handler) => bus.on("logLevel", handler),
    onProblem: (handler) => {
      log.onProblem = handler;
      return () => {
        log.onProblem = null;
      };
    },
    onMuteChange: (handler) => bus.on("mute", handler),
    onGesture: (handler) => gestures.on("gesture", handler),
    exit: (code, reason) => {
      log.info({ code, reason }, "the service was asked to end");
      bus.emit("exit", code);
    },
  };
  if (listener !== null) wireListener(listener, parts);
  wireVoices(parts, (wanted) => {
    isVoiceWanted = wanted;
  });
  wireButtons(gestures, parts);
  const requests = requestHandlers(parts);
  publisher.onRequest(requests);
  const controls = controlHandlers(parts);
  const dashboard = makeDashboard(config, deviceId, parts, { requests, controls });
  phase.onChange(({ phase: now }) => governor.userActive(now !== "idle"));
  if (config.training.enabled) wireAdaptation(parts);
  wirePhrases(parts);

  const retrying = (service: Service) => new RetryingService(service, { alerts, clock, log });
  const steps: ServiceStep[] = [
    { service: loopLag, startMs: START_MS, stopMs: 500 },
    {
      service: { name: "profiles", start: async () => {}, stop: () => profiles.close() },
      startMs: START_MS,
      stopMs: 2_000,
    },
    { service: new KeyService(profiles.keys, adaptation, log), startMs: START_MS, stopMs: 2_000 },
    {
      service: new RetentionClock({
        archive: profiles.archive,
        clock,
        log: log.child({ part: "profile" }),
        defaultDays: config.profile.retentionDays,
        onDeleted: async (ids) => {
          profileTopics.refresh();
          await phrases.refresh();
          await phrases.refresh();
          await adaptation.interactionsDeleted(ids);
        },
      }),
      startMs: START_MS,
      stopMs: 2_000,
    },
    ...(config.model.enabled ? [{ service: models, startMs: START_MS, stopMs: 2_000 }] : []),
    { service: governor, startMs: START_MS, stopMs: 1_000 },
    ...(config.training.enabled ? [{ service: adaptation, startMs: START_MS, stopMs: 3_000 }] : []),
    { service: speech, startMs: START_MS, stopMs: 1_000 },
    {
      service: { name: "dialog", start: () => dialog.start(), stop: () => dialog.stop() },
      startMs: START_MS,
      stopMs: 2_000,
    },
    ...(led === null ? [] : [{ service: retrying(led), startMs: START_MS, stopMs: 500 }]),
    ...(listener === null ? [] : [{ service: listener, startMs: START_MS, stopMs: 2_000 }]),
    { service: retrying(gestures), startMs: START_MS, stopMs: 500 },
    { service: publisher, startMs: START_MS, stopMs: 3_000 },
    ...(dashboard === null ? [] : [{ service: retrying(dashboard), startMs: START_MS, stopMs: 1_000 }]),
    {
      service: new ControlServer(socketPath, { ...controls, dashboard: async () => addressOf(dashboard) }, log),
      startMs: START_MS,
      stopMs: 500,
    },
    { service: new Watchdog(manager, healthChecks, clock, log), startMs: START_MS, stopMs: 500 },
  ];
  const lifecycle = new Lifecycle(steps, clock, log);
  let stopPublishing = () => {};
  return {
    start: async (signal) => {
      stopPublishing = publishStatus(parts);
      if (led !== null) phase.onChange(({ phase: shown }) => led.show(shown));
      await lifecycle.start(signal);
      log.info({ version, board: board.name, ready_ms: Math.round(clock.monotonicMs() - startedMs) }, "ready");
      manager.ready();
      manager.status("healthy");
    },
    stop: async () => {
      manager.stopping();
      const left = await lifecycle.stop();
      stopPublishing();
      return left;
    },
    get dashboard() {
      return dashboard?.address ?? null;
    },
    exitRequested: new Promise((resolve) => bus.on("exit", resolve)),
  };
}

async function makeFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fileWriteError(error, folder);
    }
  }
}

function loadModel(config: AslsConfig, clock: Clock, log: Logger, signal: AbortSignal): Promise<LlamaCppLanguageModel> {
  const { path, threads, contextTokens, gpu, extraArchitectures } = config.model;
  return LlamaCppLanguageModel.load(
    {
      modelPath: modelPathOf(path),
      threads,
      contextTokens,
      gpu,
      extraArchitectures: extraArchitecturesOf(extraArchitectures),
    },
    { clock, logger: log.child({ part: "llm" }), cores: availableParallelism() },
    signal,
  );
}

function wakeEars(listener: Listener | null, dialog: DialogService): void {
  if (listener?.wake() !== "listening") dialog.heardNothing("no_speech");
}
