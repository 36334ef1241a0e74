import { chooseBackend } from '$lib/backend/choose';

import { Desk } from './desk.svelte';

/** Storage that may be forbidden; the console works without. */
function allowed(storage: () => Storage): Storage | undefined {
  try {
    return storage();
  } catch {
    return undefined;
  }
}

/** The desk of wherever this console runs. */
export async function openDesk(): Promise<Desk> {
  const local = allowed(() => localStorage);
  const session = allowed(() => sessionStorage);
  return new Desk(await chooseBackend(), { ...(local && { local }), ...(session && { session }) });
}
