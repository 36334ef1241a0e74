import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Timestamp, UsageRow } from '$lib/protocol';

import type { Exported } from './responder-answers.svelte';

export type Period = 'today' | '7' | '30' | '90' | 'custom';

const DAY = 86_400_000;

/** The numbers of the responder's parts over a period. */
export class Usage {
  readonly #backend: Backend;
  readonly #now: () => Timestamp;
  #period = $state<Period>('7');
  /** First and last day of a period of one's own, as `2026-11-23`. */
  first = $state('');
  last = $state('');
  #rows = $state.raw<UsageRow[] | null>(null);
  #span = $state.raw<[Timestamp, Timestamp]>([0, 0]);
  #refused = $state.raw<Refused | null>(null);
  #busy = $state(false);
  #asked = 0;

  constructor(backend: Backend, now: () => Timestamp) {
    this.#backend = backend;
    this.#now = now;
  }

  get period(): Period {
    return this.#period;
  }

  /** Most used first; `null` before they are known. */
  get rows(): UsageRow[] | null {
    return this.#rows;
  }

  /** What the rows are about: from, and up to but without. */
  get span(): [Timestamp, Timestamp] {
    return this.#span;
  }

  get refused(): Refused | null {
    return this.#refused;
  }

  get busy(): boolean {
    return this.#busy;
  }

  async choose(period: Period): Promise<void> {
    this.#period = period;
    if (period === 'custom') {
      // Begin with the days that are shown, so that choosing changes nothing yet.
      this.first ||= isoDay(this.#span[0]);
      this.last ||= isoDay(this.#span[1] - 1);
    }
    await this.load();
  }

  async load(): Promise<void> {
    const span = this.#wanted();
    if (!span) return;
    const asked = ++this.#asked;
    this.#busy = true;
    try {
      const [from, to] = span;
      const { rows } = await ask(this.#backend, { type: 'usage', from, to });
      if (asked !== this.#asked) return;
      this.#rows = rows;
      this.#span = span;
      this.#refused = null;
    } catch (cause) {
      if (asked === this.#asked) this.#refused = Refused.from(cause);
    } finally {
      if (asked === this.#asked) this.#busy = false;
    }
  }

  /** The rows as CSV. Throws the refusal. */
  async export(): Promise<Exported> {
    const [from, to] = this.#wanted() ?? this.#span;
    const { name, content } = await ask(this.#backend, { type: 'export_usage', from, to });
    return { name, content };
  }

  /** The chosen period: whole days of this console's calendar, today included. */
  #wanted(): [Timestamp, Timestamp] | null {
    const tomorrow = startOfDay(this.#now(), 1);
    if (this.#period === 'custom') {
      const first = Date.parse(`${this.first}T00:00`);
      const last = Date.parse(`${this.last}T00:00`);
      return first <= last ? [first, startOfDay(last, 1)] : null;
    }
    const days = this.#period === 'today' ? 1 : Number(this.#period);
    return [startOfDay(this.#now(), 1 - days), tomorrow];
  }
}

/** Midnight of the day `days` after the one of `at`. Days are not always 24 hours. */
function startOfDay(at: Timestamp, days: number): Timestamp {
  const day = new Date(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days).getTime();
}

function isoDay(at: Timestamp): string {
  const day = new Date(at > DAY ? at : Date.now());
  const two = (number: number) => String(number).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
