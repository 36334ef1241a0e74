import type { Batch, Code, Refusal, Request, Response } from '$lib/protocol';

/** Which answer belongs to which request. What is not named here is answered with `done`. */
interface AnswerTypes {
  snapshot: 'snapshot';
  conversations: 'conversations';
  conversation: 'conversation';
  thread: 'thread';
  activity: 'activity';
  search: 'found';
  send: 'sent';
  note: 'sent';
  rules: 'rules';
  save_rule: 'rules';
  delete_rule: 'rules';
  restore_rule: 'rules';
  order_rules: 'rules';
  answers: 'answers';
  answer: 'answers';
  save_answer: 'saved';
  import_answers: 'imported';
  add_starter_answers: 'imported';
  export_answers: 'file';
  try: 'verdict';
  replay: 'replayed';
  lessons: 'lessons';
  usage: 'usage';
  export_usage: 'file';
  secrets: 'secrets';
  set_secret: 'secrets';
  test_model: 'tested';
  test_webhook: 'tested';
  save_settings: 'settings';
  listen: 'listening';
  backups: 'backups';
  back_up: 'backups';
  export: 'exported';
}

/** The answer to a request of type `T`. */
export type Answer<T extends Request['type']> = Extract<
  Response,
  { type: T extends keyof AnswerTypes ? AnswerTypes[T] : 'done' }
>;

/** Whether the desk can be reached. The desktop window is always online: the desk is in its own process. */
export type Status =
  | { state: 'connecting' }
  | { state: 'online' }
  | {
      state: 'offline';
      /** `no_secret` and `unauthorized` wait for a person; `lost` tries again by itself. */
      reason: 'lost' | 'no_secret' | 'unauthorized';
      /** When the next try is due, by this machine's clock in milliseconds; `null` when none is. */
      retry_at: number | null;
    };

/** The desk, wherever it runs. */
export interface Backend {
  /** Where this console runs. */
  readonly host: 'desktop' | 'browser';
  /** Asks the desk. Rejects with {@link Refused}, and with nothing else. */
  call(request: Request): Promise<Response>;
  /**
   * Hears what happens, in order. A later watch replaces an earlier one. `onUpdate` settles once the batch was taken, for
   * backends that can wait with the next. Returns how to stop.
   */
  watch(onUpdate: (batch: Batch) => Promise<void>): () => void;
  /** Hears at once, and again on every change, whether the desk can be reached. */
  observe(onStatus: (status: Status) => void): () => void;
  /** Tries now instead of at `retry_at`. */
  reconnect(): void;
  /** Presents a secret or the link that carries it. Only a browser is ever asked for one. */
  present(secret: string): void;
  /** Opens a page that plays a customer, served by the desk at `url`. */
  openTestCustomer(url: string): Promise<void>;
}

/** A refusal by the desk, or by the way to it (`offline`, `timed_out`). */
export class Refused extends Error {
  readonly code: Code | 'offline';
  readonly field: string | undefined;
  /** The sentence in Chinese, where the desk has it. */
  readonly chinese: string | undefined;

  constructor(refusal: {
    code: Code | 'offline';
    message: string;
    message_zh?: string | undefined;
    field?: string | undefined;
  }) {
    super(refusal.message);
    this.name = 'Refused';
    this.code = refusal.code;
    this.field = refusal.field;
    this.chinese = refusal.message_zh;
  }

  /** The same refusal of another field: forms have fields that the desk has not. */
  of(field: string): Refused {
    return new Refused({ code: this.code, message: this.message, message_zh: this.chinese, field });
  }

  /** Makes a refusal of whatever was thrown. */
  static from(cause: unknown): Refused {
    if (cause instanceof Refused) return cause;
    if (isRefusal(cause)) return new Refused(cause);
    return new Refused({ code: 'internal', message: cause instanceof Error ? cause.message : String(cause) });
  }
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}

/** Asks and gives the answer its type. */
export async function ask<R extends Request>(backend: Backend, request: R): Promise<Answer<R['type']>> {
  return (await backend.call(request)) as Answer<R['type']>;
}
