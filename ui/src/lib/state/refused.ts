import { Refused } from '$lib/backend/backend';
import { inLanguage } from '$lib/text/language';
import { m } from '$paraglide/messages.js';

/** What a call is refused with, for views that ask and show why not. */
export { Refused };

/**
 * A refusal in the console's language: the desk's own sentence where it has both languages, for it knows best what to
 * do; else that of a common code; else the desk's own words.
 */
export function sentence(refused: Refused): string {
  if (refused.chinese !== undefined) return inLanguage(refused.message, refused.chinese);
  switch (refused.code) {
    case 'offline':
      return m.refused_offline();
    case 'timed_out':
      return m.refused_timed_out();
    case 'stale_reply':
      return m.refused_stale_reply();
    case 'too_long':
      return m.refused_too_long();
    case 'store_failed':
      return m.refused_store_failed();
    case 'overloaded':
      return m.refused_overloaded();
    case 'no_such_conversation':
      return m.refused_no_such_conversation();
    case 'no_such_message':
      return m.refused_no_such_message();
    default:
      return refused.message;
  }
}
