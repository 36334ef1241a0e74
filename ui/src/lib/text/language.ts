import type { Language } from '$lib/protocol';
import { getLocale } from '$paraglide/runtime.js';

/** A language by its own name. */
export function languageName(language: Language): string {
  return language === 'zh-CN' ? '简体中文' : 'English';
}

/** A sentence of the desk in the console's language, where the desk has it in Chinese. */
export function inLanguage(english: string, chinese: string | undefined): string {
  return getLocale() === 'zh-CN' ? (chinese ?? english) : english;
}
