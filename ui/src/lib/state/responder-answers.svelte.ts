import { SvelteMap } from 'svelte/reactivity';

import { ask, type Backend, Refused } from '$lib/backend/backend';
import type { Answer, AnswerId, AnswerRow, FileFormat, Imported } from '$lib/protocol';
import { fitting } from '$lib/text/lines';

/** Answers in one page. */
export const PAGE = 100;
const WAIT_MS = 150;
const QUERY_BYTES = 200;
/** Answers that are deleted or brought back with one request. */
const AT_ONCE = 500;

/** A file, as the desk gave it. */
export interface Exported {
  name: string;
  content: string;
}

/** The knowledge base, as far as someone scrolled in it. */
export class Answers {
  readonly #backend: Backend;
  #pages = new Map<number, AnswerRow[]>();
  #asked = new Set<number>();
  #version = $state(0);
  #total = $state<number | null>(null);
  #size = $state<number | null>(null);
  #error = $state.raw<Refused | null>(null);
  #query = $state('');
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts the lists asked for; what was asked for an earlier one is not taken. */
  #list = 0;
  #listShown = 0;
  #shown: [number, number] = [0, 0];
  /** Chosen, to be deleted together. */
  readonly chosen = new SvelteMap<AnswerId, Answer>();
  #choosing = $state(false);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** How many answers fit the query; `null` before it is known. */
  get total(): number | null {
    return this.#total;
  }

  /** How many there are with any query; `null` before it is known. */
  get size(): number | null {
    return this.#size;
  }

  get query(): string {
    return this.#query;
  }

  /** Why the list is not known. */
  get error(): Refused | null {
    return this.#error;
  }

  /** The answer at a place of the list, if its page is here. */
  at(index: number): AnswerRow | undefined {
    void this.#version;
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Whether all that fit the query are being chosen. */
  get choosing(): boolean {
    return this.#choosing;
  }

  choose({ answer }: AnswerRow, on: boolean): void {
    if (on) this.chosen.set(answer.id, answer);
    else this.chosen.delete(answer.id);
  }

  /** Chooses every answer that fits the query, those that were never on the screen, too. Throws the refusal. */
  async chooseAll(): Promise<void> {
    const list = this.#list;
    this.#choosing = true;
    try {
      for (let page = 0; page * PAGE < (this.#total ?? 0) && list === this.#list; page += 1) {
        if (!this.#pages.has(page)) await this.#load(page, list);
        for (const row of this.#pages.get(page) ?? []) this.choose(row, true);
        if (this.#error) throw this.#error;
      }
    } finally {
      this.#choosing = false;
    }
  }

  search(query: string): void {
    this.#query = query;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.chosen.clear();
      this.#shown = [0, 0];
      void this.refresh();
    }, WAIT_MS);
  }

  /** Says which places are on the screen, so that their pages are asked for. */
  show(first: number, last: number): void {
    this.#shown = [first, last];
    for (const page of this.#wanted()) {
      if (!this.#pages.has(page) && !this.#asked.has(page)) void this.#load(page, this.#list);
    }
  }

  /** Asks again for what is on the screen; it stays until the answer is here. */
  async refresh(): Promise<void> {
    const list = ++this.#list;
    this.#asked.clear();
    await Promise.all(this.#wanted().map((page) => this.#load(page, list)));
  }

  /** One answer, wherever it is in the list. Throws the refusal. */
  async find(id: AnswerId): Promise<Answer> {
    const { answers } = await ask(this.#backend, { type: 'answer', answer: id });
    if (!answers[0])
      throw new Refused({ code: 'no_such_entry', message: 'There is no such answer any more.' });
    return answers[0].answer;
  }

  /** Saves an answer. Throws the refusal. */
  async save(answer: Answer, lesson?: number): Promise<Answer> {
    const offer = lesson === undefined ? {} : { lesson };
    const saved = await ask(this.#backend, { type: 'save_answer', answer, ...offer });
    await this.refresh();
    return saved.answer;
  }

  /** Deletes answers. Throws the refusal. */
  async delete(answers: AnswerId[]): Promise<void> {
    for (let from = 0; from < answers.length; from += AT_ONCE) {
      const some = answers.slice(from, from + AT_ONCE);
      await ask(this.#backend, { type: 'delete_answers', answers: some });
    }
    for (const id of answers) this.chosen.delete(id);
    await this.refresh();
  }

  /** Brings deleted answers back, with their numbers. Throws the refusal. */
  async restore(answers: Answer[]): Promise<void> {
    for (let from = 0; from < answers.length; from += AT_ONCE) {
      const some = answers.slice(from, from + AT_ONCE);
      await ask(this.#backend, { type: 'restore_answers', answers: some });
    }
    await this.refresh();
  }

  /** Imports a file, or says what that would do. Throws the refusal. */
  async import(format: FileFormat, content: string, dry_run: boolean): Promise<Imported> {
    const request = { type: 'import_answers', format, content, dry_run } as const;
    const { imported } = await ask(this.#backend, request);
    if (!dry_run) await this.refresh();
    return imported;
  }

  async addStarterSet(): Promise<Imported> {
    const { imported } = await ask(this.#backend, { type: 'add_starter_answers' });
    await this.refresh();
    return imported;
  }

  async export(format: FileFormat): Promise<Exported> {
    const { name, content } = await ask(this.#backend, { type: 'export_answers', format });
    return { name, content };
  }

  #wanted(): number[] {
    const [first, last] = this.#shown.map((index) => Math.floor(index / PAGE)) as [number, number];
    return Array.from({ length: last - first + 1 }, (_, page) => first + page);
  }

  async #load(page: number, list: number): Promise<void> {
    this.#asked.add(page);
    try {
      const query = fitting(this.#query.trim(), QUERY_BYTES);
      const request = { type: 'answers', query, offset: page * PAGE, limit: PAGE } as const;
      const { answers, total } = await ask(this.#backend, request);
      if (list !== this.#list) return;
      this.#put(page, answers, total);
      this.#error = null;
    } catch (cause) {
      if (list === this.#list) this.#error = Refused.from(cause);
    } finally {
      if (list === this.#list) this.#asked.delete(page);
    }
  }

  #put(page: number, answers: AnswerRow[], total: number): void {
    // The first page of a new list takes the place of the old one, so that nothing flickers while it is asked for.
    if (this.#listShown !== this.#list) this.#pages.clear();
    this.#listShown = this.#list;
    this.#pages.set(page, answers);
    this.#total = total;
    if (this.#query.trim() === '') this.#size = total;
    this.#version += 1;
  }
}
