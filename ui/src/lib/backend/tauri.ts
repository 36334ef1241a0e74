import { Channel, invoke } from '@tauri-apps/api/core';

import type { Batch, Request, Response } from '$lib/protocol';

import { Refused, type Backend, type Status } from './backend';

/** The desk stops sending after 32 batches without an acknowledgement. */
const ACKNOWLEDGE_EVERY = 8;

/** The desk in this window's own process. */
export class TauriBackend implements Backend {
  readonly host = 'desktop';

  async call(request: Request): Promise<Response> {
    try {
      return await invoke<Response>('call', { request });
    } catch (cause) {
      throw Refused.from(cause);
    }
  }

  watch(onUpdate: (batch: Batch) => void): () => void {
    const channel = new Channel<string>();
    let stopped = false;
    channel.onmessage = (text) => {
      if (stopped) return;
      const batch = JSON.parse(text) as Batch;
      onUpdate(batch);
      if (batch.serial % ACKNOWLEDGE_EVERY === 0) void invoke('watch_ack', { serial: batch.serial });
    };
    void invoke('watch', { channel });
    return () => {
      stopped = true;
    };
  }

  observe(onStatus: (status: Status) => void): () => void {
    onStatus({ state: 'online' });
    return () => undefined;
  }

  reconnect(): void {
    // There is nothing between this window and its desk that could be lost.
  }

  present(): void {
    // The desktop window needs no secret.
  }

  async openTestCustomer(): Promise<void> {
    try {
      await invoke('open_test_customer');
    } catch (cause) {
      throw Refused.from(cause);
    }
  }
}
