/** Where something is kept beyond the page's life: `localStorage`, `sessionStorage`, or a test's own. */
export type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** What was kept under this name; `otherwise` when there is nothing, or nothing that can be read. */
export function kept<T>(store: Store | undefined, name: string, otherwise: T): T {
  try {
    return (JSON.parse(store?.getItem(name) ?? 'null') as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps this under a name. A full or forbidden storage costs only its survival of a reload. */
export function keep(store: Store | undefined, name: string, value: unknown): void {
  try {
    store?.setItem(name, JSON.stringify(value));
  } catch {
    // As said.
  }
}
