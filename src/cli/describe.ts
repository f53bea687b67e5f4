/** One line per thing that happens, for `asls watch`, `listen` and the demo. Null = not worth a line. */
export function describeEvent(event: string, data: unknown): string | null {
  const fields = asRecord(data);
  const text = (key: string) => String(fields[key] ?? "");
  switch (event) {
    case "phase":
      return `phase      ${text("phase")}`;
    case "wake":
      return `woken      by ${text("by")}`;
    case "heard":
      return `heard      "${text("text")}" (speech to text ${milliseconds(fields.sttMs)})`;
    case "turn":
      return describeTurn(fields);
    case "feedback":
      return `feedback   ${text("kind")}${fields.interactionId === null ? " (not stored: no consent)" : ""}`;
    case "consent":
      return describeConsent(fields);
    case "guest":
      return `guest      ${fields.isOn === true ? "mode on: nothing is kept" : "mode off"}`;
    case "learned":
      return `learned    ${text("kind")}`;
    case "declined":
      return `declined   ${text("reason").replaceAll("_", " ")}`;
    case "button":
      return `button     ${text("button")} ${text("kind").replaceAll("_", " ")}`;
    case "budget":
      return `training   may take ${text("duty")} of ${text("threads")} threads (${text("reason").replaceAll("_", " ")})`;
    case "job":
      return `training   ${text("kind")} ${text("state")}`;
    case "adapter":
      return `adapter    ${fields.version === null ? "none" : text("version")}`;
    case "alert":
      return fields.alert === null ? `solved     ${text("code")}` : `alert      ${text("code")}`;
    default:
      return null;
  }
}

/** One line per thing that a change of consent did. */
export function describeConsent(fields: Record<string, unknown>): string {
  const { purpose, granted, isJobEnded, adapterSetAside, adapterBack } = fields;
  const lines = [`consent    ${String(purpose)} ${granted === true ? "granted" : "withdrawn"}`];
  if (isJobEnded === true) lines.push("           the training under way was ended");
  if (typeof adapterSetAside === "string") lines.push(`           adapter ${adapterSetAside} is set aside`);
  if (typeof adapterBack === "string") lines.push(`           adapter ${adapterBack} is in use again`);
  return lines.join("\n");
}

function describeTurn(fields: Record<string, unknown>): string {
  const stages = asRecord(fields.stages);
  const first = stages.firstAudioMs;
  const lines = [
    `answered   "${String(fields.answer ?? "").trim()}" [${String(fields.outcome)}]`,
    `           speech to text ${milliseconds(stages.sttMs)}, profile ${milliseconds(stages.contextMs)}, ` +
      `model to first sentence ${milliseconds(stages.llmFirstSentenceMs)}, voice ${milliseconds(stages.ttsMs)}, ` +
      `ours ${milliseconds(stages.oursMs)}${typeof first === "number" ? `, first audio after ${milliseconds(first)}` : ""}`,
  ];
  if (typeof fields.recordingPath === "string") lines.push(`spoken     to ${fields.recordingPath}`);
  if (typeof fields.errorCode === "string") lines.push(`failed     ${fields.errorCode}`);
  return lines.join("\n");
}

/** `asls status` for people. */
export function describeStatus(status: unknown): string {
  const fields = asRecord(status);
  const alerts = Array.isArray(fields.alerts) ? fields.alerts.map(asRecord) : [];
  const { alerts: _, ...plain } = fields;
  const width = Math.max(...Object.keys(plain).map((key) => key.length));
  const lines = Object.entries(plain).map(([key, value]) => `${key.padEnd(width)}  ${shown(value)}`);
  if (alerts.length === 0) lines.push("no alerts");
  for (const alert of alerts)
    lines.push(`alert ${String(alert.code)}: ${String(alert.message)}`, `  ${String(alert.hint)}`);
  return lines.join("\n");
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function milliseconds(value: unknown): string {
  return typeof value === "number" ? `${Math.round(value)} ms` : "-";
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
