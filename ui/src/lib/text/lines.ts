/** What makes two phrases the same for the desk: no case, no width, no signs around them. */
function key(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .replace(/^[\p{P}\p{S}\s]+|[\p{P}\p{S}\s]+$/gu, '');
}

/** The places of lines that say the same as an earlier line. */
export function repeated(lines: string[]): Set<number> {
  const seen = new Set<string>();
  const found = new Set<number>();
  lines.forEach((line, index) => {
    const own = key(line);
    if (own !== '' && seen.has(own)) found.add(index);
    seen.add(own);
  });
  return found;
}

/** Whether a line says the same as one of these. */
export function includesLine(lines: string[], line: string): boolean {
  return lines.some((other) => key(other) === key(line));
}

/** The lines that say something, and where each of them was. */
export function written(lines: string[]): { lines: string[]; places: number[] } {
  const twice = repeated(lines);
  const places = lines.flatMap((line, index) => (line.trim() === '' || twice.has(index) ? [] : [index]));
  return { lines: places.map((place) => (lines[place] ?? '').trim()), places };
}

/** The beginning of a text that has at most this many bytes of UTF-8. */
export function fitting(text: string, bytes: number): string {
  const encoder = new TextEncoder();
  let kept = text;
  while (encoder.encode(kept).length > bytes) kept = kept.slice(0, -1);
  return kept;
}
