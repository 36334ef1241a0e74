import type { ConversationId, Lesson } from '$lib/protocol';

/** The one offer to learn that is shown, where the agent did what can be learned from. */
export class Offer {
  #lesson = $state.raw<Lesson | null>(null);

  /** The offer to show in a conversation. */
  in(conversation: ConversationId): Lesson | null {
    return this.#lesson?.conversation === conversation ? this.#lesson : null;
  }

  /** Makes an offer, once. Before anything was said there is nothing to answer like next time. */
  make(lesson: Lesson): void {
    if (lesson.reply !== null) this.#lesson = lesson;
  }

  /** Takes the offer off the screen; it stays among those to review. */
  leave(): void {
    this.#lesson = null;
  }
}
