import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket as NodeWebSocket, WebSocketServer, type WebSocket as Peer } from 'ws';

import type { AgentClientFrame, AgentServerFrame, Batch, Request } from '$lib/protocol';

import type { Status } from './backend';
import { WebSocketBackend, type Waits } from './websocket';

// Node has its own only from version 22.
globalThis.WebSocket ??= NodeWebSocket as unknown as typeof WebSocket;

/** A desk that answers only what a test tells it to. */
class Desk {
  /** What was posted, and the secret that came with it. */
  posted: { secret: string | undefined; request: Request }[] = [];
  /** What is answered to that; with status 0 the connection breaks. */
  answer: { status: number; body: unknown } = { status: 200, body: { type: 'done' } };
  http = createServer((request, response) => void this.#take(request, response));
  server = new WebSocketServer({ server: this.http, handleProtocols: () => 'deskbell.agent.v1' });
  peers: Peer[] = [];
  calls: { peer: Peer; id: number; request: Request }[] = [];
  hellos: string[] = [];
  welcoming = true;
  epoch = 'first';
  answering = true;
  #changed: (() => void)[] = [];

  constructor() {
    this.http.listen(0, '127.0.0.1');
    this.server.on('connection', (peer) => {
      this.peers.push(peer);
      peer.on('message', (data) => this.#read(peer, JSON.parse(String(data)) as AgentClientFrame));
      this.#tell();
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}/console/ws`;
  }

  get callUrl(): string {
    return `http://127.0.0.1:${this.#port}/console/call`;
  }

  get #port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  say(peer: Peer | undefined, frame: AgentServerFrame): void {
    peer?.send(JSON.stringify(frame));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.terminate();
    this.server.close();
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    this.posted.push({ secret: request.headers.authorization, request: JSON.parse(body) as Request });
    if (this.answer.status === 0) return void request.socket.destroy();
    response.writeHead(this.answer.status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(this.answer.body));
  }

  #read(peer: Peer, frame: AgentClientFrame): void {
    if (frame.type === 'hello') this.hellos.push(frame.secret);
    else this.calls.push({ peer, id: frame.id, request: frame.request });
    if (frame.type === 'hello' && this.welcoming) this.say(peer, { type: 'welcome', epoch: this.epoch });
    if (frame.type === 'call' && this.answering) {
      this.say(peer, { type: 'response', id: frame.id, response: { type: 'done' } });
    }
    this.#tell();
  }

  #tell(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const resolve of changed) resolve();
  }
}

let desk: Desk;
let backend: WebSocketBackend;
let statuses: Status[];
let watchers: (() => void)[];
/** The wait announced with each loss, in milliseconds. */
let announced: number[];

function connect(secret: string | null, waits: Partial<Waits> = {}): WebSocketBackend {
  backend = new WebSocketBackend({
    url: desk.url,
    callUrl: desk.callUrl,
    secret,
    random: () => 0.5,
    waits: { backoff: 4, ...waits },
  });
  backend.observe((status) => {
    statuses.push(status);
    if (status.state === 'offline' && status.retry_at) announced.push(status.retry_at - Date.now());
    for (const look of watchers) look();
  });
  return backend;
}

function status(wanted: Status['state'], after = 0): Promise<Status> {
  return new Promise((resolve) => {
    const look = () => {
      const found = statuses.slice(after).find((seen) => seen.state === wanted);
      if (found) resolve(found);
    };
    watchers.push(look);
    look();
  });
}

beforeEach(async () => {
  desk = new Desk();
  statuses = [];
  announced = [];
  watchers = [];
  await once(desk.http, 'listening');
});

afterEach(async () => {
  backend.close();
  await desk.close();
});

test('it says hello with the secret, then calls', async () => {
  connect('s3cret');
  await expect(backend.call({ type: 'resolve', conversation: 1 })).resolves.toEqual({ type: 'done' });
  expect(desk.hellos).toEqual(['s3cret']);
  expect(desk.calls).toHaveLength(1);
});

test('batches reach the watcher in order', async () => {
  connect('s');
  const serials: number[] = [];
  const both = new Promise<void>((resolve) => {
    backend.watch(async (batch: Batch) => {
      serials.push(batch.serial);
      if (serials.length === 2) resolve();
    });
  });
  await status('online');
  for (const serial of [1, 2])
    desk.say(desk.peers[0], { type: 'batch', batch: { serial, now: 0, updates: [] } });
  await both;
  expect(serials).toEqual([1, 2]);
});

test('a lost connection refuses what waits, and comes back by itself', async () => {
  connect('s');
  await status('online');
  desk.answering = false;
  const waiting = backend.call({ type: 'take_over', conversation: 1 });
  await desk.until(() => desk.calls.length === 1);
  const seen = statuses.length;
  desk.peers[0]?.terminate();
  await expect(waiting).rejects.toMatchObject({ code: 'offline' });
  expect(await status('offline', seen)).toMatchObject({ reason: 'lost' });
  await expect(backend.call({ type: 'take_over', conversation: 1 })).rejects.toMatchObject({
    code: 'offline',
  });
  await status('online', seen);
});

