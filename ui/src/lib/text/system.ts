import type { NeedsHumanReason, SystemLine } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { holdLabel } from './hold';
import { inLanguage } from './language';
import { sourceKindLabel } from './source';
import { duration } from './time';

type LateKind = 'returned' | 'corrected' | 'retracted' | 'stopped_writing' | 'responder_failed';

export function reasonText(reason: NeedsHumanReason): string {
  const texts = {
    customer_asked: m.reason_customer_asked,
    no_answer: m.reason_no_answer,
    responder_failed: m.reason_responder_failed,
    rule: m.reason_rule,
    bot: m.reason_bot,
    away: m.reason_away,
    unanswered: m.reason_unanswered,
  };
  return texts[reason]();
}

/** What happened, in a sentence without the time. */
export function systemText(line: SystemLine): string {
  switch (line.kind) {
    case 'took_over':
      return m.system_took_over({ name: line.by });
    case 'handed_back':
      return m.system_handed_back({ name: line.by });
    case 'sent_now':
      return m.system_sent_now({ name: line.by });
    case 'edited_and_sent':
      return m.system_edited_and_sent({ name: line.by });
    case 'discarded':
      return m.system_discarded({ name: line.by });
    case 'restored':
      return m.system_restored({ name: line.by });
    case 'hold_changed':
      return line.hold
        ? m.system_hold_changed({ name: line.by, hold: holdLabel(line.hold) })
        : m.system_hold_inherited({ name: line.by });
    case 'resolved':
      return m.system_resolved({ name: line.by });
    case 'reopened':
      return line.by ? m.system_reopened({ name: line.by }) : m.system_reopened_by_customer();
    case 'needs_human':
      return reasonText(line.reason);
    default:
      return lateText(line);
  }
}

/** The rest of the lines: what happened to a reply beside and after its hold. */
function lateText(line: Extract<SystemLine, { kind: LateKind }>): string {
  switch (line.kind) {
    case 'returned':
      return line.after_seconds === undefined
        ? m.system_returned_resolved()
        : m.system_returned_after({ time: duration(line.after_seconds) });
    case 'corrected':
      return m.system_corrected({ name: line.by });
    case 'retracted':
      return m.system_retracted({ name: line.by });
    case 'stopped_writing':
      return m.system_stopped_writing({ name: line.by });
    case 'responder_failed':
      return m.system_responder_failed({
        source: sourceKindLabel(line.source),
        message: inLanguage(line.message, line.message_zh),
      });
  }
}

/** The reply as it was before this; what it kept from being sent, or replaced. */
export function systemQuote(line: SystemLine): string | undefined {
  if (line.kind === 'took_over' || line.kind === 'resolved') return line.stopped;
  if (line.kind === 'edited_and_sent') return line.original;
  if (line.kind === 'discarded') return line.text;
  if (line.kind === 'corrected') return line.before;
  return undefined;
}
