import type { AgentClientFrame, AgentServerFrame, Batch, Request, Response } from '$lib/protocol';

import { Refused, type Backend, type Status } from './backend';

const SUBPROTOCOL = 'deskbell.agent.v1';
/** A frame may have 64 KiB; what is larger is posted. Counted in bytes, with room for the frame around the request. */
const FRAME_BYTES = 60 * 1024;
/** Asked when nothing has arrived for a while: the cheapest question there is. */
const PROBE: Request = { type: 'activity', limit: 1 };

/** The waits of a connection, in milliseconds. */
export interface Waits {
  /** A call without an answer is refused after this. */
  call: number;
  /** The same for a call that waits for a model, or for a large file. */
  slow: number;
  /** A call that is safe to repeat outlives a disconnection for this long. */
  repeatable: number;
  /** The upper bound of the first wait before reconnecting; it doubles with each failure. */
  backoff: number;
  /** The longest wait before reconnecting. */
  backoff_max: number;
  /** After this long without a frame the connection is probed. */
  silence: number;
  /** A connection that does not open, or does not answer a probe, within this is dropped. */
  probe: number;
}

export const WAITS: Waits = {
  call: 15_000,
  // A model and a bot may each take two minutes.
  slow: 300_000,
  repeatable: 60_000,
  backoff: 500,
  backoff_max: 15_000,
  silence: 20_000,
  probe: 8_000,
};

export interface WebSocketOptions {
  url: string;
  /** Where calls go that are larger than a frame. */
  callUrl: string;
  /** The secret to present; `null` asks a person for it. */
  secret: string | null;
  /** Called with a secret once it was accepted, and with `null` when it was refused. */
  keep?: (secret: string | null) => void;
  /** From 0 to 1, for the jitter. */
  random?: () => number;
  waits?: Partial<Waits>;
}

interface Pending {
  request: Request;
  sent: boolean;
  resolve: (response: Response) => void;
  reject: (refused: Refused) => void;
  deadline: ReturnType<typeof setTimeout>;
}

const SLOW = new Set<Request['type']>([
  'back_up',
  'restore',
  'erase',
  'restore_answers',
  'try',
  'replay',
  'import_answers',
  'export_answers',
  'add_starter_answers',
  'test_model',
  'test_webhook',
]);

const offline = () => new Refused({ code: 'offline', message: 'The desk cannot be reached right now.' });

const timedOut = () => new Refused({ code: 'timed_out', message: 'The desk did not answer in time.' });

const replaced = () =>
  new Refused({
    code: 'no_such_conversation',
    message: 'The desk’s data was replaced meanwhile. Look at the conversation again before you send this.',
    message_zh: '客服台的数据已被替换。请先查看会话，再发送。',
  });

/** Messages carry the console's own id, so the desk takes the same one only once. */
const repeatable = (request: Request) => request.type === 'send' || request.type === 'note';

