import { beforeEach, describe, expect, test, vi } from 'vitest';

import { FakeBackend, settled } from '../../testing/fake-backend';
import { answerRow, replayed, ruleRow, usageRow, verdict } from '../../testing/responder';
import { NOW, lesson, snapshot } from '../../testing/sample';
import { Desk } from './desk.svelte';
import { PAGE } from './responder-answers.svelte';

let backend: FakeBackend;
let desk: Desk;

beforeEach(async () => {
  vi.useRealTimers();
  backend = new FakeBackend();
  desk = new Desk(backend, { schedule: (work) => work() });
  desk.start();
  await backend.answer('snapshot', { type: 'snapshot', ...snapshot([], { lessons: 2 }) });
});

const page = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => answerRow(10_000 - from - index));
const names = () => desk.responder.rules.rows?.map((row) => row.rule.id);

async function knowRules(...ids: number[]) {
  void desk.responder.rules.load();
  await backend.answer('rules', { type: 'rules', rules: ids.map((id) => ruleRow(id)) });
}

describe('answers', () => {
  test('of 10,000 answers only the pages on the screen are asked for, each once', async () => {
    const list = desk.responder.answers;
    void list.refresh();
    await backend.answer('answers', { type: 'answers', answers: page(0, PAGE), total: 10_000 });
    expect(list.total).toBe(10_000);
    list.show(4_990, 5_010);
    list.show(4_991, 5_011);
    expect(backend.waiting.map(({ request }) => 'offset' in request && request.offset)).toEqual([
      4_900, 5_000,
    ]);
    await backend.answer('answers', { type: 'answers', answers: page(4_900, PAGE), total: 10_000 });
    await backend.answer('answers', { type: 'answers', answers: page(5_000, PAGE), total: 10_000 });
    expect(list.at(4_999)?.answer.id).toBe(10_000 - 4_999);
    expect(list.at(5_000)?.answer.id).toBe(5_000);
    expect(list.at(7_000)).toBeUndefined();
  });

  test('what is shown stays until the answer to a new search is here, and a late answer to an old one is dropped', async () => {
    vi.useFakeTimers();
    const list = desk.responder.answers;
    void list.refresh();
    const first = backend.waiting.at(-1);
    list.search('order');
    vi.runAllTimers();
    expect(backend.next('answers')).toMatchObject({ query: '' });
    expect(backend.waiting).toHaveLength(2);
    vi.useRealTimers();
    backend.waiting.shift();
    await backend.answer('answers', { type: 'answers', answers: [answerRow(7)], total: 1 });
    first?.answer({ type: 'answers', answers: page(0, 3), total: 3 });
    await settled();
    expect([list.total, list.at(0)?.answer.id]).toEqual([1, 7]);
  });

  test('deleting can be undone from the toast', async () => {
    const deleted = desk.responder.deleteAnswers([answerRow(3).answer, answerRow(4).answer]);
    expect(backend.next('delete_answers')?.answers).toEqual([3, 4]);
    await backend.answer('delete_answers', { type: 'done' });
    await backend.answer('answers', { type: 'answers', answers: [], total: 0 });
    await deleted;
    desk.toasts.all.at(-1)?.action?.run();
    expect(backend.next('restore_answers')?.answers).toEqual([answerRow(3).answer, answerRow(4).answer]);
  });

  test('choosing all that fit asks for the pages that were never on the screen', async () => {
    const list = desk.responder.answers;
    void list.refresh();
    await backend.answer('answers', { type: 'answers', answers: page(0, PAGE), total: PAGE + 1 });
    const all = list.chooseAll();
    await backend.answer('answers', { type: 'answers', answers: page(PAGE, 1), total: PAGE + 1 });
    await all;
    expect(list.chosen.size).toBe(PAGE + 1);
  });
});

