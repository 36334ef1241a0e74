import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Lesson, LessonId } from '$lib/protocol';

/** The one offer to learn that is shown, where the agent did what can be learned from. */
export class Offer {
  readonly #backend: Backend;
  readonly #onRefused: (refused: Refused) => void;
  #lesson = $state.raw<Lesson | null>(null);

  constructor(backend: Backend, onRefused: (refused: Refused) => void) {
    this.#backend = backend;
    this.#onRefused = onRefused;
  }

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

  /** Declines it for good. */
  async decline(lesson: LessonId): Promise<void> {
    if (this.#lesson?.id === lesson) this.leave();
    try {
      await this.#backend.call({ type: 'dismiss_lesson', lesson });
    } catch (cause) {
      this.#onRefused(Refused.from(cause));
    }
  }
}
