import { ask, type Backend, Refused } from '$lib/backend/backend';
import type {
  Conversation,
  ConversationId,
  ExportFormat,
  Hold,
  Lesson,
  Language,
  ResponderSettings,
  Seq,
  Settings,
  Snapshot,
  Update,
} from '$lib/protocol';
import { limitsProblem } from '$lib/text/limits';
import { m } from '$paraglide/messages.js';

import { Activity } from './activity.svelte';
import { Attention } from './attention.svelte';
import { Changes } from './changes.svelte';
import { Clock } from './clock.svelte';
import { DeskConnection } from './connection.svelte';
import { Conversations } from './conversations.svelte';
import { Drafts } from './drafts.svelte';
import { Feed } from './feed.svelte';
import { nextFrame, type Schedule } from './frame';
import { Held } from './held.svelte';
import { language } from './language.svelte';
import { Offer } from './offer.svelte';
import { Outbox } from './outbox.svelte';
import { Place } from './place.svelte';
import { sentence } from './refused';
import { Responder } from './responder.svelte';
import { Search } from './search.svelte';
import { DeskSettings } from './settings.svelte';
import { DeskStatus } from './status.svelte';
import { Suggestions } from './suggestions.svelte';
import { type Thread, Threads } from './thread.svelte';
import { Toasts } from './toasts.svelte';
import { Typing } from './typing.svelte';
import { apply } from './updates';
import { Upkeep } from './upkeep.svelte';
import { Writing } from './writing.svelte';

/** The customer is told at most this often that the agent types, in milliseconds. */
const TYPING_EVERY = 3_000;

export interface DeskOptions {
  schedule?: Schedule;
  newId?: () => string;
  /** Survives the window: drafts. */
  local?: Storage;
  /** Survives a reload: where the agent is, and what is not at the desk yet. */
  session?: Storage;
  /** Hands a text to the person as a file. */
  saveFile?: (name: string, content: string) => void;
}

/** The desk as this console knows it: takes what it hears, and asks for what the agent does. */
export class Desk {
  readonly #backend: Backend;
  readonly clock = new Clock();
  readonly attention = new Attention();
  readonly connection = new DeskConnection();
  readonly status = new DeskStatus();
  readonly toasts = new Toasts();
  readonly typing = new Typing();
  readonly writing = new Writing();
  readonly suggestions = new Suggestions();
  readonly offer = new Offer();
  readonly conversations: Conversations;
  readonly threads: Threads;
  readonly activity: Activity;
  readonly settings: DeskSettings;
  readonly responder: Responder;
  readonly search: Search;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly held: Held;
  readonly changes: Changes;
  readonly place: Place;
  readonly upkeep: Upkeep;
  readonly #feed: Feed;
  readonly #saveFile: NonNullable<DeskOptions['saveFile']>;
  #systemLanguage: Language | null = null;
  #toldTyping = 0;
  /** The conversation that is being asked for. */
  #finding = $state<ConversationId | null>(null);
  #markedRead = new Map<ConversationId, Seq>();

