import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Answer, Lesson, Localized, Plan, Replayed, Rule, Trigger } from '$lib/protocol';
import { fitting, includesLine, written } from '$lib/text/lines';

import type { Answers } from './responder-answers.svelte';
import type { Lessons } from './responder-lessons.svelte';
import type { Rules } from './responder-rules.svelte';

/** What a lesson is made into. */
export type Aim = 'existing' | 'new_answer' | 'new_rule';

/** Conversations that a change is tried on before it is saved. */
export const TRIED = 100;
const QUESTION_BYTES = 512;
const NAME_BYTES = 60;

export const newAnswer = (): Answer => ({
  id: 0,
  enabled: true,
  questions: [''],
  reply: '',
  languages: [],
  labels: [],
});

export const newRule = (): Rule => ({
  id: 0,
  name: '',
  enabled: true,
  trigger: { kind: 'phrase', phrases: [''] },
  languages: [],
  page: '',
  action: { kind: 'reply', text: { en: '', 'zh-CN': '' } },
});

/** The one answer or rule that is being written. Nothing is changed before it is saved. */
export class Editor {
  readonly #backend: Backend;
  readonly #answers: Answers;
  readonly #rules: Rules;
  readonly #lessons: Lessons;
  #kind = $state<'answer' | 'rule' | null>(null);
  /** The answer, while one is written. Its fields may be written. */
  answer = $state<Answer>(newAnswer());
  /** The rule, while one is written. Its fields may be written. */
  rule = $state<Rule>(newRule());
  #lesson = $state.raw<Lesson | null>(null);
  #existing = $state.raw<{ answer: Answer } | { rule: Rule } | null>(null);
  #aim = $state<Aim>('new_answer');
  #before = $state('');
  #refused = $state.raw<Refused | null>(null);
  #saving = $state(false);
  #replayed = $state.raw<Replayed[] | null>(null);
  #replaying = $state(false);
  /** What was replayed, to tell whether it was changed since. */
  #tried = $state('');

  constructor(backend: Backend, parts: { answers: Answers; rules: Rules; lessons: Lessons }) {
    this.#backend = backend;
    this.#answers = parts.answers;
    this.#rules = parts.rules;
    this.#lessons = parts.lessons;
  }

  /** What is being written; `null` while nothing is. */
  get kind(): 'answer' | 'rule' | null {
    return this.#kind;
  }

  /** The offer to learn that this comes from. */
  get lesson(): Lesson | null {
    return this.#lesson;
  }

  get aim(): Aim {
    return this.#aim;
  }

  /** What the lesson can be made into. */
  get aims(): Aim[] {
    return this.#existing ? ['existing', 'new_answer', 'new_rule'] : ['new_answer', 'new_rule'];
  }

  /** What the lesson would change, before it is changed. */
  get existing(): { answer: Answer } | { rule: Rule } | null {
    return this.#existing;
  }

  get saving(): boolean {
    return this.#saving;
  }

  /** What the last conversations would be answered with this change; `null` before it was tried, or once it is another. */
  get replayed(): Replayed[] | null {
    return this.#tried === this.#written() ? this.#replayed : null;
  }

  get replaying(): boolean {
    return this.#replaying;
  }

  /** Why the last save was refused; its `field` says where. */
  get refused(): Refused | null {
    return this.#refused;
  }

  /** Whether closing would lose something. */
  get dirty(): boolean {
    return this.#kind !== null && this.#written() !== this.#before;
  }

  writeAnswer(answer: Answer = newAnswer()): void {
    this.#leaveLesson();
    this.#show('answer', answer);
  }

  writeRule(rule: Rule = newRule()): void {
    this.#leaveLesson();
    this.#show('rule', rule);
  }

