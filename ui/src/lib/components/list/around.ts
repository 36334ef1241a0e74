/** Characters kept before the first find, so that the find is in sight. */
const BEFORE = 24;

export interface Part {
  text: string;
  hit: boolean;
}

/** A text cut into what was looked for and what stands around it. */
export function around(text: string, query: string): Part[] {
  const wanted = query.trim().toLocaleLowerCase();
  const lower = text.toLocaleLowerCase();
  const first = wanted === '' ? -1 : lower.indexOf(wanted);
  // Lower case may be longer than the text in some languages; then places would not fit.
  if (first < 0 || lower.length !== text.length) return [{ text, hit: false }];
  const parts: Part[] = [];
  let at = Math.max(0, first - BEFORE);
  if (at > 0) parts.push({ text: '…', hit: false });
  for (let found = first; found >= 0; found = lower.indexOf(wanted, at)) {
    parts.push({ text: text.slice(at, found), hit: false });
    parts.push({ text: text.slice(found, found + wanted.length), hit: true });
    at = found + wanted.length;
  }
  parts.push({ text: text.slice(at), hit: false });
  return parts.filter((part) => part.text !== '');
}
