import type { Source, SourceKind } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** What kind of responder it is, such as `Answer`. */
export function sourceKindLabel(kind: SourceKind): string {
  const labels: Record<SourceKind, () => string> = {
    greeting: m.source_greeting,
    fallback: m.source_fallback,
    rule: m.source_rule,
    answer: m.source_answer,
    model: m.source_model,
    webhook: m.source_webhook,
    away: m.source_away,
    person_called: m.source_person_called,
  };
  return labels[kind]();
}

/** `0.82` */
export function scoreText(score: number): string {
  return score.toFixed(2);
}

/** Where an automatic reply comes from, such as `Answer · Delivery times · match 0.82`. */
export function sourceLabel(source: Source | undefined): string {
  if (!source) return m.source_automatic();
  const parts = [sourceKindLabel(source.kind)];
  if (source.name) parts.push(source.name);
  if (source.score !== undefined) parts.push(m.source_match({ score: scoreText(source.score) }));
  if (source.edited_by) parts.push(m.source_edited({ name: source.edited_by }));
  return parts.join(' · ');
}
