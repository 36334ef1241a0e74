import type { ActionReturn } from 'svelte/action';

/** Makes a text field as high as its text, within its own `min-height` and `max-height`. */
export function grow(field: HTMLTextAreaElement, _text: string): ActionReturn<string> {
  const fit = () => {
    field.style.height = 'auto';
    // A placeholder of several lines makes no field higher: nobody wrote it.
    if (field.value === '') return;
    field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
  };
  fit();
  const widths = new ResizeObserver(fit);
  widths.observe(field.parentElement ?? field);
  return { update: fit, destroy: () => widths.disconnect() };
}
