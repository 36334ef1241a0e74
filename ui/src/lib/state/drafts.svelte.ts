import { SvelteMap } from 'svelte/reactivity';

import type { ConversationId } from '$lib/protocol';

export interface Draft {
  mode: 'reply' | 'note';
  text: string;
}

const KEY = 'deskbell.drafts';
const AT_MOST = 200;
const EMPTY: Draft = { mode: 'reply', text: '' };

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** What the agent has written and not sent, for each conversation. Survives a reload. */
export class Drafts {
  readonly #store: Store | undefined;
  #all: SvelteMap<ConversationId, Draft>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store | undefined) {
    this.#store = store;
    this.#all = new SvelteMap(stored(store));
  }

  of(id: ConversationId): Draft {
    return this.#all.get(id) ?? EMPTY;
  }

  set(id: ConversationId, draft: Draft): void {
    this.#all.delete(id);
    if (draft.text !== '' || draft.mode !== 'reply') this.#all.set(id, draft);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), 250);
  }

  save(): void {
    clearTimeout(this.#timer);
    try {
      this.#store?.setItem(KEY, JSON.stringify([...this.#all].slice(-AT_MOST)));
    } catch {
      // A full or forbidden storage costs only the drafts' survival of a reload.
    }
  }
}

function stored(store: Store | undefined): [ConversationId, Draft][] {
  try {
    return JSON.parse(store?.getItem(KEY) ?? '[]') as [ConversationId, Draft][];
  } catch {
    return [];
  }
}
