import type { WhileAway } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** What being away means for the replies that would wait. */
export function awayText(what: WhileAway): string {
  const texts = { hold: m.away_hold, send_at_once: m.away_send_at_once, tell_away: m.away_tell_away };
  return texts[what]();
}
