import type { Filter, Language, Theme } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { conversationCommands, heldCommands } from './commands-conversation';
import type { Desk } from './desk.svelte';
import type { ResponderPart } from './place.svelte';

/** A key as the keyboard reports it, with what is held down. `mod` is Ctrl, or Cmd on a Mac. */
export interface Key {
  key: string;
  shift?: boolean;
  mod?: boolean;
}

export type Group = 'conversation' | 'held' | 'list' | 'go' | 'responder' | 'desk';

/** Something the agent can do from the keyboard or the palette. */
export interface Command {
  id: string;
  group: Group;
  label: () => string;
  keys: Key[];
  /** Whether it can be done now. */
  available: () => boolean;
  run: () => void;
  /** Only a key, not in the palette. */
  hidden?: boolean;
}

const TABS: Filter[] = ['open', 'needs_me', 'held', 'resolved'];
const always = () => true;

/** Everything that the palette offers and the shortcuts do. */
export function commands(desk: Desk): Command[] {
  return [
    ...heldCommands(desk),
    ...conversationCommands(desk),
    ...listCommands(desk),
    ...goCommands(desk),
    ...responderCommands(desk),
    ...deskCommands(desk),
  ];
}

function listCommands(desk: Desk): Command[] {
  return [...stepCommands(desk), ...tabCommands(desk), searchCommand(desk)];
}

function stepCommands(desk: Desk): Command[] {
  const inList = () => desk.place.view === 'conversations';
  const common = { group: 'list', available: inList, hidden: true } as const;
  return [
    {
      ...common,
      id: 'next',
      label: () => m.next_conversation(),
      keys: [{ key: 'j' }, { key: 'ArrowDown' }],
      run: () => step(desk, 1),
    },
    {
      ...common,
      id: 'previous',
      label: () => m.previous_conversation(),
      keys: [{ key: 'k' }, { key: 'ArrowUp' }],
      run: () => step(desk, -1),
    },
  ];
}

function tabCommands(desk: Desk): Command[] {
  const labels = { open: m.tab_open, needs_me: m.tab_needs_me, held: m.tab_held, resolved: m.tab_resolved };
  return TABS.map((tab, index) => ({
    id: `tab-${tab}`,
    group: 'list',
    label: () => labels[tab](),
    keys: [{ key: String(index + 1) }],
    available: always,
    run: () => {
      // What was found lies over the tabs.
      desk.search.clear();
      desk.place.showTab(tab);
    },
  }));
}

function searchCommand(desk: Desk): Command {
  return {
    id: 'search',
    group: 'list',
    label: () => m.search_placeholder(),
    keys: [{ key: '/' }],
    available: always,
    run: () => {
      desk.place.go('conversations');
      desk.place.focus = 'search';
    },
  };
}

function goCommands(desk: Desk): Command[] {
  const go = (
    view: 'conversations' | 'activity' | 'responder' | 'visitors' | 'settings',
    label: () => string,
    keys: Key[] = [],
  ): Command => ({
    id: `go-${view}`,
    group: 'go',
    label,
    keys,
    available: always,
    run: () => desk.place.go(view),
  });
  return [
    {
      id: 'palette',
      group: 'go',
      label: () => m.palette(),
      keys: [{ key: 'k', mod: true }],
      available: always,
      run: () => (desk.place.palette = !desk.place.palette),
      hidden: true,
    },
    go('conversations', () => m.nav_conversations()),
    go('activity', () => m.nav_activity()),
    go('responder', () => m.nav_responder(), [{ key: 'b' }]),
    go('visitors', () => m.nav_visitors()),
    go('settings', () => m.nav_settings(), [{ key: ',', mod: true }]),
    {
      id: 'shortcuts',
      group: 'go',
      label: () => m.shortcuts(),
      keys: [{ key: '?', shift: true }],
      available: always,
      run: () => (desk.place.shortcuts = true),
    },
  ];
}

