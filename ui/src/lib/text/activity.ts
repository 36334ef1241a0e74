import type { ActivityEvent, ActivityKind } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { inLanguage } from './language';
import { codeText } from './refusal';

export type ActivityGroup = 'all' | 'connections' | 'messages' | 'problems';

const GROUPS: Record<ActivityKind['kind'], Exclude<ActivityGroup, 'all'>> = {
  opened: 'connections',
  closed: 'connections',
  listening: 'connections',
  received: 'messages',
  sent: 'messages',
  failed: 'problems',
  refused: 'problems',
  listen_failed: 'problems',
};

export const groupOf = (event: ActivityEvent): ActivityGroup => GROUPS[event.kind.kind];

/** What happened, in a word. */
export function kindLabel(kind: ActivityKind): string {
  const labels: Record<ActivityKind['kind'], () => string> = {
    opened: m.kind_opened,
    closed: m.kind_closed,
    failed: m.kind_failed,
    refused: m.kind_refused,
    received: m.kind_received,
    sent: m.kind_sent,
    listening: m.kind_listening,
    listen_failed: m.kind_listen_failed,
  };
  return labels[kind.kind]();
}

/** What a close code says, where it says something (RFC 6455 §7.4.1). */
function meaning(code: number): string {
  switch (code) {
    case 1000:
      return m.closed_normally();
    case 1001:
      return m.closed_going_away();
    case 1005:
      return m.closed_without_code();
    case 1006:
      return m.closed_without_goodbye();
    default:
      return '';
  }
}

/** The particulars; what a client said is as it came. */
export function detail(kind: ActivityKind): string {
  switch (kind.kind) {
    case 'opened':
      return kind.protocol === 'plain' ? m.activity_opened_plain() : 'deskbell.v1';
    case 'closed':
      return [m.activity_closed({ code: kind.code }), meaning(kind.code), kind.reason]
        .filter((part) => part !== '')
        .join(' · ');
    case 'failed':
    case 'listen_failed':
      return inLanguage(kind.error, kind.error_zh);
    case 'refused': {
      const { code, message, message_zh } = kind.refusal;
      return `${code}: ${inLanguage(message, message_zh ?? codeText(code))}`;
    }
    case 'received':
    case 'sent':
      return `#${kind.seq} ${kind.preview}`;
    case 'listening':
      return '';
  }
}

/** Whether an event belongs to a group and has the text somewhere in what is shown of it. */
export function fits(event: ActivityEvent, group: ActivityGroup, text: string): boolean {
  if (group !== 'all' && groupOf(event) !== group) return false;
  if (text === '') return true;
  const shown = `${event.address ?? ''} ${event.conversation ?? ''} ${kindLabel(event.kind)} ${detail(event.kind)}`;
  return shown.toLowerCase().includes(text.toLowerCase());
}
