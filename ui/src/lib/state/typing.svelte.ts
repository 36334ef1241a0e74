import type { ConversationId } from '$lib/protocol';

/** A customer who typed this long ago has stopped, in milliseconds. */
const STOPS_AFTER = 5_000;

/** Which customers are typing. */
export class Typing {
  #until = new Map<ConversationId, ReturnType<typeof setTimeout>>();
  #version = $state(0);

  is(id: ConversationId): boolean {
    void this.#version;
    return this.#until.has(id);
  }

  /** The customer typed just now. */
  start(id: ConversationId): void {
    clearTimeout(this.#until.get(id));
    this.#until.set(
      id,
      setTimeout(() => this.stop(id), STOPS_AFTER),
    );
    this.#version += 1;
  }

  /** The customer's message is here, or did not come. */
  stop(id: ConversationId): void {
    if (!this.#until.has(id)) return;
    clearTimeout(this.#until.get(id));
    this.#until.delete(id);
    this.#version += 1;
  }
}
