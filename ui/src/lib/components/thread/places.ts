import type { ConversationId } from '$lib/protocol';

/** Where each thread was left, in pixels from its top, so that coming back finds the same place. */
export const places = new Map<ConversationId, number>();
