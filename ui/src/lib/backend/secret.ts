/** Where a browser keeps the agent's secret between reloads. */
const KEY = 'deskbell.secret';

interface Page {
  location: { hash: string; pathname: string; search: string };
  history: { replaceState(data: unknown, unused: string, url: string): void };
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** The secret in a link such as `http://host/console/#secret=…`, in its hash, or the secret itself. */
export function secretIn(text: string): string | null {
  const hash = text.includes('#') ? text.slice(text.indexOf('#') + 1) : text;
  const named = new URLSearchParams(hash).get('secret');
  const secret = (named ?? (text.includes('#') || text.includes('=') ? '' : text)).trim();
  return secret === '' ? null : secret;
}

/** Takes the secret out of the address bar, where it would be seen and bookmarked, or out of the storage. */
export function takeSecret(page: Page): string | null {
  const secret = page.location.hash.includes('secret=') ? secretIn(page.location.hash) : null;
  if (!secret) return page.storage.getItem(KEY);
  page.history.replaceState(null, '', page.location.pathname + page.location.search);
  page.storage.setItem(KEY, secret);
  return secret;
}

/** Keeps a secret for the next reload, or forgets it. */
export function keepSecret(storage: Page['storage'], secret: string | null): void {
  if (secret === null) storage.removeItem(KEY);
  else storage.setItem(KEY, secret);
}
