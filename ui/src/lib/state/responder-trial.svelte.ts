import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Language, Question, Replayed, Verdict } from '$lib/protocol';

const WAIT_MS = 200;

/** When in a conversation the message comes. */
export type Moment = 'first' | 'returning' | 'later';

/** A message that someone tries on the chain before customers do. */
export class Trial {
  readonly #backend: Backend;
  text = $state('');
  language = $state<Language>('en');
  name = $state('');
  page = $state('');
  moment = $state<Moment>('later');
  /** Asks the model and the webhook bot, too; then only when told to, as it may cost time and money. */
  asks = $state(false);
  #verdict = $state.raw<Verdict | null>(null);
  #refused = $state.raw<Refused | null>(null);
  #busy = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get verdict(): Verdict | null {
    return this.#verdict;
  }

  get refused(): Refused | null {
    return this.#refused;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Something about the message or the chain is different. */
  changed(): void {
    clearTimeout(this.#timer);
    if (this.text.trim() === '') {
      this.#asked += 1;
      this.#verdict = null;
      this.#refused = null;
      this.#busy = false;
    } else if (!this.asks) this.#timer = setTimeout(() => void this.run(), WAIT_MS);
  }

  async run(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.text.trim() === '') return;
    const asked = ++this.#asked;
    this.#busy = true;
    try {
      const request = { type: 'try', question: this.#question(), ask: this.asks } as const;
      const { verdict } = await ask(this.#backend, request);
      if (asked !== this.#asked) return;
      this.#verdict = verdict;
      this.#refused = null;
    } catch (cause) {
      if (asked === this.#asked) this.#refused = Refused.from(cause);
    } finally {
      if (asked === this.#asked) this.#busy = false;
    }
  }

  #question(): Question {
    return {
      text: this.text,
      language: this.language,
      name: this.name.trim() || null,
      page: this.page.trim() || null,
      first_message: this.moment === 'first',
      returning: this.moment === 'returning',
    };
  }
}

export type ReplayFilter = 'changed' | 'agents' | 'all';

const byAgent = (message: Replayed) => message.then?.author === 'agent';

/** What the last conversations would be answered now. */
export class Replay {
  readonly #backend: Backend;
  conversations = $state(50);
  /** Which messages are shown. */
  filter = $state<ReplayFilter>('changed');
  #messages = $state.raw<Replayed[] | null>(null);
  #refused = $state.raw<Refused | null>(null);
  #busy = $state(false);
  #stale = $state(false);
  #changed = $derived(this.#messages?.filter((message) => message.changed && !byAgent(message)) ?? []);
  #byAgents = $derived(this.#messages?.filter(byAgent) ?? []);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** `null` before it was run. */
  get messages(): Replayed[] | null {
    return this.#messages;
  }

  /** What the responder answered, and would answer differently. */
  get changed(): Replayed[] {
    return this.#changed;
  }

  /** What a person answered: they hardly ever use the responder's words, so these are counted apart. */
  get byAgents(): Replayed[] {
    return this.#byAgents;
  }

  get shown(): Replayed[] {
    if (this.filter === 'changed') return this.#changed;
    return this.filter === 'agents' ? this.#byAgents : (this.#messages ?? []);
  }

  get refused(): Refused | null {
    return this.#refused;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Whether the chain was changed since. */
  get stale(): boolean {
    return this.#stale;
  }

  outdate(): void {
    this.#stale = this.#messages !== null;
  }

  async run(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#stale = false;
    try {
      const request = { type: 'replay', conversations: this.conversations } as const;
      this.#messages = (await ask(this.#backend, request)).messages;
      this.#refused = null;
    } catch (cause) {
      this.#refused = Refused.from(cause);
    } finally {
      this.#busy = false;
    }
  }
}
