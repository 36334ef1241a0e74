import { chooseBackend } from '$lib/backend/choose';

import { Desk, type DeskOptions } from './desk.svelte';

/** Storage that may be forbidden; the console works without. */
function allowed(storage: () => Storage): Storage | undefined {
  try {
    return storage();
  } catch {
    return undefined;
  }
}

/** The desk of wherever this console runs. */
export async function openDesk(saveFile: NonNullable<DeskOptions['saveFile']>): Promise<Desk> {
  const local = allowed(() => localStorage);
  const session = allowed(() => sessionStorage);
  const storage = { ...(local && { local }), ...(session && { session }) };
  return new Desk(await chooseBackend(), { ...storage, saveFile });
}
