import type { Code } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** What a code means, for a refusal whose own sentence the desk has in English only. */
export function codeText(code: Code | 'offline'): string {
  const texts: Record<Code | 'offline', () => string> = {
    offline: m.refused_offline,
    malformed: m.refused_malformed,
    unknown_type: m.refused_unknown_type,
    hello_expected: m.refused_hello_expected,
    empty: m.refused_empty,
    too_long: m.refused_too_long,
    id_reused: m.refused_id_reused,
    rate_limited: m.refused_rate_limited,
    too_many_connections: m.refused_too_many_connections,
    too_slow: m.refused_too_slow,
    timed_out: m.refused_timed_out,
    shutting_down: m.refused_shutting_down,
    store_failed: m.refused_store_failed,
    overloaded: m.refused_overloaded,
    no_such_conversation: m.refused_no_such_conversation,
    stale_reply: m.refused_stale_reply,
    no_such_message: m.refused_no_such_message,
    no_such_entry: m.refused_no_such_entry,
    unauthorized: m.refused_unauthorized,
    origin_refused: m.refused_origin_refused,
    invalid_setting: m.refused_invalid_setting,
    address_unavailable: m.refused_address_unavailable,
    backup_unusable: m.refused_backup_unusable,
    internal: m.refused_internal,
  };
  return texts[code]();
}
