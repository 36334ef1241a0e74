import type { ConversationId, Filter } from '$lib/protocol';

export type View = 'conversations' | 'activity' | 'visitors' | 'settings';
export type SettingsSection = 'general' | 'replies' | 'alerts' | 'window' | 'connection';

interface Stored {
  view: View;
  tab: Filter;
  selected: ConversationId | null;
}

const KEY = 'deskbell.place';
const START: Stored = { view: 'conversations', tab: 'open', selected: null };

type Store = Pick<Storage, 'getItem' | 'setItem'>;

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
  /** The conversation whose end is on the screen. */
  atEndOf = $state<ConversationId | null>(null);
  /** What should take the keyboard's focus; whoever does sets it back to `null`. */
  focus = $state<'composer' | 'note' | 'messages' | 'labels' | 'suggestion' | 'search' | null>(null);

  constructor(store: Store | undefined) {
    this.#store = store;
    try {
      this.#at = { ...START, ...(JSON.parse(store?.getItem(KEY) ?? '{}') as Partial<Stored>) };
      this.#reading = this.#at.selected !== null;
    } catch {
      // What cannot be read is as good as nothing stored.
    }
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
    try {
      this.#store?.setItem(KEY, JSON.stringify(this.#at));
    } catch {
      // Only the place after a reload is lost.
    }
  }
}
