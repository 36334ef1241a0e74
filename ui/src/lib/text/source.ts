import type { Source } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** Where an automatic reply comes from, such as `Default reply · match 0.82`. */
export function sourceLabel(source: Source | undefined): string {
  if (!source) return m.source_automatic();
  const kinds = { greeting: m.source_greeting, fallback: m.source_fallback, responder: m.source_responder };
  const parts = [source.kind === 'responder' && source.name ? source.name : kinds[source.kind]()];
  if (source.score !== undefined) parts.push(m.source_match({ score: source.score.toFixed(2) }));
  if (source.edited_by) parts.push(m.source_edited({ name: source.edited_by }));
  return parts.join(' · ');
}