test('a message that waits is sent again under its own id', async () => {
  connect('s');
  await status('online');
  desk.answering = false;
  const sending = backend.call({ type: 'send', conversation: 1, id: 'mine', text: 'hi' });
  await desk.until(() => desk.calls.length === 1);
  desk.answering = true;
  desk.peers[0]?.terminate();
  await expect(sending).resolves.toEqual({ type: 'done' });
  expect(desk.calls.map((call) => call.request)).toMatchObject([{ id: 'mine' }, { id: 'mine' }]);
});

test('a message that waits is not sent to a database that is another by then', async () => {
  connect('s');
  await status('online');
  desk.answering = false;
  const sending = backend.call({ type: 'send', conversation: 1, id: 'mine', text: 'hi' });
  await desk.until(() => desk.calls.length === 1);
  const seen = statuses.length;
  desk.epoch = 'restored';
  desk.answering = true;
  desk.peers[0]?.terminate();
  await expect(sending).rejects.toMatchObject({ code: 'no_such_conversation' });
  await status('online', seen);
  expect(desk.calls).toHaveLength(1);
});

test('a call without an answer is refused at its deadline', async () => {
  connect('s', { call: 30 });
  await status('online');
  desk.answering = false;
  await expect(backend.call({ type: 'snapshot' })).rejects.toMatchObject({ code: 'timed_out' });
});

test('a connection on which nothing arrives any more is given up', async () => {
  connect('s', { silence: 20, probe: 20 });
  await status('online');
  desk.answering = false;
  const seen = statuses.length;
  await status('offline', seen);
  expect(desk.calls[0]?.request).toEqual({ type: 'activity', limit: 1 });
  desk.answering = true;
  await status('online', seen);
});

test('a desk that takes the connection and never welcomes is given up', async () => {
  desk.welcoming = false;
  connect('s', { probe: 20 });
  expect(await status('offline')).toMatchObject({ reason: 'lost' });
});

test('without a secret, or with a wrong one, it asks and does not try by itself', async () => {
  connect(null);
  expect(statuses.at(-1)).toMatchObject({ state: 'offline', reason: 'no_secret' });
  desk.welcoming = false;
  backend.present('wrong');
  await desk.until(() => desk.hellos.length === 1);
  desk.say(desk.peers[0], { type: 'refusal', refusal: { code: 'unauthorized', message: 'No.' } });
  const seen = statuses.length;
  expect(await status('offline', seen)).toMatchObject({ reason: 'unauthorized', retry_at: null });
  desk.welcoming = true;
  backend.present('right');
  await status('online', seen);
  expect(desk.hellos).toEqual(['wrong', 'right']);
});

test('the wait before reconnecting doubles up to its bound', async () => {
  desk.server.on('connection', (peer) => peer.terminate());
  // A busy machine's clock may tick between telling when and reading it.
  const clock = vi.spyOn(Date, 'now').mockReturnValue(1_000);
  connect('s', { backoff: 40, backoff_max: 100 });
  while (announced.length < 4) await status('offline', statuses.length);
  clock.mockRestore();
  // Half of 40, 80, 100 and 100.
  expect(announced.slice(0, 4)).toEqual([20, 40, 50, 50]);
});

test('a call that waits for a model outlives one that does not', async () => {
  desk.answering = false;
  connect('right', { call: 20, slow: 60_000 });
  const webhook = { enabled: true, url: 'http://bot', deadline_seconds: 120 };
  let ended = false;
  const ends = () => (ended = true);
  void backend.call({ type: 'test_webhook', webhook }).then(ends, ends);
  await expect(backend.call({ type: 'rules' })).rejects.toMatchObject({ code: 'timed_out' });
  expect(ended).toBe(false);
});

const importing = (content: string): Request => ({
  type: 'import_answers',
  format: 'csv',
  content,
  dry_run: true,
});

test('a call that is larger than a frame is posted with the secret, one that fits is not', async () => {
  connect('s3cret');
  await status('online');
  // In bytes: 21,000 characters of three bytes each are more than 60 KiB.
  for (const content of ['x'.repeat(50_000), '桌'.repeat(10_000)]) {
    await expect(backend.call(importing(content))).resolves.toEqual({ type: 'done' });
  }
  expect([desk.calls.length, desk.posted.length]).toEqual([2, 0]);
  for (const content of ['x'.repeat(70_000), '桌'.repeat(21_000)]) {
    await expect(backend.call(importing(content))).resolves.toEqual({ type: 'done' });
    expect(desk.posted.at(-1)).toEqual({ secret: 'Bearer s3cret', request: importing(content) });
  }
  expect(desk.calls).toHaveLength(2);
});

test('a posted call is refused with the desk’s own words, or as out of reach', async () => {
  connect('s');
  await status('online');
  const large = importing('x'.repeat(70_000));
  desk.answer = { status: 413, body: { code: 'too_long', message: 'Too large.' } };
  await expect(backend.call(large)).rejects.toMatchObject({ code: 'too_long', message: 'Too large.' });
  desk.answer = { status: 502, body: 'a proxy speaks' };
  await expect(backend.call(large)).rejects.toMatchObject({ code: 'internal' });
  desk.answer = { status: 0, body: null };
  await expect(backend.call(large)).rejects.toMatchObject({ code: 'offline' });
});
