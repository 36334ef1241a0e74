import { type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Lesson, LessonId } from '$lib/protocol';

/** Offers to learn from what the agent did. */
export class Lessons {
  readonly #backend: Backend;
  readonly #onRefused: (refused: Refused) => void;
  #waiting = $state(0);
  /** The offer that is shown; one at a time, and only where it came from. */
  #offer = $state.raw<Lesson | null>(null);

  constructor(backend: Backend, onRefused: (refused: Refused) => void) {
    this.#backend = backend;
    this.#onRefused = onRefused;
  }

  /** How many nobody has dealt with. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The offer to show in a conversation. */
  offer(conversation: ConversationId): Lesson | null {
    return this.#offer?.conversation === conversation ? this.#offer : null;
  }

  /** So many wait now. */
  count(waiting: number): void {
    this.#waiting = waiting;
    if (waiting === 0) this.#offer = null;
  }

  /** Shows an offer, once. There is nothing to answer like next time before something was said. */
  put(lesson: Lesson): void {
    if (lesson.reply !== null) this.#offer = lesson;
  }

  /** Takes the offer off the screen; it stays among those to review. */
  leave(): void {
    this.#offer = null;
  }

  /** Declines an offer for good. */
  async dismiss(lesson: LessonId): Promise<void> {
    if (this.#offer?.id === lesson) this.#offer = null;
    try {
      await this.#backend.call({ type: 'dismiss_lesson', lesson });
    } catch (cause) {
      this.#onRefused(Refused.from(cause));
    }
  }
}
