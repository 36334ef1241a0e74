import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Lesson, LessonId } from '$lib/protocol';

/** Offers to learn that nobody has dealt with. */
export class Lessons {
  readonly #backend: Backend;
  #waiting = $state(0);
  #all = $state.raw<Lesson[] | null>(null);
  #error = $state.raw<Refused | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** How many there are. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Newest first; `null` before they are known. */
  get all(): Lesson[] | null {
    return this.#all;
  }

  get error(): Refused | null {
    return this.#error;
  }

  /** Takes the number that the desk told. A list that does not fit it any more is asked for again. */
  count(waiting: number): void {
    this.#waiting = waiting;
    if (this.#all && this.#all.length !== waiting) void this.load();
  }

  /** Takes an offer, new or as it is now. */
  put(lesson: Lesson): void {
    if (!this.#all) return;
    const known = this.#all.some((other) => other.id === lesson.id);
    this.#all = known
      ? this.#all.map((other) => (other.id === lesson.id ? lesson : other))
      : [lesson, ...this.#all];
  }

  async load(): Promise<void> {
    try {
      this.#all = (await ask(this.#backend, { type: 'lessons' })).lessons;
      this.#error = null;
    } catch (cause) {
      this.#error = Refused.from(cause);
    }
  }

  /** Someone has dealt with it. */
  done(id: LessonId): void {
    const left = this.#all?.filter((lesson) => lesson.id !== id) ?? null;
    if (left && left.length !== this.#all?.length) this.#waiting = Math.max(0, this.#waiting - 1);
    this.#all = left;
  }

  /** Drops an offer. Throws the refusal. */
  async dismiss(id: LessonId): Promise<void> {
    await ask(this.#backend, { type: 'dismiss_lesson', lesson: id });
    this.done(id);
  }
}
