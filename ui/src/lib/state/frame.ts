/** Runs work once before the next paint. A hidden page paints nothing, so a timer stands in after a moment. */
export type Schedule = (work: () => void) => void;

const HIDDEN_MS = 150;

export const nextFrame: Schedule = (work) => {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    work();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
};
