import type { Conversation, ExportFormat } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import type { Command } from './commands';
import type { Desk } from './desk.svelte';
import { sendable } from './held.svelte';

const always = () => true;

/** Runs `act` on the open conversation when it is on the screen and `fits`. */
function onOpen(desk: Desk, act: (c: Conversation) => unknown, fits: (c: Conversation) => boolean = always) {
  const open = () => (desk.place.view === 'conversations' ? desk.selected : undefined);
  return {
    available: () => {
      const conversation = open();
      return conversation !== undefined && fits(conversation);
    },
    run: () => {
      const conversation = open();
      if (conversation) void act(conversation);
    },
  };
}

export function heldCommands(desk: Desk): Command[] {
  const held = (c: Conversation) => c.held !== null && !desk.held.isEditing(c.id, c.held);
  const group = 'held';
  return [
    {
      id: 'held-send',
      group,
      label: () => m.held_send_now(),
      keys: [{ key: 'Enter' }],
      ...onOpen(
        desk,
        (c) => c.held && desk.held.send(c.id, c.held),
        (c) => held(c) && c.held !== null && sendable(c.held),
      ),
    },
    stopCommand(desk),
    {
      id: 'held-edit',
      group,
      label: () => m.held_edit(),
      keys: [{ key: 'e' }],
      // While it is being edited, it brings the keyboard back to the editor.
      ...onOpen(
        desk,
        (c) => desk.editHeld(c),
        (c) => c.held !== null,
      ),
    },
    {
      id: 'held-discard',
      group,
      label: () => m.held_discard(),
      keys: [{ key: 'Backspace' }],
      ...onOpen(desk, (c) => desk.discardHeld(c), held),
    },
    restoreCommand(desk),
  ];
}

const isWriting = (c: Conversation) => c.held?.writing === true;

function restoreCommand(desk: Desk): Command {
  return {
    id: 'held-restore',
    group: 'held',
    label: () => m.held_restore(),
    keys: [{ key: 'z' }],
    ...onOpen(
      desk,
      (c) => c.discarded && desk.held.restore(c.id, c.discarded),
      (c) => c.discarded !== null,
    ),
  };
}

function stopCommand(desk: Desk): Command {
  return {
    id: 'held-stop',
    group: 'held',
    label: () => m.held_stop_long(),
    keys: [{ key: 's' }],
    ...onOpen(desk, (c) => c.held && desk.held.stop(c.id, c.held), isWriting),
  };
}

export function conversationCommands(desk: Desk): Command[] {
  return [
    ...controlCommands(desk),
    ...statusCommands(desk),
    ...writingCommands(desk),
    ...suggestionCommands(desk),
    offerCommand(desk),
    ...holdCommands(desk),
    ...dataCommands(desk),
  ];
}

function controlCommands(desk: Desk): Command[] {
  const group = 'conversation';
  return [
    {
      id: 'take-over',
      group,
      label: () => m.take_over(),
      keys: [{ key: 't' }],
      ...onOpen(
        desk,
        (c) => desk.takeOver(c.id),
        (c) => c.control === 'automatic',
      ),
    },
    {
      id: 'hand-back',
      group,
      label: () => m.hand_back(),
      keys: [{ key: 'h' }],
      ...onOpen(
        desk,
        (c) => desk.handBack(c.id),
        (c) => c.control === 'human',
      ),
    },
  ];
}

function statusCommands(desk: Desk): Command[] {
  const group = 'conversation';
  return [
    {
      id: 'resolve',
      group,
      label: () => m.resolve(),
      keys: [{ key: 'R', shift: true }],
      ...onOpen(
        desk,
        (c) => desk.resolve(c.id),
        (c) => c.stored && c.status === 'open',
      ),
    },
    {
      id: 'reopen',
      group,
      label: () => m.reopen(),
      keys: [{ key: 'R', shift: true }],
      ...onOpen(
        desk,
        (c) => desk.reopen(c.id),
        (c) => c.status === 'resolved',
      ),
    },
  ];
}

