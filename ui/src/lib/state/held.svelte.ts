import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, HeldId, HeldReply, Request } from '$lib/protocol';

/** The reply that the agent is editing. */
export interface Editing {
  conversation: ConversationId;
  held: HeldId;
  /** As it was proposed. */
  proposed: string;
  text: string;
}

export type Outcome = 'done' | 'stale' | 'refused';

/** Whether there is something to send: a reply that is being written, or was stopped before its first word, is not. */
export function sendable(held: HeldReply): boolean {
  return !held.writing && held.text.trim() !== '';
}

/** What the agent does to held replies. */
export class Held {
  readonly #backend: Backend;
  readonly #onRefused: (refused: Refused) => void;
  #editing = $state<Editing | null>(null);
  #busy = $state<HeldId | null>(null);
  /** The reply whose editor opens as soon as nobody else writes in it. */
  #opens: { conversation: ConversationId; held: HeldId } | null = null;

  constructor(backend: Backend, onRefused: (refused: Refused) => void) {
    this.#backend = backend;
    this.#onRefused = onRefused;
  }

  /** The edit in progress. Its text may be written. */
  get editing(): Editing | null {
    return this.#editing;
  }

  /** The reply for which the desk is being asked something. */
  get busy(): HeldId | null {
    return this.#busy;
  }

  isEditing(conversation: ConversationId, held: HeldReply): boolean {
    return this.#editing?.conversation === conversation && this.#editing.held === held.id;
  }

  send(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    return this.#do({ type: 'send_held', conversation, held: held.id });
  }

  discard(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    if (this.isEditing(conversation, held)) this.#editing = null;
    return this.#do({ type: 'discard_held', conversation, held: held.id });
  }

  restore(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    return this.#do({ type: 'restore_held', conversation, held: held.id });
  }

  /** Lets the clock of a paused reply run on. */
  resume(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    return this.#do({ type: 'resume_held', conversation, held: held.id });
  }

  /** Stops the model. What it has written stays held, as "ask". */
  stop(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    return this.#do({ type: 'stop_writing', conversation, held: held.id });
  }

  /** Stops whoever writes or the clock, and opens the editor. If it was too late, there is nothing to edit. */
  async edit(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    if (this.#editing) await this.cancel();
    if (held.writing) {
      this.#opens = { conversation, held: held.id };
      const stopped = await this.stop(conversation, held);
      // Stale: it was finished meanwhile, and is edited as it is.
      if (stopped === 'refused') this.#opens = null;
      return stopped;
    }
    return this.#open(conversation, held);
  }

  async #open(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    this.#editing = { conversation, held: held.id, proposed: held.text, text: held.text };
    const outcome = await this.#do({ type: 'pause_held', conversation, held: held.id });
    if (outcome !== 'done' && this.#editing?.held === held.id) this.#editing = null;
    return outcome;
  }

  /** Sends the edited text. The editor stays open when the desk cannot be reached. */
  async save(): Promise<Outcome> {
    const editing = this.#editing;
    if (!editing || editing.text.trim() === '') return 'refused';
    const { conversation, held, text } = $state.snapshot(editing);
    const outcome = await this.#do({ type: 'send_held', conversation, held, text });
    if (outcome !== 'refused') this.#editing = null;
    return outcome;
  }

  /** Closes the editor and lets the clock run on. */
  async cancel(): Promise<void> {
    const editing = this.#editing;
    if (!editing) return;
    this.#editing = null;
    await this.#do({ type: 'resume_held', conversation: editing.conversation, held: editing.held });
  }

  /** The held reply of a conversation is now this one. An edit of another is over; what was written is returned. */
  seen(conversation: ConversationId, held: HeldReply | null): string | null {
    const opens = this.#opens;
    if (opens?.conversation === conversation && !held?.writing) {
      this.#opens = null;
      if (held?.id === opens.held) void this.#open(conversation, held);
    }
    const editing = this.#editing;
    if (editing?.conversation !== conversation || editing.held === held?.id) return null;
    if (this.#busy === editing.held) return null;
    this.#editing = null;
    return editing.text === editing.proposed ? '' : editing.text;
  }

  async #do(request: Extract<Request, { held: HeldId }>): Promise<Outcome> {
    this.#busy = request.held;
    try {
      await this.#backend.call(request);
      return 'done';
    } catch (cause) {
      const refused = Refused.from(cause);
      const stale = refused.code === 'stale_reply';
      // Who wants to stop what has just been finished sees it finished.
      if (!stale || request.type !== 'stop_writing') this.#onRefused(refused);
      return stale ? 'stale' : 'refused';
    } finally {
      this.#busy = null;
    }
  }
}
