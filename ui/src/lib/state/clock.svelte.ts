import type { Timestamp } from '$lib/protocol';

const TICK_MS = 250;
const COARSE_MS = 10_000;

/** The desk's clock, as far as this console knows it. */
export class Clock {
  #offset = 0;
  #fine = $state(0);
  #coarse = $state(0);
  readonly #read: () => number;

  constructor(read: () => number = Date.now) {
    this.#read = read;
    this.#advance();
  }

  /** The desk's time now, not reactive. */
  at(): Timestamp {
    return this.#read() + this.#offset;
  }

  /** The desk's time, moving four times a second: for countdowns. */
  get now(): Timestamp {
    return this.#fine;
  }

  /** The desk's time, moving every ten seconds: for "3 min". */
  get coarse(): Timestamp {
    return this.#coarse;
  }

  /** Sets the clock by a time that the desk just told. */
  set(now: Timestamp): void {
    const offset = now - this.#read();
    // A batch takes a moment to arrive; small differences would only make countdowns stutter.
    if (Math.abs(offset - this.#offset) > 200) this.#offset = offset;
    this.#advance();
  }

  /** Starts ticking. Returns how to stop. */
  start(): () => void {
    const timer = setInterval(() => this.#advance(), TICK_MS);
    return () => clearInterval(timer);
  }

  #advance(): void {
    const now = this.at();
    this.#fine = Math.floor(now / TICK_MS) * TICK_MS;
    if (now - this.#coarse >= COARSE_MS || now < this.#coarse) this.#coarse = now;
  }
}
