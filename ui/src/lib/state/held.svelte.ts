import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, HeldId, HeldReply, Request } from '$lib/protocol';

import { keep, kept, type Store } from './store';

/** A held reply that the agent is editing. It waits until the agent is done, wherever they look meanwhile. */
export interface Editing {
  conversation: ConversationId;
  held: HeldId;
  /** As it was proposed. */
  proposed: string;
  text: string;
}

export type Outcome = 'done' | 'stale' | 'refused';

/** What becomes of what the agent does to held replies. */
export interface HeldEvents {
  refused: (refused: Refused) => void;
  /** The reply went away under the editor; this was written instead of it. */
  lost: (conversation: ConversationId, text: string) => void;
}

const KEY = 'deskbell.edits';

/** Whether there is something to send: a reply that is being written, or was stopped before its first word, is not. */
export function sendable(held: HeldReply): boolean {
  return !held.writing && held.text.trim() !== '';
}

/** What the agent does to held replies. What is being edited survives a reload. */
export class Held {
  readonly #backend: Backend;
  readonly #on: HeldEvents;
  readonly #store: Store | undefined;
  /** At most one in a conversation. */
  #edits = $state.raw<Editing[]>([]);
  #busy = $state.raw<{ conversation: ConversationId; held: HeldId } | null>(null);
  /** The reply whose editor opens as soon as nobody else writes in it. */
  #opens: { conversation: ConversationId; held: HeldId } | null = null;

  constructor(backend: Backend, on: HeldEvents, store?: Store) {
    this.#backend = backend;
    this.#on = on;
    this.#store = store;
    this.#edits = kept<Editing[]>(store, KEY, []);
  }

  /** The edit in progress in a conversation. */
  of(conversation: ConversationId): Editing | null {
    return this.#edits.find((editing) => editing.conversation === conversation) ?? null;
  }

  /** The conversations with an edit in progress. */
  get edited(): ConversationId[] {
    return this.#edits.map(({ conversation }) => conversation);
  }

  /** Whether the desk is being asked something about this reply. */
  isBusy(conversation: ConversationId, held: HeldId): boolean {
    return this.#busy?.conversation === conversation && this.#busy.held === held;
  }

  isEditing(conversation: ConversationId, held: HeldReply): boolean {
    return this.of(conversation)?.held === held.id;
  }

  send(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    return this.#do({ type: 'send_held', conversation, held: held.id });
  }

  async discard(conversation: ConversationId, held: HeldReply): Promise<Outcome> {
    const outcome = await this.#do({ type: 'discard_held', conversation, held: held.id });
    if (outcome === 'done') this.#close(conversation, held.id);
    return outcome;
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
    if (this.isEditing(conversation, held)) return 'done';
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
    this.#put(conversation, { conversation, held: held.id, proposed: held.text, text: held.text });
    const outcome = await this.#do({ type: 'pause_held', conversation, held: held.id });
    const editing = this.of(conversation);
    if (outcome === 'done' || editing?.held !== held.id) return outcome;
    // What someone has begun to write stays while the desk only cannot be reached.
    if (outcome === 'stale' || editing.text === editing.proposed) this.#lose(editing);
    return outcome;
  }

  /** What the reply says now, in the editor. */
  write(conversation: ConversationId, text: string): void {
    const editing = this.of(conversation);
    if (editing) this.#put(conversation, { ...editing, text });
  }

  /** Sends the edited text. The editor stays open when the desk cannot be reached. */
  async save(conversation: ConversationId): Promise<Outcome> {
    const editing = this.of(conversation);
    if (!editing || editing.text.trim() === '') return 'refused';
    const { held, text } = editing;
    const outcome = await this.#do({ type: 'send_held', conversation, held, text });
    if (outcome === 'done') this.#close(conversation, held);
    if (outcome === 'stale') this.#lose(editing);
    return outcome;
  }

  /** Closes the editor and lets the clock run on. */
  async cancel(conversation: ConversationId): Promise<void> {
    const editing = this.of(conversation);
    if (!editing) return;
    this.#close(conversation, editing.held);
    await this.#do({ type: 'resume_held', conversation, held: editing.held });
  }

  /** The held reply of a conversation is now this one. An edit of another is over. */
  seen(conversation: ConversationId, held: HeldReply | null): void {
    const opens = this.#opens;
    if (opens?.conversation === conversation && !held?.writing) {
      this.#opens = null;
      if (held?.id === opens.held) void this.#open(conversation, held);
    }
    const editing = this.of(conversation);
    if (!editing || editing.held === held?.id || this.isBusy(conversation, editing.held)) return;
    this.#lose(editing);
  }

  /** As {@link seen}, after this console was away: a reply that it edits has to wait again if it does not. */
  seenAgain(conversation: ConversationId, held: HeldReply | null): void {
    this.seen(conversation, held);
    if (!held || held.due_at === null || !this.isEditing(conversation, held)) return;
    void this.#do({ type: 'pause_held', conversation, held: held.id });
  }

  /** The conversation is no more. */
  forget(conversation: ConversationId): void {
    this.#put(conversation, null);
  }

  /** The reply went away: what was written instead of it must not go with it. */
  #lose(editing: Editing): void {
    const { conversation, held, proposed } = editing;
    const text = this.of(conversation)?.text ?? editing.text;
    this.#close(conversation, held);
    if (text !== proposed && text.trim() !== '') this.#on.lost(conversation, text);
  }

  #close(conversation: ConversationId, held: HeldId): void {
    if (this.of(conversation)?.held === held) this.#put(conversation, null);
  }

  #put(conversation: ConversationId, editing: Editing | null): void {
    const others = this.#edits.filter((other) => other.conversation !== conversation);
    this.#edits = editing ? [...others, editing] : others;
    keep(this.#store, KEY, this.#edits);
  }

  async #do(request: Extract<Request, { held: HeldId }>): Promise<Outcome> {
    const busy = { conversation: request.conversation, held: request.held };
    this.#busy = busy;
    try {
      await this.#backend.call(request);
      return 'done';
    } catch (cause) {
      const refused = Refused.from(cause);
      const stale = refused.code === 'stale_reply';
      // Who wants to stop what has just been finished sees it finished.
      if (!stale || request.type !== 'stop_writing') this.#on.refused(refused);
      return stale ? 'stale' : 'refused';
    } finally {
      if (this.#busy === busy) this.#busy = null;
    }
  }
}
