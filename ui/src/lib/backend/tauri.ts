import { invoke } from '@tauri-apps/api/core';

import type { Batch, Request, Response } from '$lib/protocol';

import { Refused, type Backend, type Status } from './backend';

/** The waits of a watch, in milliseconds. */
export interface Waits {
  /** The desk answers every 15 s, with nothing if nothing happened. Without an answer for so long the watch is broken. */
  answer: number;
  /** Before a broken watch is begun anew. */
  again: number;
}

const WAITS: Waits = { answer: 40_000, again: 1_000 };

/** The desk in this window's own process. */
export class TauriBackend implements Backend {
  readonly host = 'desktop';
  readonly #waits: Waits;
  #status: Status = { state: 'online' };
  #observers = new Set<(status: Status) => void>();
  /** Counts watches, so that a later one ends an earlier one. */
  #watches = 0;

  constructor(waits: Waits = WAITS) {
    this.#waits = waits;
  }

  async call(request: Request): Promise<Response> {
    try {
      return await invoke<Response>('call', { request });
    } catch (cause) {
      throw Refused.from(cause);
    }
  }

  watch(onUpdate: (batch: Batch) => Promise<void>): () => void {
    const number = ++this.#watches;
    void this.#watch(onUpdate, () => number !== this.#watches);
    return () => {
      if (number === this.#watches) this.#watches += 1;
    };
  }

  observe(onStatus: (status: Status) => void): () => void {
    this.#observers.add(onStatus);
    onStatus(this.#status);
    return () => this.#observers.delete(onStatus);
  }

  reconnect(): void {
    // A watch that broke is begun anew after a moment as it is.
  }

  present(): void {
    // The desktop window needs no secret.
  }

  async openTestCustomer(): Promise<void> {
    try {
      await invoke('open_test_customer');
    } catch (cause) {
      throw Refused.from(cause);
    }
  }

  /** Watches for as long as it is not stopped. When the way to the desk breaks, it begins anew and says so. */
  async #watch(onUpdate: (batch: Batch) => Promise<void>, stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      try {
        await this.#listen(onUpdate, stopped);
      } catch {
        if (stopped()) return;
        this.#become({ state: 'offline', reason: 'lost', retry_at: Date.now() + this.#waits.again });
        await new Promise((resolve) => setTimeout(resolve, this.#waits.again));
      }
    }
  }

  /** Asks for one batch after the other, each once the last is drawn: what happens meanwhile comes together. */
  async #listen(onUpdate: (batch: Batch) => Promise<void>, stopped: () => boolean): Promise<void> {
    const watch = await this.#inTime(invoke<number>('watch'));
    this.#become({ state: 'online' });
    let after = 0;
    while (!stopped()) {
      const batch = await this.#inTime(invoke<Batch>('watch_next', { watch, after }));
      if (stopped()) return;
      after = batch.serial;
      await onUpdate(batch);
    }
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new Error('The desk did not answer in time.')),
        this.#waits.answer,
      );
      answer.then(resolve, reject).finally(() => clearTimeout(deadline));
    });
  }

  #become(status: Status): void {
    if (status.state === 'online' && this.#status.state === 'online') return;
    this.#status = status;
    for (const tell of this.#observers) tell(status);
  }
}