function responderCommands(desk: Desk): Command[] {
  const group = 'responder';
  const write = (id: string, label: () => string, part: ResponderPart, act: () => void): Command => ({
    id,
    group,
    label,
    keys: [],
    available: always,
    run: () => {
      desk.place.goPart(part);
      act();
    },
  });
  const parts: [ResponderPart, () => string][] = [
    ['answers', m.part_answers],
    ['rules', m.part_rules],
    ['model', m.part_model],
    ['webhook', m.part_webhook],
    ['hours', m.part_hours],
    ['try', m.part_try],
    ['replay', m.part_replay],
    ['review', m.part_review],
    ['numbers', m.part_numbers],
  ];
  const { editor } = desk.responder;
  return [
    write('new-answer', m.answer_new, 'answers', () => editor.writeAnswer()),
    write('new-rule', m.rule_new, 'rules', () => editor.writeRule()),
    ...parts.map(([part, label]) =>
      write(
        `part-${part}`,
        () => m.command_part({ part: label() }),
        part,
        () => undefined,
      ),
    ),
  ];
}

function deskCommands(desk: Desk): Command[] {
  const group = 'desk';
  const set = (
    id: string,
    label: () => string,
    change: { theme: Theme } | { console_language: Language },
  ) => ({
    id,
    group: 'desk' as const,
    label,
    keys: [],
    available: () => desk.settings.current !== null,
    run: () => void desk.changeSettings(change),
  });
  return [
    {
      id: 'test-customer',
      group,
      label: () => m.open_test_customer(),
      keys: [],
      available: () => desk.status.url !== null,
      run: () => void desk.openTestCustomer(),
    },
    {
      id: 'address',
      group,
      label: () => m.choose_address(),
      keys: [],
      available: always,
      run: () => (desk.place.choosingAddress = true),
    },
    awayCommand(desk),
    ...upkeepCommands(desk),
    set('theme-light', () => m.command_theme_light(), { theme: 'light' }),
    set('theme-dark', () => m.command_theme_dark(), { theme: 'dark' }),
    set('theme-system', () => m.command_theme_system(), { theme: 'system' }),
    set('language-en', () => 'Console in English', { console_language: 'en' }),
    set('language-zh', () => '控制台使用简体中文', { console_language: 'zh-CN' }),
  ];
}

function upkeepCommands(desk: Desk): Command[] {
  const common = { group: 'desk' as const, keys: [], available: always };
  return [
    {
      ...common,
      id: 'back-up',
      label: () => m.backups_now(),
      available: () => desk.ready && !desk.upkeep.busy,
      run: () => {
        desk.place.goSection('backups');
        void desk.upkeep.backUp();
      },
    },
    {
      ...common,
      id: 'backups',
      label: () => m.command_backups(),
      run: () => desk.place.goSection('backups'),
    },
    { ...common, id: 'limits', label: () => m.command_limits(), run: () => desk.place.goSection('limits') },
  ];
}

function awayCommand(desk: Desk): Command {
  return {
    id: 'away',
    group: 'desk',
    label: () => (desk.status.away ? m.say_back() : m.say_away()),
    keys: [{ key: 'A', shift: true }],
    available: () => desk.ready,
    run: () => void desk.setAway(!desk.status.away),
  };
}

/** Opens the conversation `by` places further down the list. */
function step(desk: Desk, by: 1 | -1): void {
  const list = desk.shown;
  const at = list.findIndex((conversation) => conversation.id === desk.place.selected);
  const next = at < 0 ? list[0] : list[Math.min(list.length - 1, Math.max(0, at + by))];
  if (next) desk.open(next.id);
}

/** The command for a key, the first one that can be done now. */
export function commandFor(all: Command[], event: KeyboardEvent): Command | undefined {
  const mod = event.ctrlKey || event.metaKey;
  if (event.altKey) return undefined;
  return all.find(
    (command) =>
      command.keys.some(
        (key) =>
          key.key.toLowerCase() === event.key.toLowerCase() &&
          (key.mod ?? false) === mod &&
          // What needs Shift to be typed at all, such as `?`, differs between keyboards.
          ((key.shift ?? false) === event.shiftKey || !/^[a-z]$/i.test(key.key)),
      ) && command.available(),
  );
}

/** Whether keys typed here belong to a text, to a control, or to an input method. */
export function typing(event: KeyboardEvent): boolean {
  if (event.isComposing || event.keyCode === 229) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  const field = target.closest('input, textarea, select, [role="textbox"]');
  if (field && !['checkbox', 'radio'].includes(field.getAttribute('type') ?? '')) return true;
  // A focused button does what Enter and Space do to a button, and nothing else.
  return (
    (event.key === 'Enter' || event.key === ' ') && target.closest('button, a, [role="option"]') !== null
  );
}
