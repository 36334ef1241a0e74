import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Hit } from '$lib/protocol';

const WAIT_MS = 160;
const MAX_BYTES = 200;

/** Looking for messages and people. */
export class Search {
  readonly #backend: Backend;
  #query = $state('');
  #hits = $state.raw<Hit[] | null>(null);
  #error = $state.raw<Refused | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get query(): string {
    return this.#query;
  }

  get active(): boolean {
    return this.#query.trim() !== '';
  }

  /** What was found for the query; `null` while it is not known. */
  get hits(): Hit[] | null {
    return this.#hits;
  }

  get error(): Refused | null {
    return this.#error;
  }

  set(query: string): void {
    this.#query = query;
    this.#asked += 1;
    clearTimeout(this.#timer);
    if (!this.active) {
      this.#hits = null;
      this.#error = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#ask(query.trim(), this.#asked), WAIT_MS);
  }

  /** Asks again: the desk was away, or its data was replaced. */
  again(): void {
    if (this.active) this.set(this.#query);
  }

  clear(): void {
    this.set('');
  }

  /** Drops what was found in a conversation that is no more. */
  forget(id: ConversationId): void {
    if (this.#hits?.some((hit) => hit.conversation.id === id)) {
      this.#hits = this.#hits.filter((hit) => hit.conversation.id !== id);
    }
  }

  async #ask(query: string, asked: number): Promise<void> {
    try {
      const answer = await ask(this.#backend, { type: 'search', query: cut(query) });
      if (asked !== this.#asked) return;
      this.#hits = answer.hits;
      this.#error = null;
    } catch (cause) {
      if (asked === this.#asked) this.#error = Refused.from(cause);
    }
  }
}

/** The beginning of a text that fits the desk's limit. */
function cut(query: string): string {
  let kept = query;
  while (new TextEncoder().encode(kept).length > MAX_BYTES) kept = kept.slice(0, -1);
  return kept;
}
