import type { Language } from '$lib/protocol';

/** A language by its own name. */
export function languageName(language: Language): string {
  return language === 'zh-CN' ? '简体中文' : 'English';
}
