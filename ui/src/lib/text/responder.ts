import type { Action, Outcome, Source, Step, Trigger, Why } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { inLanguage } from './language';
import { sourceKindLabel } from './source';
import { reasonText } from './system';

/** What a part is called: its own name where it has one. */
export function partName(source: Source): string {
  return source.name ?? sourceKindLabel(source.kind);
}

const list = (words: string[]) => words.filter((word) => word.trim() !== '').join(' · ');

/** When a rule applies, in a line. */
export function triggerText(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'phrase':
      return m.trigger_phrase_is({ words: list(trigger.phrases) });
    case 'keywords':
      return trigger.all
        ? m.trigger_keywords_all_are({ words: list(trigger.keywords) })
        : m.trigger_keywords_any_are({ words: list(trigger.keywords) });
    case 'regex':
      return m.trigger_regex_is({ pattern: trigger.pattern });
    case 'first_message':
      return m.trigger_first_message();
    case 'returning_customer':
      return m.trigger_returning_customer();
    case 'outside_hours':
      return m.trigger_outside_hours();
    case 'always':
      return m.trigger_always();
  }
}

/** What a rule does, in a line. */
export function actionText(action: Action, language: 'en' | 'zh-CN'): string {
  switch (action.kind) {
    case 'reply':
      return action.text[language] || action.text.en || action.text['zh-CN'];
    case 'needs_human':
      return m.action_needs_human();
    case 'label':
      return m.action_label_is({ label: action.label });
    case 'silent':
      return m.action_silent();
  }
}

/** A part of the chain as a step: what is looked at, not what comes of it. */
export function stepName({ kind }: Source): string {
  if (kind === 'person_called') return m.step_person();
  return kind === 'answer' ? m.step_answers() : sourceKindLabel(kind);
}

/** Why a part applied or not. */
export function whyText(why: Why): string {
  switch (why.kind) {
    case 'matches':
      return m.why_matches({ what: why.what });
    case 'no_match':
      return m.why_no_match();
    case 'switched_off':
      return m.why_switched_off();
    case 'other_language':
      return m.why_other_language();
    case 'other_page':
      return m.why_other_page();
    case 'below_threshold':
      return m.why_below_threshold({ threshold: why.threshold.toFixed(2) });
    case 'applies':
      return m.why_applies();
    case 'no_text':
      return m.why_no_text();
    case 'asked':
      return m.why_asked();
    case 'failed':
      return inLanguage(why.message, why.message_zh);
    case 'not_sure':
      return m.why_not_sure();
    case 'later':
      return m.why_later();
  }
}

/** What happens to a message, in a line. */
export function outcomeTitle(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'reply':
      return m.outcome_reply();
    case 'needs_human':
      return m.outcome_needs_human({ reason: reasonText(outcome.reason) });
    case 'silent':
      return m.outcome_silent();
    case 'ask':
      return m.outcome_ask({ who: outcome.who.map(sourceKindLabel).join(', ') });
    case 'nothing':
      return m.outcome_nothing();
  }
}

/** What the customer reads; `null` is nothing. */
export function outcomeText(outcome: Outcome): string | null {
  if (outcome.kind === 'reply' || outcome.kind === 'needs_human') return outcome.text;
  return null;
}

/** The threshold that a verdict's answers were held against. */
export function thresholdOf(steps: Step[]): number | null {
  for (const { why } of steps) if (why.kind === 'below_threshold') return why.threshold;
  return null;
}
