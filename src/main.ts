import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeAdaptation } from "./composition/adaptation.ts";
import { makeControls } from "./composition/controls.ts";
import { addressOf, makeDashboard } from "./composition/dashboard.ts";
import { makeDialog } from "./composition/dialog.ts";
import { makeEars, openRecogniser } from "./composition/ears.ts";
import { makeFreezer } from "./composition/freezer.ts";
import { makeGovernor } from "./composition/governor.ts";
import { loadModel, makePhraseKeeper } from "./composition/language-model.ts";
import { makeMqtt } from "./composition/mqtt.ts";
import { fileWriteError } from "./core/atomic-file.ts";
import { packageRoot } from "./core/built-file.ts";
import { SystemClock } from "./core/clock.ts";
import { AppError } from "./core/errors.ts";
import { EventBus } from "./core/event-bus.ts";
import { collectGarbage, cutBuffersSmall, optimiseLate } from "./core/free-memory.ts";
import type { Service } from "./core/service.ts";
import type { LoadedConfig } from "./runtime/config/load-config.ts";
import { isServiceListening } from "./runtime/control/control-client.ts";
import { ControlServer } from "./runtime/control/control-server.ts";
import { controlSocketPath } from "./runtime/control/socket-path.ts";
import type { DashboardAddress } from "./runtime/dashboard/dashboard-server.ts";
import { PhaseTracker } from "./runtime/dialog/phase.ts";
import { PresenceGate } from "./runtime/dialog/presence.ts";
import { createSpeechOutput } from "./runtime/output/speech-output.ts";
import { Alerts } from "./runtime/service/alerts.ts";
import { ClockWatch } from "./runtime/service/clock-watch.ts";
import { controlHandlers } from "./runtime/service/control-bindings.ts";
import { DescriptorWatch } from "./runtime/service/descriptor-watch.ts";
import { readDeviceId } from "./runtime/service/device-id.ts";
import { forgetProfile } from "./runtime/service/forget-profile.ts";
import { IdleMemory } from "./runtime/service/idle-memory.ts";
import { KeyService } from "./runtime/service/key-service.ts";
import { LearningSwitches } from "./runtime/service/learning-switches.ts";
import { Lifecycle, type ServiceStep } from "./runtime/service/lifecycle.ts";
import type { LogLevel, ServiceLog } from "./runtime/service/log.ts";
import { LoopLag } from "./runtime/service/loop-lag.ts";
import { ModelService } from "./runtime/service/model-service.ts";
import { requestHandlers } from "./runtime/service/mqtt-bindings.ts";
import { openProfiles } from "./runtime/service/open-profiles.ts";
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
  wireAdaptation,
  wireButtons,
  wireListener,
  wirePhrases,
  wireStorage,
  wireVoices,
} from "./runtime/service/wiring.ts";
import { VirtualClock } from "./sensors/board/virtual-clock.ts";
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

interface Events {
  exit: number;
  mute: boolean;
  logLevel: LogLevel;
  profile: null;
}

/**
 * The composition root: makes every part from the configuration and connects them. Opens the profile database; starts
 * nothing else.
 *
 * @throws AppError E_ALREADY_RUNNING, E_FILE_UNWRITABLE, and what opening the profile database throws.
 */
