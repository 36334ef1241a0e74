/** How long a toast stays, in milliseconds. */
const SHORT = 5_000;
const WITH_ACTION = 8_000;
const AT_MOST = 4;

export interface ToastAction {
  label: () => string;
  run: () => void;
}

export interface Toast {
  id: number;
  tone: 'info' | 'error';
  /** Read when shown, so that it follows the language. */
  text: () => string;
  action?: ToastAction | undefined;
  /** The same kind of toast replaces the earlier one. */
  kind?: string | undefined;
}

/** Short news at the edge of the window. */
export class Toasts {
  #all = $state.raw<Toast[]>([]);
  #nextId = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  get all(): Toast[] {
    return this.#all;
  }

  show(toast: Omit<Toast, 'id'>): number {
    const id = this.#nextId++;
    const rest = this.#all.filter((other) => toast.kind === undefined || other.kind !== toast.kind);
    this.#all = [...rest, { ...toast, id }].slice(-AT_MOST);
    this.resume(id);
    return id;
  }

  /** Stops the clock of a toast while someone points at it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  resume(id: number): void {
    const toast = this.#all.find((other) => other.id === id);
    if (!toast) return;
    this.hold(id);
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), toast.action ? WITH_ACTION : SHORT),
    );
  }

  dismiss(id: number): void {
    this.hold(id);
    this.#timers.delete(id);
    this.#all = this.#all.filter((toast) => toast.id !== id);
  }

  dismissKind(kind: string): void {
    for (const toast of this.#all.filter((other) => other.kind === kind)) this.dismiss(toast.id);
  }
}
