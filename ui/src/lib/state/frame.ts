/**
 * Runs work once before a paint: one piece of work a frame, in order. A hidden page paints nothing, so a timer stands in
 * after a moment.
 */
export type Schedule = (work: () => void) => void;

const HIDDEN_MS = 150;
/** Of the time, at most this part goes into drawing what was heard; the rest belongs to the agent's own hands. */
const SHARE = 0.5;

/** Until when drawing rests after the last time, by `performance.now()`. */
let restsUntil = 0;
/** What comes after the work that is due or being drawn; `null` when there is none. */
let later: (() => void)[] | null = null;

export const nextFrame: Schedule = (work) => {
  if (later) {
    later.push(work);
    return;
  }
  later = [];
  const rest = restsUntil - performance.now();
  if (rest > 0) setTimeout(() => beforePaint(work), rest);
  else beforePaint(work);
};

function beforePaint(work: () => void): void {
  inFrame(() => {
    const began = performance.now();
    try {
      work();
    } finally {
      // Also after an error, or nothing would ever be drawn again. A task of its own, after the paint that follows the
      // work: what lies between is what the work cost.
      inFrame(() => {
        setTimeout(() => {
          restsUntil = began + (performance.now() - began) / SHARE;
          const came = later ?? [];
          later = null;
          came.forEach(nextFrame);
        });
      });
    }
  });
}

function inFrame(run: () => void): void {
  const once = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
}
