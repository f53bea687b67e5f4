import * as v from "valibot";
import {
  adapterPayload,
  profilePayload,
  safetyPayload,
  trainingEvent,
  trainingMetricsPayload,
  trainingPayload,
} from "./learning-payloads.ts";
import {
  alertPayload,
  buttonEvent,
  healthPayload,
  infoPayload,
  interactionEvent,
  logPayload,
  powerPayload,
  statePayload,
  turnPayload,
} from "./payloads.ts";
import { VERBS } from "./requests.ts";

export interface TopicRow {
  /** Below `<base>/<id>/`; `<...>` stands for one level that varies. */
  readonly path: string;
  readonly direction: "published" | "received";
  readonly qos: 0 | 1;
  readonly retained: boolean;
  /** Least time between two messages on one topic, ms; 0 = none. */
  readonly everyMs: number;
  readonly payload: v.GenericSchema;
  readonly doc: string;
}

/** What the device publishes by itself. Responses and requests follow from {@link VERBS}. */
export const PUBLISHED = {
  availability: {
    path: "availability",
    qos: 1,
    retained: true,
    everyMs: 0,
    payload: v.picklist(["online", "offline"]),
    doc: "Plain text. online at each connect, after all other retained topics; offline at a clean stop and as last will.",
  },
  info: {
    path: "info",
    qos: 1,
    retained: true,
    everyMs: 0,
    payload: infoPayload,
    doc: "What this device is; changes rarely. session is new at each start of the service.",
  },
  state: {
    path: "state",
    qos: 1,
    retained: true,
    everyMs: 0,
    payload: statePayload,
    doc: "What it is doing. phase is throttled when the board holds training back; fault is the code of what keeps it from working, or null. learning_enabled is the household's switch; profile is null while a guest speaks.",
  },
  health: {
    path: "health",
    qos: 0,
    retained: true,
    everyMs: 60_000,
    payload: healthPayload,
    doc: "The service's own figures, once a minute.",
  },
  power: {
    path: "power",
    qos: 1,
    retained: true,
    everyMs: 5_000,
    payload: powerPayload,
    doc: "What training may take (governor in a word, duty, threads) and why (reason), and what the board's sensors say; null where it has none or it failed. daily_wh is the energy allowance, null for no limit.",
  },
  training: {
    path: "training",
    qos: 1,
    retained: true,
    everyMs: 2_000,
    payload: trainingPayload,
    doc: "What training does, what holds it back (reason), what stands in the way of the next job (reasons), and how the newest adapter measured. progress_pct, step and eta_s are of the pass under way.",
  },
  "training/metrics": {
    path: "training/metrics",
    qos: 0,
    retained: false,
    everyMs: 0,
    payload: trainingMetricsPayload,
    doc: "One message a step, for plots.",
  },
  adapter: {
    path: "adapter",
    qos: 1,
    retained: true,
    everyMs: 2_000,
    payload: adapterPayload,
    doc: "The active profile's adapter: in use, newest that passed its gate, where a rollback leads, and every version with its gate's figures.",
  },
  safety: {
    path: "safety",
    qos: 1,
    retained: true,
    everyMs: 2_000,
    payload: safetyPayload,
    doc: "What the monitor's probes said of the active profile's adapters, nats a token (docs/ethics.md): difference between identities, agreement with false claims, compliance with harmful requests. Above its bound a version is refused.",
  },
  profile: {
    path: "profiles/<pid>",
    qos: 1,
    retained: true,
    everyMs: 2_000,
    payload: profilePayload,
    doc: "A profile in figures: no name, no words. An empty payload when it is forgotten.",
  },
  turn: {
    path: "turn",
    qos: 1,
    retained: true,
    everyMs: 0,
    payload: turnPayload,
    doc: "The last turn's stage times, ms; null for a stage that did not happen.",
  },
  alert: {
    path: "alert/<code>",
    qos: 1,
    retained: true,
    everyMs: 0,
    payload: alertPayload,
    doc: "A standing problem; an empty payload when it is solved.",
  },
  "event/interaction": {
    path: "event/interaction",
    qos: 1,
    retained: false,
    everyMs: 0,
    payload: interactionEvent,
    doc: "latency_ms: end of speech (or request) to first audio of the answer; null where there is none.",
  },
  "event/button": {
    path: "event/button",
    qos: 1,
    retained: false,
    everyMs: 0,
    payload: buttonEvent,
    doc: "A gesture on one of the buttons.",
  },
  "event/training": {
    path: "event/training",
    qos: 1,
    retained: false,
    everyMs: 0,
    payload: trainingEvent,
    doc: "A job begins, stands still, goes on, or is over (finished also when its gate refused the candidate); rolled_back: an older adapter answers.",
  },
  log: {
    path: "log",
    qos: 0,
    retained: false,
    everyMs: 0,
    payload: logPayload,
    doc: "That a warning or an error was logged, by which part and with which code; at most 10 a minute. The message itself stays in the device's log.",
  },
} as const satisfies Record<string, Omit<TopicRow, "direction">>;

/** Name of a row of {@link PUBLISHED}. */
export type PublishedTopic = keyof typeof PUBLISHED;
export type PayloadOf<T extends PublishedTopic> = v.InferOutput<(typeof PUBLISHED)[T]["payload"]>;

/** The whole tree, for documentation and tests. */
export function topicTable(): readonly TopicRow[] {
  const verbs = Object.entries(VERBS).flatMap(([verb, { request, response, doc }]): TopicRow[] => [
    { path: `request/${verb}`, direction: "received", qos: 1, retained: false, everyMs: 0, payload: request, doc },
    { path: `response/${verb}`, direction: "published", qos: 1, retained: false, everyMs: 0, payload: response, doc },
  ]);
  return [...Object.values(PUBLISHED).map((row) => ({ ...row, direction: "published" as const })), ...verbs];
}

/** Below `<base>/<id>/`. */
export function alertPath(code: string): string {
  return PUBLISHED.alert.path.replace("<code>", code);
}

/** Below `<base>/<id>/`. */
export function profilePath(profileId: string): string {
  return PUBLISHED.profile.path.replace("<pid>", profileId);
}

/** Full topics of one device. */
export class DeviceTopics {
  readonly #root: string;

  /** @param deviceId `[a-z0-9_-]+`, from core/ids deviceIdFrom. */
  constructor(baseTopic: string, deviceId: string) {
    this.#root = `${baseTopic}/${deviceId}/`;
  }

  of(path: string): string {
    return this.#root + path;
  }

  alert(code: string): string {
    return this.of(alertPath(code));
  }

  profile(profileId: string): string {
    return this.of(profilePath(profileId));
  }

  /** Subscribes to every request and to nothing of our own. */
  get requestFilter(): string {
    return this.of("request/#");
  }

  /** `mic/set` of `.../request/mic/set`; null for any other topic. */
  verbOf(topic: string): string | null {
    const prefix = this.of("request/");
    return topic.startsWith(prefix) ? topic.slice(prefix.length) : null;
  }
}
