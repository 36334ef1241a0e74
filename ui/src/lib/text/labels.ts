/** A label to choose. */
export interface LabelOffer {
  label: string;
  /** Whether some conversation has it already. */
  known: boolean;
}

const plain = (text: string) => text.trim().toLocaleLowerCase();

/** What may be meant by what was typed: known labels that are not there yet, then the text itself as a new one. */
export function fittingLabels(known: string[], there: string[], typed: string): LabelOffer[] {
  const wanted = plain(typed);
  const taken = new Set(there.map(plain));
  const free = known.filter((label) => !taken.has(plain(label)));
  const starting = free.filter((label) => plain(label).startsWith(wanted));
  const containing = free.filter((label) => !starting.includes(label) && plain(label).includes(wanted));
  const byName = (a: string, b: string) => a.localeCompare(b);
  const offers = [...starting.sort(byName), ...containing.sort(byName)].map((label) => ({
    label,
    known: true,
  }));
  const isNew = wanted !== '' && !taken.has(wanted) && !free.some((label) => plain(label) === wanted);
  return isNew ? [...offers, { label: typed.trim(), known: false }] : offers;
}
