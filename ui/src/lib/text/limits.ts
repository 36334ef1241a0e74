import { LIMITS, type Limits } from '$lib/protocol';
import { m } from '$paraglide/messages.js';
import { getLocale } from '$paraglide/runtime.js';

export type LimitName = keyof Limits;

const KIB = 1024;

/** What each limit is called, and what it is about. */
export const LIMIT_TEXTS: Record<LimitName, [label: () => string, about: () => string]> = {
  message_bytes: [m.limit_message_bytes, m.limit_message_bytes_text],
  frame_bytes: [m.limit_frame_bytes, m.limit_frame_bytes_text],
  frames_burst: [m.limit_frames_burst, m.limit_frames_burst_text],
  frames_per_second: [m.limit_frames_per_second, m.limit_frames_per_second_text],
  bytes_burst: [m.limit_bytes_burst, m.limit_bytes_burst_text],
  bytes_per_second: [m.limit_bytes_per_second, m.limit_bytes_per_second_text],
  connections: [m.limit_connections, m.limit_connections_text],
  connections_per_address: [m.limit_connections_per_address, m.limit_connections_per_address_text],
  connections_per_conversation: [
    m.limit_connections_per_conversation,
    m.limit_connections_per_conversation_text,
  ],
  new_conversations_per_minute: [
    m.limit_new_conversations_per_minute,
    m.limit_new_conversations_per_minute_text,
  ],
  outbox_frames: [m.limit_outbox_frames, m.limit_outbox_frames_text],
  outbox_bytes: [m.limit_outbox_bytes, m.limit_outbox_bytes_text],
  ping_seconds: [m.limit_ping_seconds, m.limit_ping_seconds_text],
  silence_seconds: [m.limit_silence_seconds, m.limit_silence_seconds_text],
  handshake_seconds: [m.limit_handshake_seconds, m.limit_handshake_seconds_text],
  headers: [m.limit_headers, m.limit_headers_text],
  hello_seconds: [m.limit_hello_seconds, m.limit_hello_seconds_text],
};

/** A number as people read it: `65,536`, `0.25`. */
export const numeral = (value: number) =>
  new Intl.NumberFormat(getLocale(), { maximumFractionDigits: 3 }).format(value);

const isBytes = (name: LimitName) => name.includes('bytes');

/** How many of a limit's own units make one of those that it is shown in: bytes are shown as KiB. */
export const scale = (name: LimitName): number => (isBytes(name) ? KIB : 1);

/** What stands behind the number. */
export function unit(name: LimitName): string {
  if (isBytes(name)) return name.endsWith('per_second') ? m.unit_kib_per_second() : m.unit_kib();
  if (name.endsWith('_seconds')) return m.unit_seconds();
  if (name.endsWith('_per_second')) return m.unit_per_second();
  return name.endsWith('_per_minute') ? m.unit_per_minute() : '';
}

const shown = (name: LimitName, value: number) => numeral(value / scale(name));

/** What a limit may be: `1 to 60`. */
export const bounds = (name: LimitName): string =>
  m.limit_bounds({ least: shown(name, LIMITS[name].least), most: shown(name, LIMITS[name].most) });

/** What a limit is unless someone changes it, with its unit. */
export const usual = (name: LimitName): string => `${shown(name, LIMITS[name].usual)} ${unit(name)}`.trim();

/** What is wrong with one limit, whatever the others are. */
function alone(name: LimitName, limits: Limits): string | null {
  const value: number | null | undefined = limits[name];
  const { least, most } = LIMITS[name];
  if (typeof value !== 'number' || !Number.isInteger(value)) return m.limit_no_number();
  return value < least || value > most ? m.limit_out_of_bounds({ bounds: bounds(name) }) : null;
}

/** What is wrong with one limit, beside the others; `null` when nothing is. */
export function limitProblem(name: LimitName, limits: Limits): string | null {
  const wrong = alone(name, limits);
  if (wrong) return wrong;
  const value = limits[name];
  // What is wrong itself says nothing about what must fit it.
  const message = alone('message_bytes', limits) ? 0 : limits.message_bytes;
  const ping = alone('ping_seconds', limits) ? 0 : limits.ping_seconds;
  if (name === 'frame_bytes' && value < message) return m.limit_frame_too_small();
  if (name === 'outbox_bytes' && value < message * 8)
    return m.limit_outbox_too_small({ least: shown(name, message * 8) });
  if (name === 'silence_seconds' && value <= ping) return m.limit_silence_too_short({ ping: numeral(ping) });
  return null;
}

/** The first limit with which something is wrong, and a sentence that names it. */
export function limitsProblem(limits: Limits): { name: LimitName; sentence: string } | null {
  for (const name of Object.keys(LIMITS) as LimitName[]) {
    const wrong = limitProblem(name, limits);
    if (wrong) return { name, sentence: m.limit_problem({ limit: LIMIT_TEXTS[name][0](), wrong }) };
  }
  return null;
}
