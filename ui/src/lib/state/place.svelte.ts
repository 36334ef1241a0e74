import type { ConversationId, Filter } from '$lib/protocol';

import { keep, kept, type Store } from './store';

export type View = 'conversations' | 'activity' | 'responder' | 'visitors' | 'settings';
/** The parts of the responder's view. */
export type ResponderPart =
  'answers' | 'rules' | 'model' | 'webhook' | 'hours' | 'try' | 'replay' | 'review' | 'numbers';
export type SettingsSection =
  'general' | 'replies' | 'alerts' | 'window' | 'connection' | 'limits' | 'backups';

interface Stored {
  view: View;
  tab: Filter;
  selected: ConversationId | null;
}

const KEY = 'deskbell.place';
/** Where a setting stands in the console, by the beginning of its name. */
const HOMES: [string, { section: SettingsSection } | { part: ResponderPart }][] = [
  ['agent_name', { section: 'general' }],
  ['alerts', { section: 'alerts' }],
  ['limits', { section: 'limits' }],
  ['backups_kept', { section: 'backups' }],
  ['allowed_origins', { section: 'connection' }],
  ['greeting', { section: 'replies' }],
  ['reply', { section: 'replies' }],
  ['hold', { section: 'replies' }],
  ['responder.threshold', { part: 'answers' }],
  ['responder.model', { part: 'model' }],
  ['responder.webhook', { part: 'webhook' }],
  ['responder', { part: 'hours' }],
];
const START: Stored = { view: 'conversations', tab: 'open', selected: null };

/** Where in the console the agent is. Survives a reload. */
export class Place {
  readonly #store: Store | undefined;
  #at = $state.raw<Stored>(START);
  /** On a narrow window: whether the thread stands in front of the list. */
  #reading = $state(false);
  /** The customer's facts, where the window is too narrow to show them always. */
  facts = $state(false);
  palette = $state(false);
  shortcuts = $state(false);
  /** The dialog that chooses another address to listen on. */
  choosingAddress = $state(false);
  section = $state<SettingsSection>('general');
  part = $state<ResponderPart>('answers');
  /** The conversation whose end is on the screen. */
  atEndOf = $state<ConversationId | null>(null);
  /** What should take the keyboard's focus; whoever does sets it back to `null`. */
  focus = $state<'composer' | 'note' | 'messages' | 'held' | 'labels' | 'suggestion' | 'search' | null>(null);

  constructor(store: Store | undefined) {
    this.#store = store;
    this.#at = { ...START, ...kept<Partial<Stored>>(store, KEY, {}) };
    this.#reading = this.#at.selected !== null;
  }

  get view(): View {
    return this.#at.view;
  }

  get tab(): Filter {
    return this.#at.tab;
  }

  get selected(): ConversationId | null {
    return this.#at.selected;
  }

  get reading(): boolean {
    return this.#reading;
  }

  go(view: View): void {
    this.#move({ view });
  }

  /** Shows a part of the responder. */
  goPart(part: ResponderPart): void {
    this.part = part;
    this.#move({ view: 'responder' });
  }

  /** Shows where a setting is changed. */
  goSetting(field: string): void {
    const home = HOMES.find(([prefix]) => field.startsWith(prefix))?.[1];
    if (!home) return;
    if ('part' in home) return this.goPart(home.part);
    this.goSection(home.section);
  }

  /** Shows a part of the settings. */
  goSection(section: SettingsSection): void {
    this.section = section;
    this.#move({ view: 'settings' });
  }

  showTab(tab: Filter): void {
    this.#move({ tab, view: 'conversations' });
  }

  open(selected: ConversationId): void {
    this.#reading = true;
    this.#move({ selected, view: 'conversations' });
  }

  /** Leaves the thread for the list; on a wide window both stay. */
  back(): void {
    this.#reading = false;
  }

  close(): void {
    this.#reading = false;
    this.#move({ selected: null });
  }

  #move(change: Partial<Stored>): void {
    this.#at = { ...this.#at, ...change };
    keep(this.#store, KEY, this.#at);
  }
}
