import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Code, ConversationId, Message, Seq } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { keep, kept, type Store } from './store';

/** What the agent wrote and the desk has not shown in the thread yet. */
export interface Outgoing {
  /** The console's own id, which comes back as `client_id`. */
  id: string;
  conversation: ConversationId;
  kind: 'send' | 'note';
  text: string;
  state: 'sending' | 'sent' | 'failed';
  /** Its place, once the desk has it. */
  seq: Seq | null;
  error: Refused | null;
}

/** A refusal as it is kept. */
interface KeptRefusal {
  code: Code | 'offline';
  message: string;
  message_zh?: string | undefined;
}

interface Kept {
  /** The database for which they were written. */
  epoch: string | null;
  all: (Omit<Outgoing, 'error'> & { error: KeptRefusal | null })[];
}

const KEY = 'deskbell.outbox';

const keptRefusal = ({ code, message, chinese }: Refused): KeptRefusal => ({
  code,
  message,
  message_zh: chinese,
});

const anotherDatabase = () =>
  new Refused({
    code: 'internal',
    message: m.outgoing_restored({}, { locale: 'en' }),
    message_zh: m.outgoing_restored({}, { locale: 'zh-CN' }),
  });

/** Messages on their way to the desk, shown before they are there. Those that are not there survive a reload. */
export class Outbox {
  readonly #backend: Backend;
  readonly #newId: () => string;
  readonly #store: Store | undefined;
  #epoch: string | null;
  #all = $state.raw<Outgoing[]>([]);
  /** The last delivery of each conversation while it is under way. */
  readonly #underWay = new Map<ConversationId, Promise<void>>();
  /** Those that a reload interrupted, until the desk is reached. */
  #waiting: Outgoing[];
  /** Those that were there before a reload, by id. */
  readonly #interrupted: Set<string>;

  constructor(backend: Backend, newId: () => string = () => crypto.randomUUID(), store?: Store) {
    this.#backend = backend;
    this.#newId = newId;
    this.#store = store;
    const { epoch, all } = kept<Kept>(store, KEY, { epoch: null, all: [] });
    this.#epoch = epoch;
    this.#all = all.map((own) => ({ ...own, error: own.error && new Refused(own.error) }));
    this.#waiting = this.#all.filter(({ state }) => state === 'sending');
    this.#interrupted = new Set(this.#all.map(({ id }) => id));
  }

  of(conversation: ConversationId): Outgoing[] {
    return this.#all.filter((outgoing) => outgoing.conversation === conversation);
  }

  /**
   * What the thread of a conversation does not show yet. Of a message that was sent twice, as its first answer was lost,
   * the desk tells nothing anew: whether it is shown is known by its place, too, and it may be too far up to be loaded.
   */
  notIn(conversation: ConversationId, thread: { loaded: boolean; messages: Message[] }): Outgoing[] {
    const last = thread.messages.at(-1)?.seq ?? 0;
    return this.of(conversation).filter(({ id, seq }) => {
      const mayBeMissing = seq === null || (thread.loaded && seq > last);
      return mayBeMissing && !thread.messages.some((message) => message.client_id === id);
    });
  }

  send(conversation: ConversationId, kind: Outgoing['kind'], text: string): Promise<void> {
    const outgoing: Outgoing = {
      id: this.#newId(),
      conversation,
      kind,
      text,
      state: 'sending',
      seq: null,
      error: null,
    };
    this.#put([...this.#all, outgoing]);
    return this.#inTurn(outgoing);
  }

  /**
   * The desk is reached, with this database. What a reload interrupted is sent again under the same id, so that it
   * cannot arrive twice. In another database its conversation may be someone else's: there the agent decides.
   */
  begin(epoch: string): void {
    const same = this.#epoch === null || this.#epoch === epoch;
    this.#epoch = epoch;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const own of waiting) {
      if (same) void this.#inTurn(own);
      else this.#change(own.id, { state: 'failed', error: anotherDatabase() });
    }
  }

  /** Sends what failed again, under the same id, so that it cannot arrive twice. */
  retry(id: string): Promise<void> {
    const outgoing = this.#all.find((other) => other.id === id);
    if (outgoing?.state !== 'failed') return Promise.resolve();
    this.#change(id, { state: 'sending', error: null });
    return this.#inTurn(outgoing);
  }

  /** Gives up on what failed and returns its text. */
  discard(id: string): string | undefined {
    const outgoing = this.#all.find((other) => other.id === id);
    this.#put(this.#all.filter((other) => other.id !== id));
    return outgoing?.text;
  }

  /** The conversation is no more. */
  forget(conversation: ConversationId): void {
    this.#put(this.#all.filter((outgoing) => outgoing.conversation !== conversation));
  }

  /** The desk shows a message: what it was made of is done. */
  reconcile(message: Message): void {
    if (message.client_id === undefined || this.#all.length === 0) return;
    if (this.#all.some((outgoing) => outgoing.id === message.client_id)) {
      this.#put(this.#all.filter((outgoing) => outgoing.id !== message.client_id));
    }
  }

  /** One after the other: calls that are under way together may reach the desk in any order. */
  #inTurn(outgoing: Outgoing): Promise<void> {
    const { conversation } = outgoing;
    const before = this.#underWay.get(conversation);
    const delivery = (before ? before.then(() => this.#deliver(outgoing)) : this.#deliver(outgoing)).finally(
      () => {
        if (this.#underWay.get(conversation) === delivery) this.#underWay.delete(conversation);
      },
    );
    this.#underWay.set(conversation, delivery);
    return delivery;
  }

  async #deliver({ id, conversation, kind, text }: Outgoing): Promise<void> {
    try {
      const { seq } = await ask(this.#backend, { type: kind, conversation, id, text });
      // It may have arrived before the reload, and then it is not told of again.
      if (this.#interrupted.has(id)) this.discard(id);
      else this.#change(id, { state: 'sent', seq });
    } catch (cause) {
      this.#change(id, { state: 'failed', error: Refused.from(cause) });
    }
  }

  #change(id: string, change: Partial<Outgoing>): void {
    this.#put(this.#all.map((outgoing) => (outgoing.id === id ? { ...outgoing, ...change } : outgoing)));
  }

  #put(all: Outgoing[]): void {
    this.#all = all;
    const unsent = all.filter(({ state }) => state !== 'sent');
    keep(this.#store, KEY, {
      epoch: this.#epoch,
      all: unsent.map((own) => ({ ...own, error: own.error && keptRefusal(own.error) })),
    } satisfies Kept);
  }
}
