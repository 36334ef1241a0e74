import { SvelteMap } from 'svelte/reactivity';

import type { Conversation, ConversationId, Seq, Suggestion } from '$lib/protocol';

/** Which suggestions the agent has used or put away; the desk keeps suggesting only for newer messages. */
export class Suggestions {
  #done = new SvelteMap<ConversationId, Seq>();

  /** What to show above the composer. */
  of(conversation: Conversation): Suggestion | null {
    const { id, control, suggestion } = conversation;
    if (control !== 'human' || !suggestion || this.#done.get(id) === suggestion.for_seq) return null;
    return suggestion;
  }

  /** The agent has used it or does not want it. */
  done(conversation: ConversationId, suggestion: Suggestion): void {
    this.#done.set(conversation, suggestion.for_seq);
  }

  /** Shows it again: it was put back. */
  again(conversation: ConversationId): void {
    this.#done.delete(conversation);
  }
}
