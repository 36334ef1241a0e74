import type { Conversation, Update } from '$lib/protocol';

import type { Desk } from './desk.svelte';

/** Brings what is known of the desk up to date with one thing that happened. */
export function apply(desk: Desk, update: Update): void {
  desk.responder.update(update);
  switch (update.type) {
    case 'conversation':
      return applyConversation(desk, update.conversation);
    case 'gone':
      return desk.forget(update.conversation);
    case 'message':
      return applyMessage(desk, update);
    case 'typing':
      return desk.typing.start(update.conversation);
    case 'activity':
      return desk.activity.put(update.event);
    case 'draft':
      return desk.writing.put(update.conversation, update.for_seq, update.text);
    case 'reveal':
      return desk.open(update.conversation);
    case 'resync':
      // Asked for when it was heard.
      return;
    default:
      return applyToDesk(desk, update);
  }
}

type OfTheDesk = Exclude<
  Update,
  { type: 'conversation' | 'gone' | 'message' | 'typing' | 'activity' | 'draft' | 'reveal' | 'resync' }
>;

/** What concerns the whole desk. */
function applyToDesk(desk: Desk, update: OfTheDesk): void {
  switch (update.type) {
    case 'counts':
      desk.status.counts = update.counts;
      return;
    case 'settings':
      return desk.takeSettings(update.settings);
    case 'away':
      desk.status.away = update.away;
      return;
    case 'lesson':
      // Offered to who did it, where it was done; for everyone else it is among those to review.
      if (update.lesson.by === desk.settings.current?.agent_name && desk.looksAt(update.lesson.conversation))
        desk.offer.make(update.lesson);
      return;
    case 'lessons':
      if (update.waiting === 0) desk.offer.leave();
      return;
    case 'listening':
      desk.status.listening = update.listening;
      return;
    case 'alerts_problem':
      desk.status.alertsProblem = update.problem;
      return;
    case 'upkeep':
      return desk.upkeep.hear(update.upkeep);
    case 'backups_changed':
      return desk.upkeep.changed(update.problem);
    case 'responder':
      // Rules and answers are asked for where they are shown.
      return;
  }
}

function applyMessage(desk: Desk, { conversation, message }: Extract<Update, { type: 'message' }>): void {
  desk.threads.put(conversation, message);
  desk.outbox.reconcile(message);
  desk.changes.seen(conversation, message);
  if (message.author === 'customer') desk.typing.stop(conversation);
}

function applyConversation(desk: Desk, conversation: Conversation): void {
  const { id } = conversation;
  const before = desk.conversations.get(id);
  desk.conversations.put(conversation);
  desk.writing.seen(conversation);
  if (before?.discarded && !conversation.discarded) desk.toasts.dismissKind(`discarded ${id}`);
  desk.held.seen(id, conversation.held);
}
