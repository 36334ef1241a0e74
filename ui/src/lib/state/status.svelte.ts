import type { Counts, Listening, Snapshot } from '$lib/protocol';

const NOTHING: Counts = {
  open: 0,
  needs_me: 0,
  held: 0,
  resolved: 0,
  online: 0,
  connections: 0,
  messages_per_minute: 0,
  answered_by_itself_percent: null,
};

/** What the desk says of itself. */
export class DeskStatus {
  counts = $state.raw<Counts>(NOTHING);
  listening = $state.raw<Listening | null>(null);
  alertsProblem = $state.raw<string | null>(null);
  /** Whether nobody is at the console. */
  away = $state(false);
  /** Set once, by the first snapshot. */
  about = $state.raw<{ version: string; data_dir: string } | null>(null);

  take(snapshot: Snapshot): void {
    this.counts = snapshot.counts;
    this.listening = snapshot.listening;
    this.away = snapshot.away;
    this.alertsProblem = snapshot.alerts_problem;
    this.about = { version: snapshot.version, data_dir: snapshot.data_dir };
  }

  /**
   * What customers connect to, such as `ws://127.0.0.1:8080`; `null` when the desk does not listen. Nobody can connect
   * to `0.0.0.0`, so it is the address at which this machine reaches it.
   */
  get address(): string | null {
    return this.url?.replace(/^http/u, 'ws') ?? null;
  }

  /** What the desk listens on, such as `0.0.0.0:8080`; `null` when it does not. */
  get listensOn(): string | null {
    return this.listening?.state === 'listening' ? this.listening.address : null;
  }

  /** Where a browser opens the desk's own pages. */
  get url(): string | null {
    return this.listening?.state === 'listening' ? this.listening.url : null;
  }
}
