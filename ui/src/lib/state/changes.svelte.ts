import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Message, Request, Seq } from '$lib/protocol';

import { keep, kept, type Store } from './store';

/** The sent message that the agent is correcting. */
export interface Correcting {
  conversation: ConversationId;
  seq: Seq;
  /** As it stands. */
  before: string;
  text: string;
}

/** The sent message that the agent is about to take back. */
export interface Retracting {
  conversation: ConversationId;
  message: Message;
}

/** Whether a message is one that can be corrected or retracted: what the desk said and has not taken back. */
export function changeable(message: Message): boolean {
  const said = message.author === 'automatic' || message.author === 'agent';
  return said && message.change?.kind !== 'retracted';
}

interface Kept {
  /** The database in which the messages are. */
  epoch: string | null;
  all: Correcting[];
}

const KEY = 'deskbell.corrections';

/** What the agent changes about messages after they were sent. What is being corrected survives a reload. */
export class Changes {
  readonly #backend: Backend;
  readonly #onRefused: (refused: Refused) => void;
  readonly #store: Store | undefined;
  #epoch: string | null;
  /** At most one in a conversation. */
  #corrections = $state.raw<Correcting[]>([]);
  #retracting = $state.raw<Retracting | null>(null);
  #busy = $state(false);
  /** The editor was just asked for, and takes the keyboard. */
  #asked = false;

  constructor(backend: Backend, onRefused: (refused: Refused) => void, store?: Store) {
    this.#backend = backend;
    this.#onRefused = onRefused;
    this.#store = store;
    const { epoch, all } = kept<Kept>(store, KEY, { epoch: null, all: [] });
    this.#epoch = epoch;
    this.#corrections = all;
  }

  /** The correction in progress in a conversation. */
  correcting(conversation: ConversationId): Correcting | null {
    return this.#corrections.find((one) => one.conversation === conversation) ?? null;
  }

  /** What the agent is asked about before it is retracted. */
  get retracting(): Retracting | null {
    return this.#retracting;
  }

  get busy(): boolean {
    return this.#busy;
  }

  isCorrecting(conversation: ConversationId, seq: Seq): boolean {
    return this.correcting(conversation)?.seq === seq;
  }

  /** The desk is reached, with this database. In another one a place is another message's. */
  begin(epoch: string): void {
    const same = this.#epoch === null || this.#epoch === epoch;
    this.#epoch = epoch;
    if (!same) this.#put([]);
  }

  /** Opens the editor on a message. */
  correct(conversation: ConversationId, message: Message): void {
    if (!changeable(message) || this.isCorrecting(conversation, message.seq)) return;
    this.#asked = true;
    this.#change(conversation, {
      conversation,
      seq: message.seq,
      before: message.text,
      text: message.text,
    });
  }

  /** What the correction says by now. */
  write(conversation: ConversationId, text: string): void {
    const correcting = this.correcting(conversation);
    if (correcting) this.#change(conversation, { ...correcting, text });
  }

  /** Sends the correction. The editor stays open when the desk cannot be reached. */
  async save(conversation: ConversationId): Promise<boolean> {
    const correcting = this.correcting(conversation);
    if (!correcting || this.#busy || correcting.text.trim() === '') return false;
    const { seq, before, text } = correcting;
    const done = text === before || (await this.#do({ type: 'correct', conversation, seq, text }));
    if (done && this.isCorrecting(conversation, seq)) this.cancel(conversation);
    return done;
  }

  /** Whether the editor takes the keyboard: once, not when someone steps past it. */
  takesFocus(): boolean {
    const asked = this.#asked;
    this.#asked = false;
    return asked;
  }

  cancel(conversation: ConversationId): void {
    this.#change(conversation, null);
  }

  /** The conversation is no more. */
  forget(conversation: ConversationId): void {
    this.cancel(conversation);
    if (this.#retracting?.conversation === conversation) this.#retracting = null;
  }

  /** Asks whether to take a message back: that cannot be undone. */
  askToRetract(conversation: ConversationId, message: Message): void {
    if (changeable(message)) this.#retracting = { conversation, message };
  }

  keep(): void {
    this.#retracting = null;
  }

  /** Takes back what was asked about. */
  async retract(): Promise<boolean> {
    if (!this.#retracting || this.#busy) return false;
    const { conversation, message } = this.#retracting;
    const done = await this.#do({ type: 'retract', conversation, seq: message.seq });
    this.#retracting = null;
    return done;
  }

  /** A message is now as it is: an editor that nobody wrote in follows, one of a retracted message closes. */
  seen(conversation: ConversationId, message: Message): void {
    const correcting = this.correcting(conversation);
    if (correcting?.seq !== message.seq) return;
    if (!changeable(message)) return this.cancel(conversation);
    const text = correcting.text === correcting.before ? message.text : correcting.text;
    this.#change(conversation, { ...correcting, before: message.text, text });
  }

  #change(conversation: ConversationId, correcting: Correcting | null): void {
    const others = this.#corrections.filter((one) => one.conversation !== conversation);
    if (correcting || others.length < this.#corrections.length) {
      this.#put(correcting ? [...others, correcting] : others);
    }
  }

  #put(corrections: Correcting[]): void {
    this.#corrections = corrections;
    keep(this.#store, KEY, { epoch: this.#epoch, all: corrections } satisfies Kept);
  }

  async #do(request: Extract<Request, { type: 'correct' | 'retract' }>): Promise<boolean> {
    this.#busy = true;
    try {
      await this.#backend.call(request);
      return true;
    } catch (cause) {
      this.#onRefused(Refused.from(cause));
      return false;
    } finally {
      this.#busy = false;
    }
  }
}
