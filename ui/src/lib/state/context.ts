import { createContext } from 'svelte';

import type { Desk } from './desk.svelte';

/** The desk for every component below the one that set it. */
export const [useDesk, provideDesk] = createContext<Desk>();