/** The desk behind `deskbell.agent.v1`, for a console in a browser. */
export class WebSocketBackend implements Backend {
  readonly host = 'browser';
  readonly #options: WebSocketOptions;
  readonly #waits: Waits;
  readonly #random: () => number;
  #secret: string | null;
  #socket: WebSocket | null = null;
  #status: Status = { state: 'connecting' };
  #failures = 0;
  /** Of the database that the desk had last. */
  #epoch: string | null = null;
  #nextId = 1;
  #pending = new Map<number, Pending>();
  #onUpdate: ((batch: Batch) => Promise<void>) | null = null;
  #observers = new Set<(status: Status) => void>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#waits = { ...WAITS, ...options.waits };
    this.#random = options.random ?? Math.random;
    this.#secret = options.secret;
    this.#connect();
  }

  call(request: Request): Promise<Response> {
    if (this.#status.state === 'offline' && !repeatable(request)) return Promise.reject(offline());
    const body = JSON.stringify(request);
    // No character has more than three bytes for each of its UTF-16 units.
    if (body.length * 3 > FRAME_BYTES && new Blob([body]).size > FRAME_BYTES) return this.#post(body);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const wait = this.#waits[repeatable(request) ? 'repeatable' : SLOW.has(request.type) ? 'slow' : 'call'];
      const deadline = setTimeout(() => {
        this.#settle(id)?.reject(timedOut());
      }, wait);
      const pending: Pending = { request, sent: false, resolve, reject, deadline };
      this.#pending.set(id, pending);
      if (this.#status.state === 'online') this.#dispatch(id, pending);
    });
  }

  watch(onUpdate: (batch: Batch) => Promise<void>): () => void {
    this.#onUpdate = onUpdate;
    return () => {
      if (this.#onUpdate === onUpdate) this.#onUpdate = null;
    };
  }

  observe(onStatus: (status: Status) => void): () => void {
    this.#observers.add(onStatus);
    onStatus(this.#status);
    return () => this.#observers.delete(onStatus);
  }

  reconnect(): void {
    if (this.#status.state !== 'offline' || this.#secret === null) return;
    this.#connect();
  }

  present(secret: string): void {
    this.#secret = secret;
    this.#failures = 0;
    this.#connect();
  }

  async openTestCustomer(url: string): Promise<void> {
    globalThis.open(`${url}/`, '_blank', 'noopener');
  }

  /** Asks at once whether the desk is still there, such as after the machine slept. */
  probe(): void {
    if (this.#status.state === 'online') this.#expect(this.#waits.probe, PROBE);
    else this.reconnect();
  }

  /** Ends the connection for good. */
  close(): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#refuseAll(true);
  }

  /** A call that is larger than a frame. Whatever it asks, there is much of it: it may take long. */
  async #post(body: string): Promise<Response> {
    try {
      const answer = await fetch(this.#options.callUrl, {
        method: 'POST',
        headers: { Authorization: `Bearer ${this.#secret ?? ''}`, 'Content-Type': 'application/json' },
        body,
        signal: AbortSignal.timeout(this.#waits.slow),
      });
      const said: unknown = await answer.json();
      if (answer.ok) return said as Response;
      throw Refused.from(said);
    } catch (cause) {
      if (cause instanceof Refused) throw cause;
      throw cause instanceof DOMException && cause.name === 'TimeoutError' ? timedOut() : offline();
    }
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#drop();
    if (this.#secret === null) return this.#stop('no_secret');
    this.#become({ state: 'connecting' });
    const socket = new WebSocket(this.#options.url, SUBPROTOCOL);
    this.#socket = socket;
    const current = () => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.#write({ type: 'hello', secret: this.#secret ?? '' });
    };
    socket.onmessage = (event) => {
      if (current()) this.#read(JSON.parse(String(event.data)) as AgentServerFrame);
    };
    socket.onclose = () => {
      if (current()) this.#lose();
    };
    this.#expect(this.#waits.probe);
  }

  #read(frame: AgentServerFrame): void {
    if (this.#status.state === 'online') this.#expect(this.#waits.silence);
    switch (frame.type) {
      case 'welcome':
        return this.#welcome(frame.epoch);
      case 'response':
        return this.#settle(frame.id)?.resolve(frame.response);
      case 'refusal':
        if (frame.id !== undefined) return this.#settle(frame.id)?.reject(new Refused(frame.refusal));
        if (frame.refusal.code === 'unauthorized') this.#refuseSecret();
        return;
      case 'batch':
        void this.#onUpdate?.(frame.batch);
    }
  }

  #welcome(epoch: string): void {
    // What waits was written for conversations of the database as it was; their numbers may mean others now.
    if (this.#epoch !== null && this.#epoch !== epoch) this.#refuseAll(true, replaced());
    this.#epoch = epoch;
    this.#failures = 0;
    this.#options.keep?.(this.#secret);
    this.#become({ state: 'online' });
    this.#expect(this.#waits.silence);
    for (const [id, pending] of this.#pending) this.#dispatch(id, pending);
  }

  #refuseSecret(): void {
    this.#secret = null;
    this.#options.keep?.(null);
    this.#drop();
    this.#stop('unauthorized');
  }

  #stop(reason: 'no_secret' | 'unauthorized'): void {
    this.#become({ state: 'offline', reason, retry_at: null });
    this.#refuseAll(true);
  }

  #lose(): void {
    this.#drop();
    const ceiling = Math.min(this.#waits.backoff_max, this.#waits.backoff * 2 ** this.#failures);
    this.#failures += 1;
    const wait = Math.round(this.#random() * ceiling);
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.#become({ state: 'offline', reason: 'lost', retry_at: Date.now() + wait });
    this.#refuseAll(false);
  }

  /** Waits for a frame. Without one it asks, and without an answer to that it gives the connection up. */
  #expect(wait: number, question?: Request): void {
    clearTimeout(this.#watchdog);
    if (question) this.#write({ type: 'call', id: this.#nextId++, request: question });
    const asked = question !== undefined || this.#status.state !== 'online';
    this.#watchdog = setTimeout(() => {
      if (asked) this.#lose();
      else this.#expect(this.#waits.probe, PROBE);
    }, wait);
  }

  #drop(): void {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // An error of a connection that is being dropped is of no interest to anyone.
    socket.onerror = () => undefined;
    socket.close();
  }

  #dispatch(id: number, pending: Pending): void {
    if (pending.sent) return;
    pending.sent = true;
    this.#write({ type: 'call', id, request: pending.request });
  }

  #write(frame: AgentClientFrame): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.deadline);
    return pending;
  }

  #refuseAll(repeatableToo: boolean, why = offline()): void {
    for (const [id, pending] of [...this.#pending]) {
      if (repeatable(pending.request) && !repeatableToo) pending.sent = false;
      else this.#settle(id)?.reject(why);
    }
  }

  #become(status: Status): void {
    this.#status = status;
    for (const observer of [...this.#observers]) observer(status);
  }
}
