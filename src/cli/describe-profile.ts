import type { ProfileSummary } from "../profile/ports.ts";

/** `asls profile show` for people. */
export function describeProfile(summary: ProfileSummary): string {
  const { consent, facts, signalCounts, domains, style, answerWords, interactionCount } = summary;
  const given = Object.entries(consent).map(([purpose, granted]) => `${purpose} ${granted ? "allowed" : "no"}`);
  const lines = [
    `profile ${summary.id}${summary.label === null ? "" : ` (${summary.label})`}, since ${day(summary.createdAtMs)}`,
    `consent: ${given.join(", ")}`,
    `${interactionCount} interactions kept`,
  ];
  lines.push(facts.length === 0 ? "facts: none" : "facts:");
  for (const { id, kind, statement, interactionId } of facts) {
    lines.push(`  ${id}  [${kind}] ${statement}  (${interactionId === null ? "typed in" : `from ${interactionId}`})`);
  }
  lines.push(`feedback: ${counts(signalCounts, 0) || "none"}`);
  lines.push(`topics (recent count): ${counts(domains, 1) || "none"}`);
  if (answerWords !== null) lines.push(`preferred answer length: ${Math.round(answerWords)} words`);
  const habits = Object.entries(style).filter(([, { count }]) => count > 0);
  if (habits.length > 0)
    lines.push(`style: ${habits.map(([name, { mean }]) => `${name} ${mean.toFixed(2)}`).join(", ")}`);
  return lines.join("\n");
}

function counts(table: Readonly<Record<string, number>>, digits: number): string {
  return Object.entries(table)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count.toFixed(digits)}`)
    .join(", ");
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
