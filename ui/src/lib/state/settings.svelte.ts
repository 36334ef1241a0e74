import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { ResponderSettings, Settings } from '$lib/protocol';

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** `listen` is changed by its own request, never by saving. */
const savable = (settings: Settings): Settings => ({ ...settings, listen: '' });

/** The settings in force and what the agent is changing. */
export class DeskSettings {
  readonly #backend: Backend;
  #current = $state.raw<Settings | null>(null);
  #draft = $state<Settings | null>(null);
  #saving = $state(false);
  #refused = $state.raw<Refused | null>(null);
  #dirty = $derived(
    this.#draft !== null &&
      this.#current !== null &&
      !same(savable($state.snapshot(this.#draft)), savable(this.#current)),
  );

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** As the desk has them; `null` before the snapshot. */
  get current(): Settings | null {
    return this.#current;
  }

  /** What the form shows. Its fields may be written. */
  get draft(): Settings | null {
    return this.#draft;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  get saving(): boolean {
    return this.#saving;
  }

  /** Why the last save was refused; its `field` says where. */
  get refused(): Refused | null {
    return this.#refused;
  }

  /** Takes the settings in force. A draft with changes keeps them and takes the rest. */
  take(settings: Settings): void {
    const before = this.#current;
    this.#current = settings;
    if (!this.#draft || !before) this.#draft = structuredClone(settings);
    else this.#draft = rebased($state.snapshot(this.#draft), before, settings);
  }

  discard(): void {
    this.#draft = this.#current && structuredClone(this.#current);
    this.#refused = null;
  }

  /** Says what is wrong with the draft before the desk would, in the console's language. */
  refuse(field: string, message: string): void {
    this.#refused = new Refused({ code: 'invalid_setting', message, message_zh: message, field });
  }

  /** Saves the draft. False when it was refused. */
  async save(): Promise<boolean> {
    if (!this.#draft || this.#saving) return false;
    return this.#put(tidied($state.snapshot(this.#draft)));
  }

  /** Saves one change at once, and leaves the draft's other changes alone. Throws the refusal. */
  async change(change: Partial<Settings>): Promise<Settings> {
    if (!this.#current) throw new Refused({ code: 'offline', message: 'The desk has not answered yet.' });
    const { settings } = await ask(this.#backend, {
      type: 'save_settings',
      settings: { ...this.#current, ...change },
    });
    return settings;
  }

  /** As {@link change}, for some of the responder's settings. */
  changeResponder(change: Partial<ResponderSettings>): Promise<Settings> {
    const responder = this.#current && { ...this.#current.responder, ...change };
    return this.change(responder ? { responder } : {});
  }

  async #put(settings: Settings): Promise<boolean> {
    this.#saving = true;
    try {
      const answer = await ask(this.#backend, { type: 'save_settings', settings });
      this.#current = answer.settings;
      this.discard();
      return true;
    } catch (cause) {
      this.#refused = Refused.from(cause);
      return false;
    } finally {
      this.#saving = false;
    }
  }
}

/** Without lines that say nothing. */
function tidied(settings: Settings): Settings {
  const human_phrases = settings.responder.human_phrases.filter((phrase) => phrase.trim() !== '');
  return { ...settings, responder: { ...settings.responder, human_phrases } };
}

/** The new settings with those fields of the draft that differ from the settings it was made of. */
function rebased(draft: Settings, before: Settings, now: Settings): Settings {
  const result = structuredClone(now);
  for (const key of Object.keys(now) as (keyof Settings)[]) {
    if (key === 'listen' || key === 'responder' || same(draft[key], before[key])) continue;
    Object.assign(result, { [key]: draft[key] });
  }
  // The responder's settings are many, and changed in many places: field by field, too.
  for (const key of Object.keys(now.responder) as (keyof ResponderSettings)[]) {
    if (same(draft.responder[key], before.responder[key])) continue;
    Object.assign(result.responder, { [key]: draft.responder[key] });
  }
  return result;
}