describe('rules', () => {
  test('a move is shown at once, sent as the whole order, and taken back when it is refused', async () => {
    await knowRules(1, 2, 3);
    const moved = desk.responder.moveRule(3, 0);
    expect(names()).toEqual([3, 1, 2]);
    expect(backend.next('order_rules')?.rules).toEqual([3, 1, 2]);
    await backend.refuse('order_rules', 'store_failed');
    expect([await moved, names()]).toEqual([false, [1, 2, 3]]);
    expect(desk.toasts.all.at(-1)?.tone).toBe('error');
  });

  test('a deleted rule comes back to its own place', async () => {
    await knowRules(1, 2, 3);
    const gone = desk.responder.deleteRule(ruleRow(2));
    await backend.answer('delete_rule', { type: 'rules', rules: [ruleRow(1), ruleRow(3)] });
    await gone;
    desk.toasts.all.at(-1)?.action?.run();
    expect(backend.next('restore_rule')).toMatchObject({ rule: { id: 2, name: 'Rule 2' }, place: 1 });
    await backend.answer('restore_rule', { type: 'rules', rules: [ruleRow(1), ruleRow(2), ruleRow(3)] });
    expect(names()).toEqual([1, 2, 3]);
  });
});

describe('the editor', () => {
  test('a refused line stands beside its own field, though empty lines were not sent', async () => {
    const { editor } = desk.responder;
    editor.writeAnswer();
    editor.answer.questions = ['', 'Where is it?', '', 'When will it come?'];
    editor.answer.reply = 'Soon.';
    const saved = desk.responder.save();
    expect(backend.next('save_answer')?.answer.questions).toEqual(['Where is it?', 'When will it come?']);
    await backend.refuse('save_answer', 'invalid_setting', 'Taken.', 'questions.1');
    expect(await saved).toBe(false);
    expect([editor.refused?.field, editor.kind]).toEqual(['questions.3', 'answer']);
  });

  test('a line that is there twice is sent once, and later lines keep their fields', async () => {
    const { editor } = desk.responder;
    editor.writeRule();
    editor.rule.trigger = { kind: 'phrase', phrases: ['Hello!', 'hello', 'bye'] };
    void desk.responder.save();
    expect(backend.next('save_rule')?.rule.trigger).toEqual({ kind: 'phrase', phrases: ['Hello!', 'bye'] });
    await backend.refuse('save_rule', 'invalid_setting', 'Taken.', 'trigger.phrases.1');
    expect(editor.refused?.field).toBe('trigger.phrases.2');
  });

  test('closing without changes loses nothing; with changes it says so', () => {
    const { editor } = desk.responder;
    editor.writeRule(ruleRow(1).rule);
    expect(editor.dirty).toBe(false);
    editor.rule.name = 'Another';
    expect(editor.dirty).toBe(true);
    editor.close();
    expect(editor.dirty).toBe(false);
  });

  test('what is written does not change the list before it is saved', async () => {
    await knowRules(1);
    const [row] = desk.responder.rules.rows ?? [];
    if (row) desk.responder.editor.writeRule(row.rule);
    const { trigger } = desk.responder.editor.rule;
    if (trigger.kind === 'phrase') trigger.phrases[0] = 'changed';
    expect(row?.rule.trigger).toEqual({ kind: 'phrase', phrases: ['phrase 1'] });
  });
});

