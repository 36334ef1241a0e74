import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { ConversationId, Message, Seq } from '$lib/protocol';

const FIRST_PAGE = 60;
const EARLIER_PAGE = 100;
/** While nobody reads further up, no more than this many messages stay in memory. */
export const KEEP = 200;
/** And never more than this, wherever someone reads. */
const KEEP_AT_MOST = 3_000;
/** Threads that stay in memory after another conversation was opened. */
export const OPEN_THREADS = 20;

/** The messages of one conversation, as far as they were asked for. */
export class Thread {
  readonly conversation: ConversationId;
  readonly #backend: Backend;
  #messages: Message[] = [];
  /** What arrived while a page was on its way: newer than that page. */
  #meanwhile: Map<Seq, Message> | null = null;
  /** Not derived: that would end with the view in which this thread was opened first. */
  #shown = $state.raw<Message[]>([]);
  #earlier = $state(false);
  #loading = $state(false);
  #loaded = $state(false);
  #error = $state.raw<Refused | null>(null);

  constructor(backend: Backend, conversation: ConversationId) {
    this.#backend = backend;
    this.conversation = conversation;
  }

  /** In order of `seq`. */
  get messages(): Message[] {
    return this.#shown;
  }

  /** Whether there are earlier messages than the first one here. */
  get earlier(): boolean {
    return this.#earlier;
  }

  get loading(): boolean {
    return this.#loading;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get error(): Refused | null {
    return this.#error;
  }

  /** Takes a message as it is now. Call {@link publish} afterwards. */
  put(message: Message): void {
    this.#meanwhile?.set(message.seq, message);
    if (this.#loaded) this.#insert(message);
  }

  /** Shows what was put since the last time; drops what is far above unless someone reads there. */
  publish(readAbove: boolean): void {
    const keep = readAbove ? KEEP_AT_MOST : KEEP;
    // Cut rarely and much, so that under load the view does not change at both ends all the time.
    if (this.#messages.length > keep * 1.25) {
      this.#messages = this.#messages.slice(-keep);
      this.#earlier = true;
    }
    this.#shown = [...this.#messages];
  }

  /** Asks for the end of the thread, first or again. What is shown stays until the answer is here. */
  refresh(): Promise<void> {
    return this.#page(undefined);
  }

  /** Asks for the messages before the first one here. */
  async loadEarlier(): Promise<void> {
    const first = this.#messages[0];
    if (!first || !this.#earlier || this.#loading) return;
    await this.#page(first.seq);
  }

  async #page(before: Seq | undefined): Promise<void> {
    this.#loading = true;
    this.#meanwhile ??= new Map();
    const limit = before === undefined ? FIRST_PAGE : EARLIER_PAGE;
    const position = before === undefined ? {} : { before_seq: before };
    try {
      const request = { type: 'thread', conversation: this.conversation, limit, ...position } as const;
      const page = await ask(this.#backend, request);
      this.#merge(page.messages, page.more, before);
      this.#error = null;
    } catch (cause) {
      this.#error = Refused.from(cause);
    } finally {
      this.#loading = false;
      this.#meanwhile = null;
    }
  }

  #merge(page: Message[], more: boolean, before: Seq | undefined): void {
    const first = page[0]?.seq ?? 0;
    const last = this.#messages.at(-1)?.seq ?? 0;
    const joins = this.#messages.length > 0 && first <= last + 1;
    if (!joins) this.#messages = [];
    const reachesUp = !joins || first < (this.#messages[0]?.seq ?? 0) || before !== undefined;
    if (reachesUp) this.#earlier = more;
    // The end of a thread is all there is: what was behind it is in a database that was replaced.
    const kept = before === undefined ? this.#messages.filter((one) => one.seq < first) : this.#messages;
    this.#messages = joined(kept, page, [...(this.#meanwhile?.values() ?? [])]);
    this.#loaded = true;
    this.#shown = [...this.#messages];
  }

  #insert(message: Message): void {
    const last = this.#messages.at(-1);
    if (!last || message.seq > last.seq) {
      this.#messages.push(message);
      return;
    }
    const index = this.#messages.findIndex((m) => m.seq === message.seq);
    if (index >= 0) this.#messages[index] = message;
    else if (message.seq > (this.#messages[0]?.seq ?? 0)) {
      this.#messages = joined(this.#messages, [message]);
    }
  }
}

/** Joins messages by `seq`; later lists win. */
function joined(...lists: Message[][]): Message[] {
  const bySeq = new Map(lists.flat().map((message) => [message.seq, message]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The threads of the conversations opened last. */
export class Threads {
  readonly #backend: Backend;
  /** Oldest use first. */
  #open = new Map<ConversationId, Thread>();
  #touched = new Set<Thread>();
  /** The conversation in which someone reads above the end, so that what they read must stay. */
  readAbove: ConversationId | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The thread of a conversation; asked for when it is not here. */
  open(id: ConversationId): Thread {
    const thread = this.#open.get(id) ?? new Thread(this.#backend, id);
    if (!this.#open.has(id)) void thread.refresh();
    this.#open.delete(id);
    this.#open.set(id, thread);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= OPEN_THREADS) break;
      this.#open.delete(oldest);
    }
    return thread;
  }

  /** The thread of a conversation, if it is here. */
  find(id: ConversationId): Thread | undefined {
    return this.#open.get(id);
  }

  /** Drops a thread that is no more. */
  forget(id: ConversationId): void {
    this.#open.delete(id);
  }

  /** Takes a message for a thread that is here. Call {@link publish} afterwards. */
  put(id: ConversationId, message: Message): void {
    const thread = this.#open.get(id);
    if (!thread) return;
    thread.put(message);
    this.#touched.add(thread);
  }

  publish(): void {
    for (const thread of this.#touched) thread.publish(thread.conversation === this.readAbove);
    this.#touched.clear();
  }

  /** Forgets all but one and asks for that one again. */
  resync(keep: ConversationId | null): void {
    const kept = keep === null ? undefined : this.#open.get(keep);
    this.#open.clear();
    if (!kept) return;
    this.#open.set(kept.conversation, kept);
    void kept.refresh();
  }
}
