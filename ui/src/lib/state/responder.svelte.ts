import { type Backend, Refused } from '$lib/backend/backend';
import type {
  Answer,
  AnswerId,
  AnswerRow,
  Lesson,
  LessonId,
  RuleRow,
  Timestamp,
  Update,
} from '$lib/protocol';
import { m } from '$paraglide/messages.js';

import { Answers } from './responder-answers.svelte';
import { Editor } from './responder-editor.svelte';
import { Lessons } from './responder-lessons.svelte';
import { Outside } from './responder-outside.svelte';
import { Rules } from './responder-rules.svelte';
import { Replay, Trial } from './responder-trial.svelte';
import { Usage } from './responder-usage.svelte';
import type { Toasts } from './toasts.svelte';

/** After a change, what is on the screen is asked for again once, this many milliseconds later. */
const SETTLE_MS = 100;

interface Surroundings {
  toasts: Toasts;
  /** Says why something did not happen. */
  explain: (refused: Refused) => void;
  now: () => Timestamp;
}

/** What answers by itself, and what agents teach it. */
export class Responder {
  readonly rules: Rules;
  readonly answers: Answers;
  readonly lessons: Lessons;
  readonly outside: Outside;
  readonly trial: Trial;
  readonly replay: Replay;
  readonly usage: Usage;
  readonly editor: Editor;
  readonly #around: Surroundings;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, around: Surroundings) {
    this.#around = around;
    this.rules = new Rules(backend);
    this.answers = new Answers(backend);
    this.lessons = new Lessons(backend);
    this.outside = new Outside(backend);
    this.trial = new Trial(backend);
    this.replay = new Replay(backend);
    this.usage = new Usage(backend, around.now);
    this.editor = new Editor(backend, this);
  }

  /** Takes what happened, as far as it is about the responder. */
  update(update: Update): void {
    if (update.type === 'lessons') this.lessons.count(update.waiting);
    else if (update.type === 'lesson') this.lessons.put(update.lesson);
    else if (update.type === 'responder') this.#changed();
    else if (update.type === 'settings') this.#judgedAnew();
  }

  /** Asks again for everything that was asked for: it may have changed while nobody watched. */
  resync(lessons: number): void {
    this.lessons.count(lessons);
    if (this.lessons.all) void this.lessons.load();
    this.#changed();
  }

  /** Opens the editor with what an agent did, so that it can be answered like this next time. */
  async openLesson(lesson: Lesson): Promise<void> {
    await this.#try(() => this.editor.openLesson(lesson));
  }

  async dismissLesson(id: LessonId): Promise<void> {
    await this.#try(() => this.lessons.dismiss(id));
  }

  /** Saves what is in the editor. False when it was refused; the editor says why. */
  async save(): Promise<boolean> {
    const learned = this.editor.lesson !== null;
    if (!(await this.editor.save())) return false;
    const text = learned ? m.responder_learned : m.responder_saved;
    this.#around.toasts.show({ tone: 'info', kind: 'responder', text: () => text() });
    return true;
  }

  /** Opens an answer that may not be on the screen. */
  async openAnswer(id: AnswerId): Promise<void> {
    await this.#try(async () => this.editor.writeAnswer(await this.answers.find(id)));
  }

  switchRule({ rule }: RuleRow, enabled: boolean): Promise<boolean> {
    return this.#try(() => this.rules.save({ ...rule, enabled }));
  }

  moveRule(id: number, to: number): Promise<boolean> {
    return this.#try(() => this.rules.move(id, to));
  }

  /** Deletes a rule; the toast brings it back. */
  async deleteRule({ rule }: RuleRow): Promise<void> {
    const place = this.rules.rows?.findIndex((row) => row.rule.id === rule.id) ?? 0;
    if (!(await this.#try(() => this.rules.delete(rule.id)))) return;
    this.#deleted(
      () => m.rule_deleted({ name: rule.name }),
      () => this.rules.restore(rule, place),
    );
  }

  switchAnswer({ answer }: AnswerRow, enabled: boolean): Promise<boolean> {
    return this.#try(() => this.answers.save({ ...answer, enabled }));
  }

  /** Deletes answers; the toast brings them back. */
  async deleteAnswers(answers: Answer[]): Promise<boolean> {
    const done = await this.#try(() => this.answers.delete(answers.map(({ id }) => id)));
    if (!done) return false;
    this.#deleted(
      () => m.answers_deleted({ count: answers.length }),
      () => this.answers.restore(answers),
    );
    return true;
  }

  async chooseAllAnswers(): Promise<void> {
    await this.#try(() => this.answers.chooseAll());
  }

  async addStarterSet(): Promise<void> {
    await this.#try(async () => {
      const { added } = await this.answers.addStarterSet();
      this.#around.toasts.show({ tone: 'info', text: () => m.starter_added({ count: added }) });
    });
  }

  #deleted(text: () => string, restore: () => Promise<void>): void {
    const action = { label: () => m.undo(), run: () => void this.#try(restore) };
    this.#around.toasts.show({ tone: 'info', kind: 'deleted', text, action });
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.rules.rows) void this.rules.load();
      if (this.answers.total !== null) void this.answers.refresh();
      this.#judgedAnew();
    }, SETTLE_MS);
  }

  #judgedAnew(): void {
    this.trial.changed();
    this.replay.outdate();
  }

  async #try(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (cause) {
      this.#around.explain(Refused.from(cause));
      return false;
    }
  }
}
