import type { AdaptationService } from "../../adapt/adaptation-service.ts";
import type { AdapterStore } from "../../adapt/adapter-store.ts";
import type { Clock } from "../../core/clock.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { VirtualBoardBackend } from "../../sensors/board/virtual-board-backend.ts";
import type { GestureEvents } from "../../sensors/gesture-service.ts";
import type { Listener } from "../../sensors/listener.ts";
import type { SpeechToText } from "../../sensors/ports.ts";
import type { LoadedConfig } from "../config/load-config.ts";
import type { DialogService } from "../dialog/dialog-service.ts";
import type { PhaseTracker } from "../dialog/phase.ts";
import type { PresenceGate } from "../dialog/presence.ts";
import type { GovernorService } from "../governor/governor-service.ts";
import type { DiscoveryOffer } from "../homeassistant/discovery-offer.ts";
import type { StatusPublisher } from "../mqtt/status-publisher.ts";
import type { ChatMessage, LanguageModel } from "../ports.ts";
import type { Alerts } from "./alerts.ts";
import type { LearningSwitches } from "./learning-switches.ts";
import type { LoggedProblem, LogLevel } from "./log.ts";
import type { LoopLag } from "./loop-lag.ts";
import type { ModelService } from "./model-service.ts";
import type { Profiles } from "./open-profiles.ts";
import type { PhraseKeeper } from "./phrase-keeper.ts";
import type { ProfileTopics } from "./profile-topics.ts";
import type { VirtualBoard } from "./virtual-board.ts";
import type { HeardVoice } from "./voice-identity.ts";
import type { HealthCheck } from "./watchdog.ts";

/** The composed service, as its outward bindings (control socket, MQTT, LED) see it. */
export interface ServiceParts {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly alerts: Alerts;
  readonly phase: PhaseTracker;
  readonly presence: PresenceGate;
  readonly profiles: Profiles;
  readonly models: ModelService;
  readonly dialog: DialogService;
  /** Null without a microphone by configuration. */
  readonly listener: Listener | null;
  readonly governor: GovernorService;
  readonly adaptation: AdaptationService;
  readonly adapters: AdapterStore;
  readonly phrases: PhraseKeeper;
  /** Null on a real board. */
  readonly virtualSensors: VirtualBoardBackend | null;
  readonly publisher: StatusPublisher;
  readonly virtual: VirtualBoard | null;
  readonly profileTopics: ProfileTopics;
  readonly discovery: DiscoveryOffer;
  readonly deviceId: string;
  /** Where the codes of published alerts are kept, and what an earlier run left there; null = unknown. */
  readonly alertsFile: string;
  readonly leftAlerts: readonly ErrorCode[] | null;
  readonly learning: LearningSwitches;
  readonly loopLag: LoopLag;
  readonly healthChecks: readonly HealthCheck[];
  readonly startedMs: number;
  /** A recogniser of its own for one recording; the caller disposes of it. @throws AppError E_STT_*. */
  openRecogniser(): Promise<SpeechToText>;
  /** Another instance of the language model, without adapters; the caller disposes of it. */
  openModel(signal: AbortSignal): Promise<LanguageModel>;
  /** A prompt with nothing of the profile in it. */
  composePlain(input: string): readonly ChatMessage[];
  /** Whose voice it is; null when that cannot be told, or may not. */
  whoSpeaks(voice: HeardVoice): Promise<"owner" | "stranger" | null>;
  isMuted(): boolean;
  setMuted(isMuted: boolean): Promise<void>;
  logLevel(): LogLevel;
  setLogLevel(level: LogLevel): void;
  /** Ends the service cleanly with this exit code. */
  exit(code: number, reason: string): void;
  /** Another profile is active, or the active one is gone: its adapter answers from now on. */
  profileChanged(): void;
  onProfileChange(handler: () => void): () => void;
  onLogLevelChange(handler: () => void): () => void;
  /** One handler at a time. */
  onProblem(handler: (problem: LoggedProblem) => void): () => void;
  onMuteChange(handler: () => void): () => void;
  onGesture(handler: (gesture: GestureEvents["gesture"]) => void): () => void;
}
