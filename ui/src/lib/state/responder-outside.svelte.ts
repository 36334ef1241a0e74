import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { ModelSettings, SecretName, Secrets, Tested, WebhookSettings } from '$lib/protocol';

export type Outsider = 'model' | 'webhook';

/** Where an attempt stands: under way, refused, or what it came to. */
export interface Attempt {
  busy: boolean;
  refused: Refused | null;
  tested: Tested | null;
}

const NONE: Attempt = { busy: false, refused: null, tested: null };

/** The model and the webhook bot: where their secrets lie, and whether they answer. */
export class Outside {
  readonly #backend: Backend;
  #secrets = $state.raw<Secrets | null>(null);
  #saving = $state<SecretName | null>(null);
  #refused = $state.raw<{ name: SecretName; refused: Refused } | null>(null);
  #attempts = $state.raw<Record<Outsider, Attempt>>({ model: NONE, webhook: NONE });

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Where the secrets lie; `null` before it is known. */
  get secrets(): Secrets | null {
    return this.#secrets;
  }

  get saving(): SecretName | null {
    return this.#saving;
  }

  /** Why a secret was not taken. */
  refused(name: SecretName): Refused | null {
    return this.#refused?.name === name ? this.#refused.refused : null;
  }

  attempt(who: Outsider): Attempt {
    return this.#attempts[who];
  }

  async load(): Promise<void> {
    try {
      this.#secrets = (await ask(this.#backend, { type: 'secrets' })).secrets;
    } catch {
      // The field shows no place; saving a secret will say what is wrong.
    }
  }

  /** Sets or removes a secret. It goes in and never comes out. False when it was refused. */
  async set(name: SecretName, value: string | null): Promise<boolean> {
    this.#saving = name;
    this.#refused = null;
    try {
      this.#secrets = (await ask(this.#backend, { type: 'set_secret', name, value })).secrets;
      return true;
    } catch (cause) {
      this.#refused = { name, refused: Refused.from(cause) };
      return false;
    } finally {
      this.#saving = null;
    }
  }

  testModel(model: ModelSettings): Promise<void> {
    return this.#test('model', { type: 'test_model', model });
  }

  testWebhook(webhook: WebhookSettings): Promise<void> {
    return this.#test('webhook', { type: 'test_webhook', webhook });
  }

  /** Forgets what a test came to, or will: the settings are other ones now. */
  forget(who: Outsider): void {
    this.#attempts = { ...this.#attempts, [who]: NONE };
  }

  async #test(
    who: Outsider,
    request:
      { type: 'test_model'; model: ModelSettings } | { type: 'test_webhook'; webhook: WebhookSettings },
  ): Promise<void> {
    if (this.#attempts[who].busy) return;
    const attempt: Attempt = { ...NONE, busy: true };
    this.#attempts = { ...this.#attempts, [who]: attempt };
    let result: Attempt;
    try {
      result = { ...NONE, tested: (await ask(this.#backend, request)).tested };
    } catch (cause) {
      result = { ...NONE, refused: Refused.from(cause) };
    }
    if (this.#attempts[who] === attempt) this.#attempts = { ...this.#attempts, [who]: result };
  }
}
