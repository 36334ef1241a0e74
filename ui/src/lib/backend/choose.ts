import type { Backend } from './backend';
import { keepSecret, secretIn, takeSecret } from './secret';

/** The desk this page belongs to: its own window's, or the one that served it. */
export async function chooseBackend(): Promise<Backend> {
  if ('__TAURI_INTERNALS__' in window) {
    const { TauriBackend } = await import('./tauri');
    return new TauriBackend();
  }
  const { WebSocketBackend } = await import('./websocket');
  const secret = takeSecret({ location, history, storage: localStorage });
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/console/ws`;
  const callUrl = `${location.origin}/console/call`;
  const keep = (kept: string | null) => keepSecret(localStorage, kept);
  const backend = new WebSocketBackend({ url, callUrl, secret, keep });
  addEventListener('online', () => backend.probe());
  addEventListener('visibilitychange', () => document.hidden || backend.probe());
  // The link pasted again into a tab that is already open only changes the hash.
  addEventListener('hashchange', () => {
    const pasted = secretIn(location.hash);
    if (pasted) takeSecret({ location, history, storage: localStorage });
    if (pasted) backend.present(pasted);
  });
  return backend;
}
