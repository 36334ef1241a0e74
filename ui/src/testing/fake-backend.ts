import { Refused, type Backend, type Status } from '$lib/backend/backend';
import type { Batch, Request, Response, Update } from '$lib/protocol';

interface Waiting {
  request: Request;
  answer: (response: Response) => void;
  refuse: (refused: Refused) => void;
}

/** A backend whose every answer is given by the test, when the test wants it. */
export class FakeBackend implements Backend {
  readonly host = 'browser';
  /** Requests without an answer, oldest first. */
  waiting: Waiting[] = [];
  /** Every request, in order. */
  asked: Request[] = [];
  /** Settles once the console has taken the last batch. */
  taken: Promise<void> = Promise.resolve();
  #onUpdate: ((batch: Batch) => Promise<void>) | null = null;
  #onStatus: ((status: Status) => void) | null = null;
  #serial = 0;
  readonly #initial: Status;

  constructor(initial: Status = { state: 'online' }) {
    this.#initial = initial;
  }

  call(request: Request): Promise<Response> {
    this.asked.push(request);
    return new Promise((answer, refuse) => this.waiting.push({ request, answer, refuse }));
  }

  watch(onUpdate: (batch: Batch) => Promise<void>): () => void {
    this.#onUpdate = onUpdate;
    return () => undefined;
  }

  observe(onStatus: (status: Status) => void): () => void {
    this.#onStatus = onStatus;
    onStatus(this.#initial);
    return () => undefined;
  }

  reconnect(): void {
    this.#onStatus?.({ state: 'online' });
  }

  present(): void {
    this.reconnect();
  }

  openTestCustomer(): Promise<void> {
    return Promise.resolve();
  }

  tell(status: Status): void {
    this.#onStatus?.(status);
  }

  /** Sends updates to the console, as one batch. */
  update(now: number, ...updates: Update[]): void {
    this.taken = this.#onUpdate?.({ serial: ++this.#serial, now, updates }) ?? Promise.resolve();
  }

  /** Whether the console has taken a batch by now. */
  hasTaken(batch: Promise<void>): Promise<boolean> {
    return Promise.race([batch.then(() => true), settled().then(() => false)]);
  }

  /** Answers the oldest waiting request of this type, and lets everything that follows from it happen. */
  async answer(type: Request['type'], response: Response): Promise<void> {
    this.#take(type).answer(response);
    await settled();
  }

  async refuse(type: Request['type'], code: Refused['code'], message = 'No.', field?: string): Promise<void> {
    this.#take(type).refuse(new Refused({ code, message, field }));
    await settled();
  }

  /** The oldest waiting request of this type. */
  next<T extends Request['type']>(type: T): Extract<Request, { type: T }> | undefined {
    const found = this.waiting.find((waiting) => waiting.request.type === type);
    return found?.request as Extract<Request, { type: T }> | undefined;
  }

  has(type: Request['type']): boolean {
    return this.waiting.some((waiting) => waiting.request.type === type);
  }

  #take(type: Request['type']): Waiting {
    const index = this.waiting.findIndex((waiting) => waiting.request.type === type);
    const [waiting] = index < 0 ? [] : this.waiting.splice(index, 1);
    if (!waiting) throw new Error(`nobody asked for ${type}`);
    return waiting;
  }
}

/** Waits until every promise that is ready has been followed. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