export async function composeService({ loaded, log, manager, env }: ComposeDeps): Promise<AslsService> {
  cutBuffersSmall();
  optimiseLate();
  const { config, board } = loaded;
  // What hears, is pressed or waits for another process stays in the machine's time when a virtual board skips some.
  const machineTime = new SystemClock();
  const boardTime = board.name === "virtual" ? new VirtualClock(machineTime, config.virtual.aheadS * 1_000) : null;
  const clock = boardTime ?? machineTime;
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
  const { listener, virtualMicrophone } = makeEars(config, machineTime, log, () => isVoiceWanted);
  const virtualLed = new VirtualLed();
  const { gestures, virtualButtons, led } = makeControls(config, machineTime, log, virtualLed);
  const speech = createSpeechOutput(config, {
    clock,
    log,
    onProblem: (error) => alerts.raise(error.code, error.message, error.hint),
  });
  const dialog = makeDialog(config, {
    profiles,
    learning,
    models,
    voice: speech.speaker,
    listener,
    phase,
    presence,
    alerts,
    clock,
    log,
    adaptation: () => adaptation,
    forgetProfile: async (id) => {
      await forgetProfile(parts, id);
    },
  });
  const phrases = makePhraseKeeper(config, { profiles, models, log });
  const { governor, virtualSensors } = makeGovernor(loaded, alerts, { clock, machineTime }, log);
  const freezer = await makeFreezer(config.training.memoryMb, log.child({ part: "adaptation" }));
  const layers = { profiles, models, governor, learning, freezer, alerts, clock, machineTime, log };
  const { adaptation, adapters } = makeAdaptation(config, layers);
  const mqtt = await makeMqtt(config, deviceId, { alerts, clock, log });
  const { publisher } = mqtt;
  const isWorking = () => phase.state.phase !== "idle" || (adaptation.isJobRunning && governor.budget.duty > 0);
  const virtual: VirtualBoard | null =
    virtualButtons === null || virtualMicrophone === null || boardTime === null
      ? null
      : {
          press: (button, holdMs) => virtualButtons.press(button, holdMs),
          say: (audio) => virtualMicrophone.say(audio),
          isLedOn: () => virtualLed.isOn,
          setMicrophonePlugged: (isPlugged) => (isPlugged ? virtualMicrophone.plug() : virtualMicrophone.unplug()),
          skipTime: (ms, signal) => boardTime.skip(ms, isWorking, signal),
          jumpClock: (byMs) => boardTime.jump(byMs),
        };
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
    ...mqtt,
    virtual,
    profileTopics,
    deviceId,
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
  wireStorage(parts);
  const requests = requestHandlers(parts);
  publisher.onRequest(requests);
  const controls = controlHandlers(parts);
  const dashboard = makeDashboard(config, deviceId, parts, { requests, controls });
  phase.onChange(({ phase: now }) => governor.userActive(now !== "idle"));
  if (config.training.enabled) wireAdaptation(parts);
  wirePhrases(parts);

  const giveBack = () =>
    inBackground(log, "giving back memory", async () => {
      await profiles.database.releaseCache();
      collectGarbage();
    });
  const retrying = (service: Service) => new RetryingService(service, { alerts, clock, log });
  const steps: ServiceStep[] = [
    {
      service: { name: "profiles", start: async () => {}, stop: () => profiles.close() },

      stopMs: 2_000,
    },
    { service: new KeyService(profiles.keys, adaptation, log), stopMs: 2_000 },
    {
      service: new RetentionClock({
        archive: profiles.archive,
        clock,
        log: log.child({ part: "profile" }),
        defaultDays: config.profile.retentionDays,
        onDeleted: async (ids) => {
          profileTopics.refresh();
          await phrases.refresh();
          await adaptation.interactionsDeleted(ids);
        },
      }),

      stopMs: 2_000,
    },
    { service: new ClockWatch({ alerts, clock, log }), stopMs: 500 },
    { service: new DescriptorWatch({ alerts, clock, log }), stopMs: 500 },
    { service: new IdleMemory({ phase, clock, giveBack }), stopMs: 500 },
    ...(config.model.enabled ? [{ service: models, stopMs: 2_000 }] : []),
    { service: governor, stopMs: 1_000 },
    ...(config.training.enabled ? [{ service: adaptation, stopMs: 3_000 }] : []),
    { service: speech, stopMs: 1_000 },
    {
      service: { name: "dialog", start: () => dialog.start(), stop: () => dialog.stop() },

      stopMs: 2_000,
    },
    ...(led === null ? [] : [{ service: retrying(led), stopMs: 500 }]),
    ...(listener === null ? [] : [{ service: listener, stopMs: 2_000 }]),
    { service: retrying(gestures), stopMs: 500 },
    { service: publisher, stopMs: 3_000 },
    ...(dashboard === null ? [] : [{ service: retrying(dashboard), stopMs: 1_000 }]),
    {
      service: new ControlServer(socketPath, { ...controls, dashboard: async () => addressOf(dashboard) }, log),

      stopMs: 500,
    },
    // Last, so that what a start takes is not taken for a fault of the running service.
    { service: loopLag, stopMs: 500 },
    { service: new Watchdog(manager, healthChecks, clock, log), stopMs: 500 },
  ];
  const lifecycle = new Lifecycle(steps, machineTime, log);
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