describe('lessons', () => {
  const edited = lesson(5, {
    kind: 'edited',
    question: 'How long  does delivery take?',
    reply: 'Three days.',
    source: { kind: 'answer', id: 8 },
  });

  test('an edited answer opens with the new wording and the new reply; only saving changes anything', async () => {
    const { editor } = desk.responder;
    const opened = desk.responder.openLesson(edited);
    await backend.answer('answer', { type: 'answers', answers: [answerRow(8)], total: 1 });
    await opened;
    expect(editor.answer).toMatchObject({
      id: 8,
      questions: ['Question 8', 'How long does delivery take?'],
      reply: 'Three days.',
    });
    expect(backend.waiting).toEqual([]);
    void desk.responder.save();
    expect(backend.next('save_answer')?.lesson).toBe(5);
    await backend.answer('save_answer', { type: 'saved', answer: editor.answer });
    expect(backend.asked.filter(({ type }) => type === 'save_answer')).toHaveLength(1);
  });

  test('a discarded reply leaves its answer alone and begins a new one', async () => {
    const opened = desk.responder.openLesson({ ...edited, kind: 'discarded' });
    await backend.answer('answer', { type: 'answers', answers: [answerRow(8)], total: 1 });
    await opened;
    const { editor } = desk.responder;
    expect([editor.aim, editor.answer.id, editor.aims]).toEqual([
      'new_answer',
      0,
      ['existing', 'new_answer', 'new_rule'],
    ]);
    editor.aimAt('new_rule');
    expect(editor.rule).toMatchObject({
      trigger: { kind: 'phrase', phrases: ['How long does delivery take?'] },
      action: { kind: 'reply', text: { en: 'Three days.', 'zh-CN': '' } },
    });
  });

  test('an answer that was deleted meanwhile becomes a new one', async () => {
    const opened = desk.responder.openLesson(edited);
    await backend.refuse('answer', 'no_such_entry');
    await opened;
    const { editor } = desk.responder;
    expect([editor.aims, editor.answer.id]).toEqual([['new_answer', 'new_rule'], 0]);
    expect(editor.answer.languages).toEqual([edited.language]);
  });

  test('the list follows what is offered, dismissed and dealt with elsewhere', async () => {
    const { lessons } = desk.responder;
    expect(lessons.waiting).toBe(2);
    void lessons.load();
    await backend.answer('lessons', { type: 'lessons', lessons: [lesson(2), lesson(1)] });
    backend.update(NOW, { type: 'lesson', lesson: lesson(3) }, { type: 'lessons', waiting: 3 });
    expect(lessons.all?.map(({ id }) => id)).toEqual([3, 2, 1]);
    void desk.responder.dismissLesson(2);
    await backend.answer('dismiss_lesson', { type: 'done' });
    expect([lessons.waiting, lessons.all?.map(({ id }) => id)]).toEqual([2, [3, 1]]);
    backend.update(NOW, { type: 'lessons', waiting: 1 });
    await backend.answer('lessons', { type: 'lessons', lessons: [lesson(3)] });
    expect(lessons.all).toHaveLength(1);
  });
});

describe('trying', () => {
  test('only the verdict on the last message counts', async () => {
    vi.useFakeTimers();
    const { trial } = desk.responder;
    trial.text = 'hel';
    trial.changed();
    vi.runAllTimers();
    trial.text = 'hello';
    trial.changed();
    vi.runAllTimers();
    vi.useRealTimers();
    await backend.answer('try', { type: 'verdict', verdict: { ...verdict, labels: ['old'] } });
    expect(trial.verdict).toBeNull();
    await backend.answer('try', { type: 'verdict', verdict });
    expect(trial.verdict?.labels).toEqual([]);
    expect(backend.asked.at(-1)).toMatchObject({ question: { text: 'hello', name: null }, ask: false });
  });

  test('the model is asked only when told to', () => {
    vi.useFakeTimers();
    const { trial } = desk.responder;
    trial.asks = true;
    trial.text = 'hello';
    trial.changed();
    vi.runAllTimers();
    expect(backend.has('try')).toBe(false);
    void trial.run();
    expect(backend.next('try')?.ask).toBe(true);
  });

  test('a verdict is asked for again when the chain changes', () => {
    vi.useFakeTimers();
    desk.responder.trial.text = 'hello';
    backend.update(NOW, { type: 'responder' });
    vi.runAllTimers();
    expect(backend.has('try')).toBe(true);
  });

  test('a replay counts what changes and says when it is out of date', async () => {
    const { replay } = desk.responder;
    void replay.run();
    const agent = { ...replayed(4, true), then: { author: 'agent' as const, text: 'I did.', source: null } };
    const messages = [replayed(1, true), replayed(2, false), replayed(3, true), agent];
    await backend.answer('replay', { type: 'replayed', messages });
    expect([replay.changed.length, replay.shown.length, replay.stale]).toEqual([2, 2, false]);
    replay.filter = 'agents';
    expect(replay.shown).toEqual([agent]);
    replay.filter = 'all';
    expect(replay.shown).toHaveLength(4);
    vi.useFakeTimers();
    backend.update(NOW, { type: 'responder' });
    vi.runAllTimers();
    expect(replay.stale).toBe(true);
  });
});

