import * as v from "valibot";
import {
  alertPayload,
  buttonEvent,
  infoPayload,
  interactionEvent,
  powerPayload,
  statePayload,
  trainingPayload,
} from "./payloads.ts";
import { VERBS } from "./requests.ts";

export interface TopicRow {
  /** Below `<base>/<id>/`; `<...>` stands for one level that varies. */
  readonly path: string;
  readonly direction: "published" | "received";
  readonly qos: 0 | 1;
  readonly retained: boolean;
  readonly payload: v.GenericSchema;
  readonly doc: string;
}

/** What the device publishes by itself. Responses and requests follow from {@link VERBS}. */
export const PUBLISHED = {
  availability: {
    path: "availability",
    qos: 1,
    retained: true,
    payload: v.picklist(["online", "offline"]),
    doc: "Plain text. online at each connect, after all other retained topics; offline at a clean stop and as last will.",
  },
  info: {
    path: "info",
    qos: 1,
    retained: true,
    payload: infoPayload,
    doc: "What this device is; changes rarely. session is new at each start of the service.",
  },
  state: {
    path: "state",
    qos: 1,
    retained: true,
    payload: statePayload,
    doc: "What it is doing. fault is the code of what keeps it from working, or null.",
  },
  power: {
    path: "power",
    qos: 1,
    retained: true,
    payload: powerPayload,
    doc: "What training may take and why (reason), and what the board's sensors say; null where it has none or it failed. On change, at most once in 5 s.",
  },
  training: {
    path: "training",
    qos: 1,
    retained: true,
    payload: trainingPayload,
    doc: "What training does, what stands in the way of the next one (reasons), and how the newest adapter measured. On change of a job or the adapter.",
  },
  alert: {
    path: "alert/<code>",
    qos: 1,
    retained: true,
    payload: alertPayload,
    doc: "A standing problem; an empty payload when it is solved.",
  },
  "event/interaction": {
    path: "event/interaction",
    qos: 1,
    retained: false,
    payload: interactionEvent,
    doc: "latency_ms: end of speech (or request) to first audio of the answer; null where there is none.",
  },
  "event/button": {
    path: "event/button",
    qos: 1,
    retained: false,
    payload: buttonEvent,
    doc: "A gesture on one of the buttons.",
  },
} as const satisfies Record<string, Omit<TopicRow, "direction">>;

/** The whole tree, for documentation and tests. */
export function topicTable(): readonly TopicRow[] {
  const verbs = Object.entries(VERBS).flatMap(([verb, { request, response, doc }]): TopicRow[] => [
    { path: `request/${verb}`, direction: "received", qos: 1, retained: false, payload: request, doc },
    { path: `response/${verb}`, direction: "published", qos: 1, retained: false, payload: response, doc },
  ]);
  return [...Object.values(PUBLISHED).map((row) => ({ ...row, direction: "published" as const })), ...verbs];
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
    return this.of(PUBLISHED.alert.path.replace("<code>", code));
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
