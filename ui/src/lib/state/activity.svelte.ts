import { ask, type Backend } from '$lib/backend/backend';
import type { ActivityEvent, ConversationId } from '$lib/protocol';

/** Events kept. */
export const RING = 2_000;

/** What happened on the sockets, newest last. */
export class Activity {
  readonly #backend: Backend;
  #events: ActivityEvent[] = [];
  #version = $state(0);
  #paused = $state.raw<ActivityEvent[] | null>(null);
  #pausedAt = $state(0);
  #loaded = $state(false);
  /** Whether someone looks: only then the desk tells. */
  #watching = false;
  /** How many answers to `load` are on their way. */
  #loading = 0;
  /** What came since the events before it were asked for. */
  #meanwhile: ActivityEvent[] = [];
  #shown = $derived.by(() => {
    void this.#version;
    return this.#paused ?? [...this.#events];
  });

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Oldest first; while paused, as it was then. */
  get events(): ActivityEvent[] {
    return this.#shown;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get paused(): boolean {
    return this.#paused !== null;
  }

  /** How many events came since the pause. */
  get waiting(): number {
    void this.#version;
    return this.#paused ? Math.max(0, (this.#events.at(-1)?.serial ?? 0) - this.#pausedAt) : 0;
  }

  pause(): void {
    this.#paused = [...this.#events];
    this.#pausedAt = this.#events.at(-1)?.serial ?? 0;
  }

  resume(): void {
    this.#paused = null;
  }

  /** Takes an event. Call {@link publish} afterwards. */
  put(event: ActivityEvent): void {
    if (this.#loading) this.#meanwhile.push(event);
    const last = this.#events.at(-1)?.serial ?? 0;
    // The answer to `load` may have overtaken it.
    if (event.serial > last) this.#events.push(event);
    // Cut rarely and much: cutting one by one would move the whole ring for each event.
    if (this.#events.length > RING * 1.25) this.#events = this.#events.slice(-RING);
  }

  /** Drops what happened in a conversation that is no more. Call {@link publish} afterwards. */
  forget(id: ConversationId): void {
    const others = (events: ActivityEvent[]) => events.filter((event) => event.conversation !== id);
    this.#events = others(this.#events);
    if (this.#paused) this.#paused = others(this.#paused);
  }

  publish(): void {
    this.#version += 1;
  }

  /** Begins to hear of every event. Returns how to stop. */
  watch(): () => void {
    this.#watching = true;
    void this.refresh();
    return () => {
      this.#watching = false;
      void this.#tell(false);
    };
  }

  /** The desk knows nothing of this console any more, or the console missed something: both begin anew. */
  async refresh(): Promise<void> {
    if (!this.#watching) return;
    // Serials begin anew with the desk: by what was known it cannot be told what is new.
    const meanwhile: ActivityEvent[] = (this.#meanwhile = []);
    this.#loading += 1;
    // First the events as they come, then those before: none falls between.
    await this.#tell(true);
    await this.#load(meanwhile);
    this.#loading -= 1;
  }

  async #tell(on: boolean): Promise<void> {
    // A desk that cannot be reached is told on coming back.
    await this.#backend.call({ type: 'watch_activity', on }).catch(() => undefined);
  }

  /** Asks for what happened before this console watched, or while it could not. */
  async #load(meanwhile: ActivityEvent[]): Promise<void> {
    try {
      const { events } = await ask(this.#backend, { type: 'activity', limit: RING });
      const last = events.at(-1)?.serial ?? 0;
      this.#events = [...events, ...meanwhile.filter((event) => event.serial > last)];
      this.#loaded = true;
      this.publish();
    } catch {
      // The view stays as it is; the connection's own state says what is wrong.
    }
  }
}
