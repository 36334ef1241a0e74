import type { Answer, AnswerRow, Replayed, Rule, RuleRow, UsageRow, Verdict } from '$lib/protocol';

export function answer(id: number, change: Partial<Answer> = {}): Answer {
  return {
    id,
    enabled: true,
    questions: [`Question ${id}`],
    reply: `Reply ${id}`,
    languages: [],
    labels: [],
    ...change,
  };
}

export const answerRow = (id: number, change: Partial<Answer> = {}): AnswerRow => ({
  answer: answer(id, change),
  used: 0,
  overridden: 0,
});

export function rule(id: number, change: Partial<Rule> = {}): Rule {
  return {
    id,
    name: `Rule ${id}`,
    enabled: true,
    trigger: { kind: 'phrase', phrases: [`phrase ${id}`] },
    languages: [],
    page: '',
    action: { kind: 'reply', text: { en: `Text ${id}`, 'zh-CN': '' } },
    ...change,
  };
}

export const ruleRow = (id: number, change: Partial<Rule> = {}): RuleRow => ({
  rule: rule(id, change),
  used: 0,
  overridden: 0,
});

export const verdict: Verdict = {
  outcome: { kind: 'reply', text: 'Hello.', source: { kind: 'fallback' } },
  labels: [],
  steps: [{ source: { kind: 'fallback' }, applies: true, why: { kind: 'applies' } }],
};

export const replayed = (seq: number, changed: boolean): Replayed => ({
  conversation: 1,
  seq,
  question: `Question ${seq}`,
  then: null,
  now: verdict,
  changed,
});

export const usageRow = (change: Partial<UsageRow> = {}): UsageRow => ({
  source: { kind: 'answer', id: 1, name: 'Where is my order?' },
  used: 10,
  sent: 7,
  edited: 1,
  discarded: 1,
  corrected: 1,
  retracted: 0,
  led_to_human: 1,
  over_time: [1, 2, 3, 4],
  ...change,
});
