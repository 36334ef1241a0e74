/** Runs work once before the next paint. A hidden page paints nothing, so a timer stands in after a moment. */
export type Schedule = (work: () => void) => void;

const HIDDEN_MS = 150;
/** Of the time, at most this part goes into drawing what was heard; the rest belongs to the agent's own hands. */
const SHARE = 0.5;

/** Until when drawing rests after the last time, by `performance.now()`. */
let restsUntil = 0;

export const nextFrame: Schedule = (work) => {
  const rest = restsUntil - performance.now();
  if (rest > 0) setTimeout(() => beforePaint(work), rest);
  else beforePaint(work);
};

function beforePaint(work: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    const began = performance.now();
    work();
    // A task of its own, after the paint that follows the work: what lies between is what the work cost.
    requestAnimationFrame(() => {
      setTimeout(() => {
        const cost = performance.now() - began;
        restsUntil = began + cost / SHARE;
      });
    });
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
}
