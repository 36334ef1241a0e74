import { ask, type Backend } from '$lib/backend/backend';
import type { Conversation, ConversationId, Cursor, Filter } from '$lib/protocol';

const PAGE = 100;
/** More than this is not kept; what falls out is asked for again when someone scrolls there. */
export const KEEP = 5_000;

/** Newest activity first, then by id. */
export function newestFirst(a: Cursor, b: Cursor): number {
  return b.last_activity_at - a.last_activity_at || b.id - a.id;
}

const MATCHES: Record<Filter, (conversation: Conversation) => boolean> = {
  open: (c) => c.stored && c.status === 'open',
  needs_me: (c) => c.stored && c.status === 'open' && needsMe(c),
  held: (c) => c.stored && c.held !== null,
  resolved: (c) => c.stored && c.status === 'resolved',
};

/**
 * Someone waits for the agent: it needs a human, is unanswered while a human answers, or its reply is sent by nobody
 * else.
 */
export function needsMe(c: Conversation): boolean {
  if (c.needs_human !== null) return true;
  if (c.held) return c.held.due_at === null && !c.held.writing;
  return c.control === 'human' && c.waiting_since !== null;
}

/** How far a list is known without holes. */
interface Reach {
  /** The list is complete down to here; `null` is nothing yet. */
  cursor: Cursor | null;
  /** Whether there is more below. */
  more: boolean;
}

const NOTHING: Reach = { cursor: null, more: true };

/** The conversations this console knows, in the order of the list. */
export class Conversations {
  readonly #backend: Backend;
  #byId = new Map<ConversationId, Conversation>();
  #version = $state(0);
  /** Of what the lists show: they may follow a frame later. */
  #listsVersion = $state(0);
  #reach = $state.raw<Record<Filter, Reach>>({
    open: NOTHING,
    needs_me: NOTHING,
    held: NOTHING,
    resolved: NOTHING,
  });
  #loading = $state.raw<Filter | null>(null);
  #failed = $state.raw<Filter | null>(null);
  #sorted = $derived.by(() => {
    void this.#listsVersion;
    return [...this.#byId.values()].sort(newestFirst);
  });
  #lists: Record<Filter, Conversation[]> = $derived({
    open: this.#list('open'),
    needs_me: this.#list('needs_me'),
    held: this.#list('held'),
    resolved: this.#list('resolved'),
  });
  #visitors = $derived(this.#sorted.filter((c) => !c.stored && c.connections.length > 0));

  /** A tab's rows as the list has drawn them: it moves them less often than they change. */
  drawn: { tab: Filter; rows: Conversation[] } | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The conversations of a tab in the order in which an agent sees them. */
  asShown(tab: Filter): Conversation[] {
    return this.drawn?.tab === tab ? this.drawn.rows : this.list(tab);
  }

  /** The conversations of a tab, newest activity first, as far as they are known without holes. */
  list(filter: Filter): Conversation[] {
    return this.#lists[filter];
  }

  /** Connected customers in whose conversation nobody has written. */
  get visitors(): Conversation[] {
    return this.#visitors;
  }

  /** Every conversation known, newest activity first. */
  get all(): Conversation[] {
    return this.#sorted;
  }

  get(id: ConversationId | null): Conversation | undefined {
    void this.#version;
    return id === null ? undefined : this.#byId.get(id);
  }

  more(filter: Filter): boolean {
    return this.#reach[filter].more;
  }

  get loading(): Filter | null {
    return this.#loading;
  }

  /** The tab whose last page could not be had. */
  get failed(): Filter | null {
    return this.#failed;
  }

  /** Takes the snapshot's conversations instead of everything known, except those in `keep`. */
  reset(conversations: Conversation[], more: boolean, keep: Iterable<ConversationId>): void {
    const kept = [...keep].map((id) => this.#byId.get(id)).filter((c) => c !== undefined);
    this.#byId = new Map([...kept, ...conversations].map((c) => [c.id, c]));
    const last = conversations.filter(MATCHES.open).sort(newestFirst).at(-1) ?? null;
    const open: Reach = { cursor: last, more };
    // Whatever is open and in reach is known, so the tabs that show a part of it are known as far.
    this.#reach = { open, needs_me: open, held: open, resolved: NOTHING };
    this.#failed = null;
    this.publish();
  }

  /** Puts conversations as they are now. Call {@link publish} afterwards. */
  put(conversation: Conversation): void {
    this.#byId.set(conversation.id, conversation);
  }

  /** Removes a visitor who left. Call {@link publish} afterwards. */
  remove(id: ConversationId): void {
    this.#byId.delete(id);
  }

  /** Shows what was put and removed since the last time. */
  publish(): void {
    this.#version += 1;
    this.publishLists();
  }

  /** The same, but not in the lists yet: call {@link publishLists} for them. */
  publishEach(keep: Iterable<ConversationId>): void {
    if (this.#byId.size > KEEP * 1.2) this.#trim(keep);
    this.#version += 1;
  }

  /** Shows in the lists what {@link publishEach} has shown elsewhere. */
  publishLists(): void {
    this.#listsVersion += 1;
  }

  /** Asks for the next page of a tab. */
  async loadMore(filter: Filter): Promise<void> {
    const { cursor, more } = this.#reach[filter];
    if (!more || this.#loading) return;
    this.#loading = filter;
    try {
      const before = cursor ? { last_activity_at: cursor.last_activity_at, id: cursor.id } : undefined;
      const request = { type: 'conversations', filter, limit: PAGE, ...(before && { before }) } as const;
      const page = await ask(this.#backend, request);
      for (const conversation of page.conversations) this.put(conversation);
      const last = page.conversations.at(-1) ?? cursor;
      this.#reach = { ...this.#reach, [filter]: { cursor: last, more: page.more } };
      this.#failed = null;
      this.publish();
    } catch {
      this.#failed = filter;
    } finally {
      this.#loading = null;
    }
  }

  #list(filter: Filter): Conversation[] {
    const { cursor, more } = this.#reach[filter];
    const matching = this.#sorted.filter(MATCHES[filter]);
    if (!more) return matching;
    return cursor ? matching.filter((c) => newestFirst(c, cursor) <= 0) : [];
  }

  #trim(keep: Iterable<ConversationId>): void {
    const sorted = [...this.#byId.values()].sort(newestFirst);
    const kept = sorted.slice(0, KEEP);
    const last = kept.at(-1) ?? null;
    const extra = [...keep].map((id) => this.#byId.get(id)).filter((c) => c !== undefined);
    this.#byId = new Map([...kept, ...extra].map((c) => [c.id, c]));
    const cut = (reach: Reach): Reach =>
      reach.cursor && last && newestFirst(reach.cursor, last) < 0 ? reach : { cursor: last, more: true };
    const { open, needs_me, held, resolved } = this.#reach;
    this.#reach = { open: cut(open), needs_me: cut(needs_me), held: cut(held), resolved: cut(resolved) };
  }
}
