/** Where to go from the message that has the focus. */
export type Step = 'up' | 'down' | 'first' | 'last';

/** Gives the focus to another message of a thread. False when there is none in that direction. */
export function go(thread: HTMLElement, step: Step): boolean {
  const all = [...thread.querySelectorAll<HTMLElement>('[data-testid="message"][tabindex]')];
  const at = all.findIndex((row) => row === document.activeElement);
  const to = { up: at - 1, down: at + 1, first: 0, last: all.length - 1 }[step];
  const next = at < 0 && step !== 'first' ? all.at(-1) : all[to];
  if (!next || to < 0) return false;
  // Asked for by key, so the focus shows.
  next.focus({ focusVisible: true } as FocusOptions);
  return true;
}
