import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Batch, Snapshot, Update } from '$lib/protocol';

import type { DeskConnection } from './connection.svelte';
import type { Schedule } from './frame';

const SNAPSHOT_RETRY = 2_000;
/** More updates than this take longer to draw than a frame should last. */
const MUCH = 64;

/** What becomes of what is heard. */
export interface Listener {
  /** Takes everything anew. */
  take: (snapshot: Snapshot) => void;
  /** Takes what happened since, in order, into everything but the lists. `now` is the desk's clock after the last of it. */
  apply: (updates: Update[], now: number) => void;
  /** Brings the lists up to date with it. */
  list: () => void;
}

/** How a console begins and stays up to date: a snapshot, then batches of updates, applied before the next paint. */
export class Feed {
  readonly #backend: Backend;
  readonly #connection: DeskConnection;
  readonly #schedule: Schedule;
  readonly #listener: Listener;
  #ready = $state(false);
  #error = $state.raw<Refused | null>(null);
  /** What was heard and not applied. */
  #queue: Batch[] = [];
  /** Tells those whose batches are in the queue that they were applied. */
  #taken: (() => void)[] = [];
  /** Whether the lists are behind what was applied. */
  #listsDue = false;
  #scheduled = false;
  #snapshotAsked = 0;
  /** Updates wait while a snapshot is on its way: it may be older than they are. */
  #snapshotDue = true;
  /** Whether a snapshot is on its way. */
  #asking = false;

  constructor(backend: Backend, connection: DeskConnection, schedule: Schedule, listener: Listener) {
    this.#backend = backend;
    this.#connection = connection;
    this.#schedule = schedule;
    this.#listener = listener;
  }

  /** Whether there is anything to show. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Why there is nothing to show. */
  get error(): Refused | null {
    return this.#error;
  }

  /** Begins to watch. Returns how to stop. */
  start(): () => void {
    const stopWatching = this.#backend.watch((batch) => this.#hear(batch));
    void this.resync();
    const stopObserving = this.#backend.observe((status) => {
      const again = this.#connection.become(status);
      // The first question may have been refused for want of a connection or of a secret.
      if (again || (this.#connection.online && !this.#ready && !this.#asking)) void this.resync();
    });
    return () => {
      stopWatching();
      stopObserving();
    };
  }

  /** Asks for everything again. What is shown stays until the answer is here. */
  async resync(): Promise<void> {
    const asked = ++this.#snapshotAsked;
    this.#snapshotDue = true;
    this.#asking = true;
    try {
      const snapshot = await ask(this.#backend, { type: 'snapshot' });
      if (asked === this.#snapshotAsked) this.#take(snapshot);
    } catch (cause) {
      if (asked !== this.#snapshotAsked) return;
      this.#asking = false;
      this.#error = Refused.from(cause);
      // Without a connection the next try comes with the connection.
      if (this.#connection.online) setTimeout(() => void this.resync(), SNAPSHOT_RETRY);
    }
  }

  #take(snapshot: Snapshot): void {
    this.#listener.take(snapshot);
    this.#error = null;
    this.#snapshotDue = false;
    this.#asking = false;
    this.#ready = true;
    this.#apply();
  }

  #hear(batch: Batch): Promise<void> {
    this.#queue.push(batch);
    if (batch.updates.some((update) => update.type === 'resync')) {
      // The snapshot will be newer than how conversations stand here, and may be of another database.
      this.#queue = this.#queue.map(withoutConversations);
      void this.resync();
    }
    this.#applySoon();
    return new Promise((resolve) => this.#taken.push(resolve));
  }

  #applySoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      this.#apply();
    });
  }

  /**
   * Applies what was heard. Little is drawn at once; of much the lists are drawn a frame later, so that each frame lays
   * out and paints but a part of the window.
   */
  #apply(): void {
    if (this.#snapshotDue) return;
    try {
      if (this.#listsDue) this.#list();
      else if (this.#queue.length > 0) {
        const { updates, now } = joined(this.#queue.splice(0));
        this.#listsDue = true;
        this.#listener.apply(updates, now);
        if (updates.length <= MUCH) this.#list();
      }
    } catch (error) {
      // What was heard is here in part, and what is shown must be what the desk has. The snapshot goes on with the rest.
      void this.resync();
      throw error;
    }
    if (this.#listsDue || this.#queue.length > 0) this.#applySoon();
    else for (const taken of this.#taken.splice(0)) taken();
  }

  #list(): void {
    this.#listsDue = false;
    this.#listener.list();
  }
}

function withoutConversations(batch: Batch): Batch {
  return { ...batch, updates: batch.updates.filter((update) => update.type !== 'conversation') };
}

function joined(heard: Batch[]): { updates: Update[]; now: number } {
  return { updates: heard.flatMap((batch) => batch.updates), now: heard.at(-1)?.now ?? 0 };
}