  /** Opens what a lesson would change, or something new, prefilled with what the agent said. Throws the refusal. */
  async openLesson(lesson: Lesson): Promise<void> {
    this.#existing = await this.#find(lesson);
    this.#lesson = lesson;
    // A reply that was thrown away was the wrong one for this question: leave it to the questions that it fits.
    this.aimAt(this.#existing && lesson.kind !== 'discarded' ? 'existing' : 'new_answer');
  }

  /** Chooses what the lesson is made into, and prefills it. */
  aimAt(aim: Aim): void {
    const lesson = this.#lesson;
    if (!lesson) return;
    this.#aim = aim;
    const existing = this.#existing;
    if (aim === 'new_rule') this.#show('rule', ruleOf(lesson));
    else if (aim === 'new_answer' || !existing) this.#show('answer', answerOf(lesson));
    else if ('answer' in existing) this.#show('answer', taughtAnswer(existing.answer, lesson));
    else this.#show('rule', taughtRule(existing.rule, lesson));
  }

  close(): void {
    this.#kind = null;
    this.#leaveLesson();
  }

  /** Saves and closes. False when it was refused. */
  async save(): Promise<boolean> {
    if (this.#saving || this.#kind === null) return false;
    this.#saving = true;
    this.#refused = null;
    try {
      await this.#put((plan) =>
        plan.kind === 'answer'
          ? this.#answers.save(plan.answer, this.#lesson?.id)
          : this.#rules.save(plan.rule, this.#lesson?.id),
      );
      if (this.#lesson) this.#lessons.done(this.#lesson.id);
      this.close();
      return true;
    } catch (cause) {
      this.#refused = Refused.from(cause);
      return false;
    } finally {
      this.#saving = false;
    }
  }

  /** Tries what is written on the last conversations. Nothing is saved or sent. */
  async replay(): Promise<void> {
    if (this.#replaying || this.#kind === null) return;
    this.#replaying = true;
    this.#refused = null;
    const tried = this.#written();
    try {
      await this.#put(async (plan) => {
        const { messages } = await ask(this.#backend, { type: 'replay', conversations: TRIED, plan });
        this.#replayed = messages;
        this.#tried = tried;
      });
    } catch (cause) {
      this.#refused = Refused.from(cause);
    } finally {
      this.#replaying = false;
    }
  }

  /** Puts what is written to the desk, without its empty lines; a refusal names the line as it stands in the form. */
  async #put(to: (plan: Plan) => Promise<unknown>): Promise<void> {
    if (this.#kind === 'answer') {
      const answer = $state.snapshot(this.answer);
      const questions = written(answer.questions);
      try {
        await to({ kind: 'answer', answer: { ...answer, questions: questions.lines } });
      } catch (cause) {
        throw moved(Refused.from(cause), 'questions', questions.places);
      }
      return;
    }
    const rule = $state.snapshot(this.rule);
    const words = written(wordsOf(rule.trigger) ?? []);
    if (rule.trigger.kind === 'phrase') rule.trigger.phrases = words.lines;
    if (rule.trigger.kind === 'keywords') rule.trigger.keywords = words.lines;
    try {
      await to({ kind: 'rule', rule });
    } catch (cause) {
      const path = rule.trigger.kind === 'keywords' ? 'trigger.keywords' : 'trigger.phrases';
      throw moved(Refused.from(cause), path, words.places);
    }
  }

  #show(kind: 'answer' | 'rule', subject: Answer | Rule): void {
    if (kind === 'answer') this.answer = structuredClone($state.snapshot(subject)) as Answer;
    else this.rule = structuredClone($state.snapshot(subject)) as Rule;
    this.#refused = null;
    this.#kind = kind;
    this.#before = this.#written();
  }

  #written(): string {
    return JSON.stringify(this.#kind === 'answer' ? this.answer : this.rule);
  }

  #leaveLesson(): void {
    this.#lesson = null;
    this.#existing = null;
  }

  /** What the reply came from, if it is still there and can be changed. */
  async #find({ source }: Lesson): Promise<{ answer: Answer } | { rule: Rule } | null> {
    if (source?.id === undefined) return null;
    try {
      if (source.kind === 'answer') {
        return { answer: await this.#answers.find(source.id) };
      }
      if (source.kind !== 'rule') return null;
      const { rules } = await ask(this.#backend, { type: 'rules' });
      const rule = rules.find((row) => row.rule.id === source.id)?.rule;
      return rule && (rule.action.kind === 'reply' || rule.action.kind === 'needs_human') ? { rule } : null;
    } catch (cause) {
      const refused = Refused.from(cause);
      if (refused.code === 'no_such_entry') return null;
      throw refused;
    }
  }
}

/** The phrases or keywords of a trigger that has some. */
export function wordsOf(trigger: Trigger): string[] | null {
  if (trigger.kind === 'phrase') return trigger.phrases;
  return trigger.kind === 'keywords' ? trigger.keywords : null;
}

const oneLine = (text: string) => text.replace(/\s+/gu, ' ').trim();
const said = (lesson: Lesson): Localized => ({
  en: '',
  'zh-CN': '',
  [lesson.language]: lesson.reply ?? '',
});

function answerOf(lesson: Lesson): Answer {
  return {
    ...newAnswer(),
    questions: [fitting(oneLine(lesson.question), QUESTION_BYTES)],
    reply: lesson.reply ?? '',
    languages: [lesson.language],
  };
}

function ruleOf(lesson: Lesson): Rule {
  return {
    ...newRule(),
    name: fitting(oneLine(lesson.question), NAME_BYTES),
    trigger: { kind: 'phrase', phrases: [fitting(oneLine(lesson.question), QUESTION_BYTES)] },
    action: { kind: 'reply', text: said(lesson) },
  };
}

/** The answer with the question as this customer put it, and the reply as the agent gave it. */
function taughtAnswer(answer: Answer, lesson: Lesson): Answer {
  const question = fitting(oneLine(lesson.question), QUESTION_BYTES);
  const known = includesLine(answer.questions, question);
  return {
    ...answer,
    questions: known ? answer.questions : [...answer.questions, question],
    reply: lesson.reply ?? answer.reply,
  };
}

function taughtRule(rule: Rule, lesson: Lesson): Rule {
  const { action } = rule;
  if (lesson.reply === null || !('text' in action)) return rule;
  return { ...rule, action: { ...action, text: { ...action.text, [lesson.language]: lesson.reply } } };
}

/** The refusal with the place that a line has in the form: lines that say nothing were not sent. */
function moved(refused: Refused, list: string, places: number[]): Refused {
  const [path, index] = [list, Number(refused.field?.slice(list.length + 1))];
  const place = places[index];
  if (!refused.field?.startsWith(`${path}.`) || place === undefined) return refused;
  return refused.of(`${path}.${place}`);
}
