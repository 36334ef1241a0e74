import { expect, test } from 'vitest';

import { snapshot } from '../../testing/sample';
import { DeskStatus } from './status.svelte';

const listening = (address: string, url: string) => {
  const status = new DeskStatus();
  status.take(snapshot([], { listening: { state: 'listening', address, url } }));
  return status;
};

test('the address that is copied is one to which someone can connect', () => {
  expect(listening('127.0.0.1:8080', 'http://127.0.0.1:8080').address).toBe('ws://127.0.0.1:8080');
  const everywhere = listening('0.0.0.0:8080', 'http://127.0.0.1:8080');
  expect(everywhere.address).toBe('ws://127.0.0.1:8080');
  expect(everywhere.listensOn).toBe('0.0.0.0:8080');
  expect(listening('[::]:8080', 'http://[::1]:8080').address).toBe('ws://[::1]:8080');
});

test('a desk that does not listen has none', () => {
  const status = new DeskStatus();
  expect([status.address, status.url, status.listensOn]).toEqual([null, null, null]);
  status.take(snapshot([], { listening: { state: 'stopped' } }));
  expect(status.address).toBeNull();
});
