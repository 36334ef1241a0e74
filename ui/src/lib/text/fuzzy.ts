/** How well `query` fits `text`, higher is better; `null` when it does not. Letters must come in order. */
export function fuzzy(query: string, text: string): number | null {
  const wanted = query.toLocaleLowerCase().replace(/\s+/gu, '');
  const given = text.toLocaleLowerCase();
  if (wanted === '') return 0;
  const whole = given.indexOf(query.toLocaleLowerCase().trim());
  if (whole >= 0) return 1_000 - whole - given.length / 100;
  let score = 0;
  let at = -1;
  for (const letter of wanted) {
    const next = given.indexOf(letter, at + 1);
    if (next < 0) return null;
    const starts = next === 0 || /[\s\-_.@]/u.test(given[next - 1] ?? '');
    score += starts ? 10 : next === at + 1 ? 6 : 1 - (next - at) / 50;
    at = next;
  }
  return score;
}
