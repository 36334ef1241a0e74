import type { Status } from '$lib/backend/backend';

/** Whether the console reaches its desk, and whether what it shows is complete. */
export class DeskConnection {
  #status = $state.raw<Status>({ state: 'connecting' });
  #everOnline = $state(false);

  get status(): Status {
    return this.#status;
  }

  get online(): boolean {
    return this.#status.state === 'online';
  }

  /** The desk was reached before and is not now. Trying again does not count as reaching it. */
  get lost(): boolean {
    return this.#everOnline && this.#status.state !== 'online' && !this.needsSecret;
  }

  /** A person has to present the secret. */
  get needsSecret(): boolean {
    return this.#status.state === 'offline' && this.#status.reason !== 'lost';
  }

  get secretRefused(): boolean {
    return this.#status.state === 'offline' && this.#status.reason === 'unauthorized';
  }

  /** When the next try is due, by this machine's clock; `null` while trying. */
  get retryAt(): number | null {
    return this.#status.state === 'offline' ? this.#status.retry_at : null;
  }

  /** Takes a new status; true when the desk is reached again. */
  become(status: Status): boolean {
    const again = status.state === 'online' && this.#status.state !== 'online' && this.#everOnline;
    this.#status = status;
    if (status.state === 'online') this.#everOnline = true;
    return again;
  }
}
