import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Batch, Snapshot, Update } from '$lib/protocol';

import type { DeskConnection } from './connection.svelte';
import type { Schedule } from './frame';

const SNAPSHOT_RETRY = 2_000;

/** What becomes of what is heard. */
export interface Listener {
  /** Takes everything anew. */
  take: (snapshot: Snapshot) => void;
  /** Takes what happened since, in order. `now` is the desk's clock after the last of it. */
  apply: (updates: Update[], now: number) => void;
}

/** How a console begins and stays up to date: a snapshot, then batches of updates, applied once a frame. */
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
    if (batch.updates.some((update) => update.type === 'resync')) void this.resync();
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#schedule(() => {
        this.#scheduled = false;
        this.#apply();
      });
    }
    return new Promise((resolve) => this.#taken.push(resolve));
  }

  /** Applies what was heard, in one go. */
  #apply(): void {
    const last = this.#queue.at(-1);
    if (this.#snapshotDue || !last) return;
    const updates = this.#queue.flatMap((batch) => batch.updates);
    this.#queue = [];
    for (const taken of this.#taken.splice(0)) taken();
    this.#listener.apply(updates, last.now);
  }
}
