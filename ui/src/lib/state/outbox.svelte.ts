import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Message, Seq } from '$lib/protocol';

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

/** Messages on their way to the desk, shown before they are there. */
export class Outbox {
  readonly #backend: Backend;
  readonly #newId: () => string;
  #all = $state.raw<Outgoing[]>([]);
  /** The last delivery of each conversation while it is under way. */
  readonly #underWay = new Map<ConversationId, Promise<void>>();

  constructor(backend: Backend, newId: () => string = () => crypto.randomUUID()) {
    this.#backend = backend;
    this.#newId = newId;
  }

  of(conversation: ConversationId): Outgoing[] {
    return this.#all.filter((outgoing) => outgoing.conversation === conversation);
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
    this.#all = [...this.#all, outgoing];
    return this.#inTurn(outgoing);
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
    this.#all = this.#all.filter((other) => other.id !== id);
    return outgoing?.text;
  }

  /** The desk shows a message: what it was made of is done. */
  reconcile(message: Message): void {
    if (message.client_id === undefined || this.#all.length === 0) return;
    if (this.#all.some((outgoing) => outgoing.id === message.client_id)) {
      this.#all = this.#all.filter((outgoing) => outgoing.id !== message.client_id);
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
      this.#change(id, { state: 'sent', seq });
    } catch (cause) {
      this.#change(id, { state: 'failed', error: Refused.from(cause) });
    }
  }

  #change(id: string, change: Partial<Outgoing>): void {
    this.#all = this.#all.map((outgoing) => (outgoing.id === id ? { ...outgoing, ...change } : outgoing));
  }
}
