import { Refused } from '$lib/backend/backend';
import { inLanguage } from '$lib/text/language';
import { codeText } from '$lib/text/refusal';

/** What a call is refused with, for views that ask and show why not. */
export { Refused };

/** Of these the console speaks better than the desk: it knows what the agent was doing. */
const OWN = new Set<Refused['code']>([
  'offline',
  'timed_out',
  'stale_reply',
  'store_failed',
  'overloaded',
  'no_such_conversation',
  'no_such_message',
]);

/**
 * A refusal in the console's language: the desk's own sentence where it has both languages, for it knows best what to
 * do; else that of some codes; else the desk's own words, and in Chinese what the code means.
 */
export function sentence(refused: Refused): string {
  const { code, message, chinese } = refused;
  if (chinese === undefined && OWN.has(code)) return codeText(code);
  return inLanguage(message, chinese ?? codeText(code));
}
