import type { ExplainedInteraction, ExplainedSource, ProfileExplanation } from "../runtime/service/explain-profile.ts";

/** `asls profile explain` for people. */
export function describeExplanation(explained: ProfileExplanation, isComplete: boolean): string {
  const { facts, corrections, adapter, answerWords, domains } = explained;
  const lines = [`profile ${explained.profileId}`, "", "What it believes:"];
  if (facts.length === 0) lines.push("  nothing yet");
  for (const { kind, statement, source } of facts) {
    lines.push(`  [${kind}] ${statement}`, `      ${source === null ? "typed in by hand" : from(source)}`);
  }
  if (answerWords !== null) lines.push(`  answers should have about ${Math.round(answerWords)} words`);
  const topics = Object.entries(domains)
    .filter(([, count]) => count >= 0.5)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name]) => name);
  if (topics.length > 0) lines.push(`  talks about: ${topics.join(", ")}`);
  lines.push("", "What it was told to do otherwise:");
  if (corrections.length === 0) lines.push("  nothing yet");
  for (const { source, answer, correction, isLearned } of corrections) {
    lines.push(
      `  "${answer.trim()}" should have been "${correction}" (${isLearned ? "learned" : "not learned yet"})`,
      `      ${from(source)}`,
    );
  }
  lines.push("", "What that changed:");
  if (adapter === null) {
    lines.push("  what the model is asked, not the model: no adapter is in use");
  } else {
    lines.push(
      `  adapter ${adapter.version} of ${day(adapter.createdAtMs)}, trained on ${adapter.trainedInteractions} of ${adapter.ofInteractions} interactions`,
      `  your newest words, never trained on: perplexity ${adapter.perplexityBefore.toFixed(2)} -> ${adapter.perplexityAfter.toFixed(2)} per token`,
      `  general text: ${signed(100 * adapter.generalRise)} %`,
      '  see answers with and without it: asls adapter diff "..."',
    );
  }
  if (explained.phraseTurns > 0)
    lines.push(`  phrases of your newest ${explained.phraseTurns} turns may come up in answers`);
  if (isComplete)
    lines.push("", "Every interaction, and what it changed:", ...explained.interactions.flatMap(turnLines));
  return lines.join("\n");
}

function turnLines(turn: ExplainedInteraction): string[] {
  const lines = [`  ${turn.interactionId} on ${day(turn.atMs)}: "${turn.input}" -> "${turn.answer.trim()}"`];
  for (const { kind, correction } of turn.signals) {
    lines.push(`      ${kind.replaceAll("_", " ")}${correction === null ? "" : `: "${correction}"`}`);
  }
  const { estimate, confidence } = turn.satisfaction;
  if (turn.signals.length > 0)
    lines.push(`      counted as ${signed(estimate)} with confidence ${confidence.toFixed(1)}`);
  for (const statement of turn.facts) lines.push(`      learned: ${statement}`);
  if (turn.adapters.length > 0) lines.push(`      trained into ${turn.adapters.join(", ")}`);
  return lines;
}

function from({ interactionId, atMs, input }: ExplainedSource): string {
  return `from ${interactionId} on ${day(atMs)}: "${input}"`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
}