function writingCommands(desk: Desk): Command[] {
  const group = 'conversation';
  const focus = (what: 'composer' | 'note') => () => (desk.place.focus = what);
  return [
    {
      id: 'reply',
      group,
      label: () => m.write_reply(),
      keys: [{ key: 'r' }, { key: 'Enter' }],
      ...onOpen(desk, focus('composer')),
    },
    { id: 'note', group, label: () => m.write_note(), keys: [{ key: 'n' }], ...onOpen(desk, focus('note')) },
    {
      id: 'messages',
      group,
      label: () => m.messages_keys(),
      keys: [{ key: 'm' }],
      ...onOpen(desk, () => (desk.place.focus = 'messages')),
    },
    {
      id: 'label',
      group,
      label: () => m.label_add(),
      keys: [{ key: 'L', shift: true }],
      ...onOpen(desk, () => {
        desk.place.facts = true;
        desk.place.focus = 'labels';
      }),
    },
    {
      id: 'facts',
      group,
      label: () => m.toggle_facts(),
      keys: [{ key: 'i' }],
      ...onOpen(desk, () => (desk.place.facts = !desk.place.facts)),
    },
  ];
}

function suggestionCommands(desk: Desk): Command[] {
  const group = 'conversation';
  const suggestion = (c: Conversation) => desk.suggestions.of(c);
  return [
    {
      id: 'suggestion-use',
      group,
      label: () => m.suggestion_use(),
      keys: [{ key: 'u' }],
      ...onOpen(
        desk,
        () => (desk.place.focus = 'suggestion'),
        (c) => suggestion(c)?.writing === false,
      ),
    },
    {
      id: 'suggestion-dismiss',
      group,
      label: () => m.suggestion_dismiss(),
      keys: [{ key: 'Backspace' }],
      ...onOpen(
        desk,
        (c) => {
          const shown = suggestion(c);
          if (shown) desk.suggestions.done(c.id, shown);
        },
        (c) => suggestion(c) !== null,
      ),
    },
  ];
}

function offerCommand(desk: Desk): Command {
  return {
    id: 'offer-review',
    group: 'conversation',
    label: () => m.offer_text(),
    keys: [{ key: 'l' }],
    ...onOpen(
      desk,
      (c) => {
        const lesson = desk.offer.in(c.id);
        if (lesson) desk.review(lesson);
      },
      (c) => desk.offer.in(c.id) !== null,
    ),
  };
}

function holdCommands(desk: Desk): Command[] {
  const seconds = [0, 5, 15, 30].map((count) => ({
    id: `hold-${count}`,
    label: () => (count === 0 ? m.command_hold_none() : m.command_hold_seconds({ count })),
    ...onOpen(desk, (c) => desk.setHold(c.id, { kind: 'seconds', seconds: count })),
  }));
  return [
    ...seconds,
    {
      id: 'hold-ask',
      label: () => m.command_hold_ask(),
      ...onOpen(desk, (c) => desk.setHold(c.id, { kind: 'ask' })),
    },
    { id: 'hold-desk', label: () => m.command_hold_desk(), ...onOpen(desk, (c) => desk.setHold(c.id, null)) },
  ].map((command) => ({ ...command, group: 'conversation', keys: [] }));
}

function dataCommands(desk: Desk): Command[] {
  const common = { group: 'conversation' as const, keys: [] };
  const stored = (c: Conversation) => c.stored;
  const save = (format: ExportFormat) => onOpen(desk, (c) => desk.export(c.id, format), stored);
  return [
    { ...common, id: 'export-text', label: () => m.export_text(), ...save('text') },
    { ...common, id: 'export-json', label: () => m.export_json(), ...save('json') },
    {
      ...common,
      id: 'erase',
      label: () => m.erase_customer(),
      ...onOpen(desk, (c) => desk.upkeep.askToErase(c), stored),
    },
  ];
}
