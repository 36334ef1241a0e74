import { SvelteMap } from 'svelte/reactivity';

import type { ConversationId } from '$lib/protocol';

import { keep, kept, type Store } from './store';

export interface Draft {
  mode: 'reply' | 'note';
  text: string;
}

const KEY = 'deskbell.drafts';
const AT_MOST = 200;
const EMPTY: Draft = { mode: 'reply', text: '' };

/** What the agent has written and not sent, for each conversation. Survives a reload. */
export class Drafts {
  readonly #store: Store | undefined;
  #all: SvelteMap<ConversationId, Draft>;
  /** What was written here since it was saved last: another window's drafts are its own. */
  readonly #written = new Set<ConversationId>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: Store | undefined) {
    this.#store = store;
    this.#all = new SvelteMap(kept<[ConversationId, Draft][]>(store, KEY, []));
  }

  of(id: ConversationId): Draft {
    return this.#all.get(id) ?? EMPTY;
  }

  set(id: ConversationId, draft: Draft): void {
    this.#written.add(id);
    this.#all.delete(id);
    if (draft.text !== '' || draft.mode !== 'reply') this.#all.set(id, draft);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), 250);
  }

  /** Puts a text behind what is written already. Together with a note it is a note: those never leave by mistake. */
  append(id: ConversationId, mode: Draft['mode'], text: string): void {
    const draft = this.of(id);
    const empty = draft.text.trim() === '';
    const note = mode === 'note' || (!empty && draft.mode === 'note');
    const before = empty ? '' : `${draft.text.trimEnd()}\n`;
    this.set(id, { mode: note ? 'note' : 'reply', text: before + text });
  }

  /** Saves also what was written just before the page goes. Returns how to stop. */
  start(): () => void {
    if (typeof window === 'undefined') return () => undefined;
    const save = () => this.save();
    addEventListener('pagehide', save);
    return () => removeEventListener('pagehide', save);
  }

  save(): void {
    clearTimeout(this.#timer);
    if (this.#written.size === 0) return;
    const all = new Map(kept<[ConversationId, Draft][]>(this.#store, KEY, []));
    for (const id of this.#written) {
      all.delete(id);
      const draft = this.#all.get(id);
      if (draft) all.set(id, draft);
    }
    this.#written.clear();
    keep(this.#store, KEY, [...all].slice(-AT_MOST));
  }
}
