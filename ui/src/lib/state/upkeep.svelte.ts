import { ask, type Backend, Refused } from '$lib/backend/backend';
import type {
  Backup,
  Conversation,
  ConversationId,
  DataProblem,
  ExportFormat,
  Seq,
  Upkeep as Work,
  UpkeepTask,
} from '$lib/protocol';

/** A file made of what the desk gave. */
export interface Exported {
  name: string;
  content: string;
}

/** Keeping the data: backups, bringing one back, a conversation as a file, erasing a customer. */
export class Upkeep {
  readonly #backend: Backend;
  /** Where the backups lie and which there are; `null` before they are known. */
  #backups = $state.raw<{ folder: string; all: Backup[] } | null>(null);
  #error = $state.raw<Refused | null>(null);
  #problem = $state.raw<DataProblem | null>(null);
  #work = $state.raw<Work | null>(null);
  /** What this console asked for and has no answer to. */
  #asked = $state.raw<UpkeepTask | null>(null);
  #refused = $state.raw<Refused | null>(null);
  /** The backup that someone is asked about, before it takes the database's place. */
  #restoring = $state.raw<Backup | null>(null);
  /** The conversation whose customer someone is asked about. As it was: it is gone before the dialog is. */
  #erasing = $state.raw<Conversation | null>(null);

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Newest first; `null` before they are known. */
  get backups(): Backup[] | null {
    return this.#backups?.all ?? null;
  }

  get folder(): string | null {
    return this.#backups?.folder ?? null;
  }

  /** Why the list is not known. */
  get error(): Refused | null {
    return this.#error;
  }

  /** What is wrong with the data or its backups, in the desk's words. */
  get problem(): DataProblem | null {
    return this.#problem;
  }

  /** Why what was asked for last was not done. */
  get refused(): Refused | null {
    return this.#refused;
  }

  get restoring(): Backup | null {
    return this.#restoring;
  }

  get erasing(): Conversation | null {
    return this.#erasing;
  }

  /** Work of another kind than `task` that goes on, and so this has to wait. */
  inTheWayOf(task: UpkeepTask): UpkeepTask | null {
    const other = this.#work?.task ?? this.#asked;
    return other === task ? null : other;
  }

  /** Whether work on the whole database goes on, asked for here or elsewhere. */
  get busy(): boolean {
    return this.#asked !== null || this.#work !== null;
  }

  /** How far a task is, from 0 to 100; `null` when nobody does it. */
  percent(task: UpkeepTask): number | null {
    if (this.#work?.task === task) return this.#work.percent;
    return this.#asked === task ? 0 : null;
  }

  /** Takes what the snapshot says. */
  take(work: Work | null, problem: DataProblem | null): void {
    this.#work = work;
    this.#problem = problem;
    if (this.#backups) void this.load();
  }

  /** Takes how far work is. */
  hear(work: Work | null): void {
    this.#work = work;
  }

  /** There are other backups than before, or something else is known to be wrong with the data. */
  changed(problem: DataProblem | null): void {
    this.#problem = problem;
    if (this.#backups) void this.load();
  }

  async load(): Promise<void> {
    try {
      this.#show(await ask(this.#backend, { type: 'backups' }));
      this.#error = null;
    } catch (cause) {
      this.#error = Refused.from(cause);
    }
  }

  /** Makes a backup. False when it was refused. */
  backUp(): Promise<boolean> {
    return this.#do('back_up', async () => this.#show(await ask(this.#backend, { type: 'back_up' })));
  }

  /** Asks whether this backup is meant. */
  askToRestore(backup: Backup): void {
    this.#refused = null;
    this.#restoring = backup;
  }

  /** Puts the backup that was asked about in the database's place. False when it was refused. */
  restore(): Promise<boolean> {
    const backup = this.#restoring;
    if (!backup) return Promise.resolve(false);
    return this.#do('restore', async () => {
      await ask(this.#backend, { type: 'restore', name: backup.name });
      this.#restoring = null;
    });
  }

  /** Asks whether this customer is meant. */
  askToErase(conversation: Conversation): void {
    this.#refused = null;
    this.#erasing = conversation;
  }

  /** Erases the customer who was asked about. False when it was refused. */
  erase(): Promise<boolean> {
    const conversation = this.#erasing;
    if (!conversation) return Promise.resolve(false);
    return this.#do('erase', async () => {
      await ask(this.#backend, { type: 'erase', conversation: conversation.id });
      this.#erasing = null;
    });
  }

  /** Leaves what was asked about as it is. Not while it is being done. */
  keep(): void {
    if (this.#asked) return;
    this.#restoring = null;
    this.#erasing = null;
    this.#refused = null;
  }

  /** A whole conversation as a file. Throws the refusal. */
  async export(conversation: ConversationId, format: ExportFormat): Promise<Exported> {
    const parts: string[] = [];
    let after: Seq | undefined;
    for (;;) {
      const position = after === undefined ? {} : { after };
      const answer = await ask(this.#backend, { type: 'export', conversation, format, ...position });
      parts.push(answer.part);
      if (answer.next === null) return { name: answer.name, content: parts.join('') };
      after = answer.next;
    }
  }

  #show({
    backups,
    folder,
    problem,
  }: {
    backups: Backup[];
    folder: string;
    problem: DataProblem | null;
  }): void {
    this.#backups = { folder, all: backups };
    this.#problem = problem;
  }

  async #do(task: UpkeepTask, act: () => Promise<void>): Promise<boolean> {
    if (this.#asked) return false;
    this.#asked = task;
    this.#refused = null;
    try {
      await act();
      return true;
    } catch (cause) {
      this.#refused = Refused.from(cause);
      return false;
    } finally {
      this.#asked = null;
    }
  }
}