  constructor(backend: Backend, options: DeskOptions = {}) {
    this.#backend = backend;
    this.conversations = new Conversations(backend);
    this.threads = new Threads(backend);
    this.activity = new Activity(backend);
    this.settings = new DeskSettings(backend);
    this.responder = new Responder(backend, {
      toasts: this.toasts,
      explain: (refused) => this.explain(refused),
      now: () => this.clock.at(),
    });
    this.search = new Search(backend);
    this.outbox = new Outbox(backend, options.newId, options.session);
    this.drafts = new Drafts(options.local);
    const held = {
      refused: (refused: Refused) => this.explain(refused),
      lost: (id: ConversationId, text: string) => this.#toComposer(id, text),
    };
    this.held = new Held(backend, held, options.session);
    this.changes = new Changes(backend, (refused) => this.explain(refused), options.session);
    this.place = new Place(options.session);
    this.upkeep = new Upkeep(backend);
    this.#saveFile = options.saveFile ?? (() => undefined);
    this.#feed = new Feed(backend, this.connection, options.schedule ?? nextFrame, {
      take: (snapshot) => this.#take(snapshot),
      apply: (updates, now) => this.#apply(updates, now),
      list: () => this.conversations.publishLists(),
    });
  }

  get host(): Backend['host'] {
    return this.#backend.host;
  }

  /** Whether there is anything to show. */
  get ready(): boolean {
    return this.#feed.ready;
  }

  /** Why there is nothing to show. */
  get error(): Refused | null {
    return this.#feed.error;
  }

  /** The open conversation. */
  get selected(): Conversation | undefined {
    return this.conversations.get(this.place.selected);
  }

  /** Whether the open conversation is on its way. */
  get opening(): boolean {
    return this.#finding !== null && this.#finding === this.place.selected && !this.selected;
  }

  /** The conversations in the list in the order that is shown: what was found, or the tab. */
  get shown(): Conversation[] {
    if (!this.search.active) return this.conversations.asShown(this.place.tab);
    const found = new Map(this.search.hits?.map(({ conversation: c }) => [c.id, c]));
    return [...found.values()];
  }

  /** Begins to watch. Returns how to stop. */
  start(): () => void {
    const stopClock = this.clock.start();
    const stopAttention = this.attention.start();
    const stopFeed = this.#feed.start();
    const stopDrafts = this.drafts.start();
    return () => {
      stopClock();
      stopAttention();
      stopFeed();
      stopDrafts();
    };
  }

  /** Asks for everything again. What is shown stays until the answer is here. */
  resync(): Promise<void> {
    return this.#feed.resync();
  }

  reconnect(): void {
    this.#backend.reconnect();
  }

  present(secret: string): void {
    this.#backend.present(secret);
  }

  /** Opens a conversation and its thread. What is being edited in another one stays and waits there. */
  open(id: ConversationId): void {
    if (this.place.selected !== id) this.offer.leave();
    this.place.open(id);
    if (!this.conversations.get(id)) void this.#find(id);
  }

  /** Whether the agent has this conversation open before them. */
  looksAt(id: ConversationId): boolean {
    return this.place.view === 'conversations' && this.place.selected === id;
  }

  thread(id: ConversationId): Thread {
    return this.threads.open(id);
  }

  takeOver(id: ConversationId): Promise<boolean> {
    return this.#act({ type: 'take_over', conversation: id });
  }

  handBack(id: ConversationId): Promise<boolean> {
    return this.#act({ type: 'hand_back', conversation: id });
  }

  resolve(id: ConversationId): Promise<boolean> {
    return this.#act({ type: 'resolve', conversation: id });
  }

  reopen(id: ConversationId): Promise<boolean> {
    return this.#act({ type: 'reopen', conversation: id });
  }

  dismissNeedsHuman(id: ConversationId): Promise<boolean> {
    return this.#act({ type: 'dismiss_needs_human', conversation: id });
  }

  setHold(id: ConversationId, hold: Hold | null): Promise<boolean> {
    return this.#act({ type: 'set_hold', conversation: id, hold });
  }

  setLabels(id: ConversationId, labels: string[]): Promise<boolean> {
    return this.#act({ type: 'set_labels', conversation: id, labels });
  }

  /** Looks an offer to learn over, in the editor that saves it. */
  review(lesson: Lesson): Promise<void> {
    this.offer.leave();
    return this.responder.openLesson(lesson);
  }

  /** Declines an offer to learn for good. */
  decline(lesson: Lesson): Promise<void> {
    this.offer.leave();
    return this.responder.dismissLesson(lesson.id);
  }

  /** Says whether nobody is at the console. */
  async setAway(away: boolean): Promise<void> {
    if (await this.#act({ type: 'set_away', away })) this.status.away = away;
  }

  /** Changes some settings at once. */
  async changeSettings(change: Partial<Settings>): Promise<void> {
    try {
      this.takeSettings(await this.settings.change(change));
    } catch (cause) {
      this.explain(Refused.from(cause));
    }
  }

  /** Changes some of the responder's settings at once. */
  async changeResponder(change: Partial<ResponderSettings>): Promise<void> {
    try {
      this.takeSettings(await this.settings.changeResponder(change));
    } catch (cause) {
      this.explain(Refused.from(cause));
    }
  }

  /** Saves the settings form. */
  async saveSettings(): Promise<boolean> {
    const wrong = this.settings.draft && limitsProblem(this.settings.draft.limits);
    if (wrong) {
      this.settings.refuse(`limits.${wrong.name}`, wrong.sentence);
      return false;
    }
    const saved = await this.settings.save();
    if (saved && this.settings.current) this.takeSettings(this.settings.current);
    return saved;
  }

  /** Opens the editor on the held reply, with the keyboard in it. */
  async editHeld(conversation: Conversation): Promise<void> {
    const { id, held } = conversation;
    if (!held) return;
    this.place.focus = 'held';
    const outcome = await this.held.edit(id, held);
    // Who was still writing may just have finished: then it opens all the same.
    const opens = outcome === 'done' || (held.writing && outcome === 'stale');
    if (!opens && this.place.focus === 'held') this.place.focus = null;
  }

  /** Throws the held reply away; it can be brought back for a while. */
  async discardHeld(conversation: Conversation): Promise<void> {
    const held = conversation.held;
    if (!held || (await this.held.discard(conversation.id, held)) !== 'done') return;
    this.toasts.show({
      tone: 'info',
      kind: `discarded ${conversation.id}`,
      text: () => m.held_discarded(),
      action: { label: () => m.undo(), run: () => void this.held.restore(conversation.id, held) },
    });
  }

  /** Saves a whole conversation as a file. */
  async export(id: ConversationId, format: ExportFormat): Promise<void> {
    try {
      const { name, content } = await this.upkeep.export(id, format);
      this.#saveFile(name, content);
      this.toasts.show({ tone: 'info', kind: 'file', text: () => m.file_saved({ name }) });
    } catch (cause) {
      this.explain(Refused.from(cause));
    }
  }

  /** Says that an agent has seen the conversation up to `seq`; once for each place. */
  markRead(id: ConversationId, seq: Seq): void {
    if ((this.#markedRead.get(id) ?? 0) >= seq) return;
    this.#markedRead.set(id, seq);
    void this.#backend.call({ type: 'mark_read', conversation: id, seq }).catch(() => {
      this.#markedRead.delete(id);
    });
  }

  /** Tells the customer that the agent types, now and then. */
  tellTyping(id: ConversationId): void {
    const now = this.clock.at();
    if (now - this.#toldTyping < TYPING_EVERY) return;
    this.#toldTyping = now;
    void this.#backend.call({ type: 'typing', conversation: id }).catch(() => undefined);
  }

  /** Listens on another address. Throws the refusal. */
  async listen(address: string): Promise<void> {
    const { listening } = await ask(this.#backend, { type: 'listen', address });
    this.status.listening = listening;
  }

  async openTestCustomer(): Promise<void> {
    const url = this.#backend.host === 'browser' ? location.origin : (this.status.url ?? '');
    await this.#backend.openTestCustomer(url).catch((cause: unknown) => this.explain(Refused.from(cause)));
  }

  /** Says in a toast why something did not happen. */
  explain(refused: Refused): void {
    const quiet = refused.code === 'stale_reply';
    this.toasts.show({ tone: quiet ? 'info' : 'error', kind: refused.code, text: () => sentence(refused) });
  }

  async #act(request: Parameters<Backend['call']>[0]): Promise<boolean> {
    try {
      await this.#backend.call(request);
      return true;
    } catch (cause) {
      this.explain(Refused.from(cause));
      return false;
    }
  }

  /** What was written into a reply that went away goes to the composer instead of nowhere. */
  #toComposer(id: ConversationId, text: string): void {
    this.drafts.append(id, 'reply', text);
    const action = { label: () => m.open_conversation(), run: () => this.open(id) };
    this.toasts.show({
      tone: 'info',
      // Instead of the toast that it was too late.
      kind: 'stale_reply',
      text: () => m.held_gone_while_editing(),
      action: this.looksAt(id) ? undefined : action,
    });
  }

  async #find(id: ConversationId): Promise<void> {
    const before = this.conversations.get(id);
    this.#finding = id;
    try {
      const { conversation } = await ask(this.#backend, { type: 'conversation', conversation: id });
      // An update that came meanwhile is newer than the answer.
      if (this.conversations.get(id) === before) {
        this.conversations.put(conversation);
        this.held.seenAgain(id, conversation.held);
      }
      this.conversations.publish();
    } catch (cause) {
      const refused = Refused.from(cause);
      if (refused.code !== 'no_such_conversation') return this.explain(refused);
      this.held.forget(id);
      this.conversations.remove(id);
      this.conversations.publish();
      if (this.place.selected === id) this.place.close();
    } finally {
      if (this.#finding === id) this.#finding = null;
    }
  }

  #take(snapshot: Snapshot): void {
    const selected = this.place.selected;
    this.clock.set(snapshot.now);
    this.status.take(snapshot);
    this.#systemLanguage = snapshot.system_language;
    this.takeSettings(snapshot.settings);
    this.writing.reset(snapshot.drafts);
    this.upkeep.take(snapshot.upkeep, snapshot.backups_problem);
    this.conversations.reset(snapshot.conversations, snapshot.more, selected === null ? [] : [selected]);
    this.search.again();
    this.#seeAgain(snapshot);
    this.outbox.begin(snapshot.epoch);
    this.changes.begin(snapshot.epoch);
    this.threads.resync(selected);
    void this.activity.refresh();
    this.responder.resync(snapshot.lessons);
    this.#markedRead.clear();
  }

  /** Looks at the conversations in which the agent is at work as they are now, also those outside the snapshot. */
  #seeAgain({ conversations }: Snapshot): void {
    const { selected } = this.place;
    const atWork = new Set(this.held.edited);
    if (selected !== null) atWork.add(selected);
    for (const id of atWork) {
      const known = conversations.find((conversation) => conversation.id === id);
      if (known) this.held.seenAgain(id, known.held);
      else void this.#find(id);
    }
  }

  /** Nothing of a conversation stays here: a visitor left, or a customer was erased. */
  forget(id: ConversationId): void {
    this.conversations.remove(id);
    this.writing.forget(id);
    this.threads.forget(id);
    this.drafts.set(id, { mode: 'reply', text: '' });
    this.held.forget(id);
    this.changes.forget(id);
    this.outbox.forget(id);
    this.search.forget(id);
    this.activity.forget(id);
    if (this.offer.in(id)) this.offer.leave();
    if (this.place.selected === id) this.place.close();
  }

  /** Takes the settings in force. */
  takeSettings(settings: Settings): void {
    this.settings.take(settings);
    language.use(settings.console_language ?? this.#systemLanguage ?? language.current);
  }

  /** Takes what happened, in one go; the lists follow. */
  #apply(updates: Update[], now: number): void {
    for (const update of updates) apply(this, update);
    this.clock.set(now);
    const selected = this.place.selected;
    this.conversations.publishEach(selected === null ? [] : [selected]);
    this.threads.publish();
    this.writing.publish();
    this.activity.publish();
  }
}