describe('a change before it is saved', () => {
  test('is replayed without its empty lines, refused beside its line, and out of date once it is another', async () => {
    const { editor } = desk.responder;
    editor.writeAnswer();
    editor.answer.questions = ['', 'Is it raining?'];
    editor.answer.reply = 'Always.';
    void editor.replay();
    expect(backend.next('replay')?.plan).toMatchObject({
      kind: 'answer',
      answer: { questions: ['Is it raining?'] },
    });
    await backend.answer('replay', { type: 'replayed', messages: [replayed(1, true)] });
    expect(editor.replayed).toHaveLength(1);
    editor.answer.reply = 'Never.';
    expect(editor.replayed).toBeNull();
    const again = editor.replay();
    await backend.refuse('replay', 'invalid_setting', 'There is an answer already.', 'questions.0');
    await again;
    expect([editor.replayed, editor.refused?.field, editor.kind]).toEqual([null, 'questions.1', 'answer']);
  });
});

describe('numbers', () => {
  test('periods are whole days of the calendar, today included', async () => {
    const { usage } = desk.responder;
    void usage.choose('7');
    const week = backend.next('usage');
    const today = new Date(NOW);
    const midnight = (days: number) =>
      new Date(today.getFullYear(), today.getMonth(), today.getDate() + days).getTime();
    expect([week?.from, week?.to]).toEqual([midnight(-6), midnight(1)]);
    await backend.answer('usage', { type: 'usage', rows: [usageRow()] });
    void usage.choose('custom');
    expect(backend.next('usage')).toEqual(week);
    usage.first = '2026-10-12';
    usage.last = '2026-10-01';
    backend.waiting = [];
    void usage.load();
    expect(backend.waiting).toEqual([]);
  });
});

describe('the model and the webhook bot', () => {
  test('a secret goes in once, and its refusal stands beside its own field', async () => {
    const { outside } = desk.responder;
    const set = outside.set('model_key', 'sk-canary');
    await backend.refuse('set_secret', 'invalid_setting', 'A key has no spaces.', 'responder.model.key');
    expect([await set, outside.refused('model_key')?.field, outside.refused('webhook_secret')]).toEqual([
      false,
      'responder.model.key',
      null,
    ]);
    void outside.set('model_key', 'sk-canary');
    const secrets = { model_key: 'file', webhook_secret: 'nowhere' } as const;
    await backend.answer('set_secret', { type: 'secrets', secrets });
    expect(outside.secrets).toEqual(secrets);
    expect(JSON.stringify(outside)).not.toContain('sk-canary');
  });

  test('the result of a test of other settings is not shown', async () => {
    const { outside } = desk.responder;
    void outside.testWebhook({ enabled: true, url: 'http://a', deadline_seconds: 1 });
    outside.forget('webhook');
    await backend.answer('test_webhook', {
      type: 'tested',
      tested: { works: true, message: 'Hello.', message_zh: '你好。', took_ms: 3 },
    });
    expect(outside.attempt('webhook').tested).toBeNull();
  });
});

test('settings of the responder that change elsewhere do not undo what is being written', async () => {
  const { settings } = desk;
  const current = settings.current;
  if (!settings.draft || !current) throw new Error('no settings');
  settings.draft.responder.away_text.en = 'Back at nine.';
  const responder = { ...current.responder, threshold_percent: 75 };
  backend.update(NOW, { type: 'settings', settings: { ...current, responder } });
  expect(settings.draft.responder.away_text.en).toBe('Back at nine.');
  expect(settings.draft.responder.threshold_percent).toBe(75);
  settings.draft.responder.human_phrases.push('  ');
  void desk.saveSettings();
  expect(backend.next('save_settings')?.settings.responder.human_phrases).toEqual(
    current.responder.human_phrases,
  );
});
