import type { Conversation, ConversationId, DraftSoFar, Seq } from '$lib/protocol';

/** What models and bots are writing, as far as it has come. */
export class Writing {
  #soFar = new Map<ConversationId, Pick<DraftSoFar, 'for_seq' | 'text'>>();
  #version = $state(0);

  /** What there is of the reply to this message; empty before its first word. */
  of(conversation: ConversationId, forSeq: Seq): string {
    void this.#version;
    const known = this.#soFar.get(conversation);
    return known?.for_seq === forSeq ? known.text : '';
  }

  /** Takes all of it so far. Call {@link publish} afterwards. */
  put(conversation: ConversationId, forSeq: Seq, text: string): void {
    this.#soFar.set(conversation, { for_seq: forSeq, text });
  }

  /** The conversation is as it is now: what nobody writes any more is forgotten. Call {@link publish} afterwards. */
  seen({ id, held, suggestion }: Conversation): void {
    if (!held?.writing && !suggestion?.writing) this.#soFar.delete(id);
  }

  forget(conversation: ConversationId): void {
    this.#soFar.delete(conversation);
  }

  /** Takes what a snapshot says instead of everything known. */
  reset(drafts: DraftSoFar[]): void {
    this.#soFar = new Map(drafts.map((draft) => [draft.conversation, draft]));
    this.#version += 1;
  }

  publish(): void {
    this.#version += 1;
  }
}
