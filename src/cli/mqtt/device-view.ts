/** What one device last said on each topic, by the names of the wire. */
export type DeviceState = ReadonlyMap<string, unknown>;

export interface TopicMessage {
  /** First level below the base topic. */
  readonly device: string;
  /** The rest, e.g. `event/button`. */
  readonly path: string;
  /** Parsed JSON, or the plain text; null for a deletion. */
  readonly payload: unknown;
  readonly retained: boolean;
}

/** The message, or null for a topic outside of `<base>/<id>/`. */
export function readMessage(
  baseTopic: string,
  { topic, payload, retained }: { readonly topic: string; readonly payload: Uint8Array; readonly retained: boolean },
): TopicMessage | null {
  if (!topic.startsWith(`${baseTopic}/`)) return null;
  const [device = "", ...path] = topic.slice(baseTopic.length + 1).split("/");
  if (path.length === 0) return null;
  return { device, path: path.join("/"), payload: parsed(Buffer.from(payload).toString("utf8")), retained };
}

function parsed(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A field of an object by its path on the wire; undefined when there is none. */
function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return fieldOf(Reflect.get(value, name), ...rest);
}

/** A message as one line, `key=value` for what is worth reading; nested objects by their paths, lists by their length. */
export function messageLine({ device, path, payload }: TopicMessage, showDevice: boolean): string {
  const head = `${showDevice ? `${device} ` : ""}${path.padEnd(18)}`;
  if (payload === null) return `${head} (deleted)`;
  if (typeof payload !== "object") return `${head} ${safe(payload)}`;
  return `${head} ${pairs(payload, "").join(" ")}`.trimEnd();
}

function pairs(value: object, prefix: string): string[] {
  return Object.entries(value).flatMap(([name, field]) => {
    if (Array.isArray(field)) {
      const isPlain = field.every((item) => typeof item !== "object");
      return field.length === 0
        ? []
        : [`${prefix}${name}=${isPlain ? field.map(safe).join(",") : `[${field.length}]`}`];
    }
    if (field === null) return [];
    return typeof field === "object" ? pairs(field, `${prefix}${name}.`) : [`${prefix}${name}=${safe(field)}`];
  });
}

/** Others may write to a broker: nothing of theirs may steer the terminal. */
function safe(value: unknown): string {
  return String(value)
    .replaceAll(/\p{Cc}/gu, "?")
    .slice(0, 200);
}

/** A device in a few lines, from what it keeps at the broker. */
export function deviceLines(device: string, state: DeviceState): string[] {
  const of = (path: string, ...field: string[]) => fieldOf(state.get(path), ...field);
  const text = (value: unknown, unit = "") => (value === undefined || value === null ? "-" : `${safe(value)}${unit}`);
  const isOnline = state.get("availability") === "online";
  const alerts = [...state].filter(([path]) => path.startsWith("alert/"));
  const learning = of("state", "learning_enabled") === false ? "off" : "on";
  const mic = of("state", "mic_muted") === true ? "muted" : "on";
  const rows = [
    `${device}  ${isOnline ? "online" : "OFFLINE"}  ${text(of("info", "board"))}  asls ${text(of("info", "version"))}`,
    `  phase     ${text(of("state", "phase"))} since ${text(of("state", "since"))}; microphone ${mic}; learning ${learning}`,
    `  training  ${text(of("training", "state"))} ${text(of("training", "progress_pct"), " %")}, loss ${text(of("training", "loss"))}, left ${text(of("training", "eta_s"), " s")}; held by ${text(of("training", "reason"))}`,
    `  governor  ${text(of("power", "governor"))} (${text(of("power", "reason"))}), ${text(of("power", "soc_temp_c"), " °C")}, ${text(of("power", "input_w"), " W")}, today ${text(of("power", "today_wh"))} of ${text(of("power", "daily_wh"))} Wh`,
    `  adapter   ${text(of("adapter", "installed_version"))}; latest ${text(of("adapter", "latest_version"))}`,
    `  last turn ${text(of("turn", "outcome"))}, first audio after ${text(of("turn", "stages", "first_audio_ms"), " ms")}`,
  ];
  return [
    ...rows,
    ...alerts.map(([, alert]) => `  ALERT     ${text(fieldOf(alert, "code"))}: ${text(fieldOf(alert, "hint"))}`),
  ];
}
