import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Rule, RuleId, RuleRow } from '$lib/protocol';

/** The rules of the responder, in their order. */
export class Rules {
  readonly #backend: Backend;
  #rows = $state.raw<RuleRow[] | null>(null);
  #error = $state.raw<Refused | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** In order; `null` before they are known. */
  get rows(): RuleRow[] | null {
    return this.#rows;
  }

  /** Why they are not known. */
  get error(): Refused | null {
    return this.#error;
  }

  find(id: RuleId): Rule | undefined {
    return this.#rows?.find(({ rule }) => rule.id === id)?.rule;
  }

  async load(): Promise<void> {
    try {
      this.#rows = (await ask(this.#backend, { type: 'rules' })).rules;
      this.#error = null;
    } catch (cause) {
      this.#error = Refused.from(cause);
    }
  }

  /** Saves a rule, a new one at the end. Throws the refusal. */
  async save(rule: Rule, lesson?: number): Promise<void> {
    const offer = lesson === undefined ? {} : { lesson };
    this.#rows = (await ask(this.#backend, { type: 'save_rule', rule, ...offer })).rules;
  }

  /** Puts a rule before what is at `to` now; shown at once and taken back when it is refused. Throws the refusal. */
  async move(id: RuleId, to: number): Promise<void> {
    const before = this.#rows;
    const from = before?.findIndex(({ rule }) => rule.id === id) ?? -1;
    const moved = before?.[from];
    if (!before || !moved || to === from || to < 0 || to >= before.length) return;
    this.#rows = before.toSpliced(from, 1).toSpliced(to, 0, moved);
    await this.#order(before);
  }

  /** Deletes a rule. Throws the refusal. */
  async delete(id: RuleId): Promise<void> {
    this.#rows = (await ask(this.#backend, { type: 'delete_rule', rule: id })).rules;
  }

  /** Brings a deleted rule back to its place, with its numbers. Throws the refusal. */
  async restore(rule: Rule, place: number): Promise<void> {
    this.#rows = (await ask(this.#backend, { type: 'restore_rule', rule, place })).rules;
  }

  async #order(before: RuleRow[]): Promise<void> {
    const rules = (this.#rows ?? []).map(({ rule }) => rule.id);
    try {
      this.#rows = (await ask(this.#backend, { type: 'order_rules', rules })).rules;
    } catch (cause) {
      this.#rows = before;
      throw cause;
    }
  }
}
