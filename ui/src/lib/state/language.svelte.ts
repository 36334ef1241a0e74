import type { Language } from '$lib/protocol';
import { overwriteGetLocale } from '$paraglide/runtime.js';

function guess(): Language {
  return (globalThis.navigator?.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

/** The console's language. Every message read in a template follows it. */
class ConsoleLanguage {
  #current = $state<Language>(guess());

  get current(): Language {
    return this.#current;
  }

  use(language: Language): void {
    this.#current = language;
  }
}

export const language = new ConsoleLanguage();
overwriteGetLocale(() => language.current);
