import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Message, Request, Seq } from '$lib/protocol';

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

/** What the agent changes about messages after they were sent. */
export class Changes {
  readonly #backend: Backend;
  readonly #onRefused: (refused: Refused) => void;
  #correcting = $state<Correcting | null>(null);
  #retracting = $state.raw<Retracting | null>(null);
  #busy = $state(false);

  constructor(backend: Backend, onRefused: (refused: Refused) => void) {
    this.#backend = backend;
    this.#onRefused = onRefused;
  }

  /** The correction in progress. Its text may be written. */
  get correcting(): Correcting | null {
    return this.#correcting;
  }

  /** What the agent is asked about before it is retracted. */
  get retracting(): Retracting | null {
    return this.#retracting;
  }

  get busy(): boolean {
    return this.#busy;
  }

  isCorrecting(conversation: ConversationId, seq: Seq): boolean {
    return this.#correcting?.conversation === conversation && this.#correcting.seq === seq;
  }

  /** Opens the editor on a message. */
  correct(conversation: ConversationId, message: Message): void {
    if (!changeable(message) || this.isCorrecting(conversation, message.seq)) return;
    this.#correcting = { conversation, seq: message.seq, before: message.text, text: message.text };
  }

  /** Sends the correction. The editor stays open when the desk cannot be reached. */
  async save(): Promise<boolean> {
    const correcting = this.#correcting;
    if (!correcting || this.#busy || correcting.text.trim() === '') return false;
    const { conversation, seq, before, text } = $state.snapshot(correcting);
    const done = text === before || (await this.#do({ type: 'correct', conversation, seq, text }));
    if (done && this.isCorrecting(conversation, seq)) this.#correcting = null;
    return done;
  }

  cancel(): void {
    this.#correcting = null;
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
    const correcting = this.#correcting;
    if (correcting?.conversation !== conversation || correcting.seq !== message.seq) return;
    if (!changeable(message)) this.#correcting = null;
    else if (correcting.text === correcting.before) correcting.text = message.text;
    correcting.before = message.text;
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
