/** Whether someone is looking at this window. */
export class Attention {
  #here = $state(true);

  get here(): boolean {
    return this.#here;
  }

  /** Begins to notice. Returns how to stop. */
  start(): () => void {
    if (typeof document === 'undefined') return () => undefined;
    const look = () => {
      this.#here = document.visibilityState === 'visible' && document.hasFocus();
    };
    const stop = new AbortController();
    for (const type of ['focus', 'blur', 'pageshow']) addEventListener(type, look, { signal: stop.signal });
    document.addEventListener('visibilitychange', look, { signal: stop.signal });
    look();
    return () => stop.abort();
  }
}
