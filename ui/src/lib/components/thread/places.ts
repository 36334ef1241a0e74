import type { ConversationId, Seq } from '$lib/protocol';

/** Where someone was reading: the message at the top of the view, and how far below the top it began, in pixels. */
export interface ReadingPlace {
  seq: Seq;
  below: number;
}

/** Where in each thread its reader has stopped, while that is above its end. Lives as long as the page. */
export const places = new Map<ConversationId, ReadingPlace>();

/** The message at the top of a thread's view. Finding it at a point costs nothing; between two lies a line or a gap. */
export function readingPlace(scroller: HTMLElement): ReadingPlace | null {
  const view = scroller.getBoundingClientRect();
  const found = document.elementFromPoint(view.left + view.width / 2, view.top + 2);
  const at = found?.closest<HTMLElement>('[data-seq]');
  const row = at && scroller.contains(at) ? at : below(scroller, view.top);
  if (!row) return null;
  return { seq: Number(row.dataset['seq']), below: row.getBoundingClientRect().top - view.top };
}

/** The first message that is not wholly above this line. */
function below(scroller: HTMLElement, line: number): HTMLElement | undefined {
  const rows = [...scroller.querySelectorAll<HTMLElement>('[data-seq]')];
  return rows.find((row) => row.getBoundingClientRect().bottom > line);
}

/**
 * Scrolls a thread to where its reader was, and says whether it stood there already. What is far off the screen has its
 * true height only once it was drawn, so that after the next frame this place may be elsewhere.
 */
export function goBackTo(scroller: HTMLElement, { seq, below }: ReadingPlace): boolean {
  const row = scroller.querySelector(`[data-seq="${seq}"]`);
  if (!row) return true;
  const off = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top - below;
  scroller.scrollTop += off;
  return Math.abs(off) < 1;
}
