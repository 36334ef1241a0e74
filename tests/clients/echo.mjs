// npm's `ws` against an echo: sizes, fragments, pings, goodbyes. Prints how many checks there were.
import assert from 'node:assert';
import { once } from 'node:events';
import WebSocket from 'ws';

const address = process.argv[2];
let checks = 0;
const same = (is, wanted, what) => {
  assert.deepStrictEqual(is, wanted, what);
  checks += 1;
};

async function open() {
  // It offers permessage-deflate, which must be declined.
  const socket = new WebSocket(address, { perMessageDeflate: true, maxPayload: 128 * 1024 * 1024 });
  // What comes, in order; several events may come in one turn.
  const came = [];
  let heard = () => {};
  const note = (event) => {
    came.push(event);
    heard();
  };
  socket.on('message', (data, isBinary) => note({ kind: isBinary ? 'binary' : 'text', data }));
  socket.on('pong', (data) => note({ kind: 'pong', data }));
  socket.next = async () => {
    while (came.length === 0) await new Promise((resolve) => (heard = resolve));
    return came.shift();
  };
  await once(socket, 'open');
  same(socket.extensions, '', 'extensions');
  return socket;
}

const socket = await open();
const said = async () => {
  const { kind, data } = await socket.next();
  return `${kind} ${data}`;
};
for (const size of [0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20, 16 << 20]) {
  for (const message of ['é'.repeat(size / 2), Buffer.alloc(size, 0xfe)]) {
    socket.send(message);
    const { kind, data } = await socket.next();
    same(kind, typeof message === 'string' ? 'text' : 'binary');
    same(data.equals(Buffer.from(message)), true, `${size} bytes`);
  }
}
socket.send('frag', { fin: false });
socket.ping('between');
socket.send('ment', { fin: false });
socket.send('s ✓');
same(await said(), 'pong between');
same(await said(), 'text fragments ✓');
for (let number = 0; number < 20; number += 1) socket.ping(String(number));
for (let number = 0; number < 20; number += 1) same(await said(), `pong ${number}`);
for (let number = 0; number < 1000; number += 1) socket.send(String(number));
for (let number = 0; number < 1000; number += 1) same(await said(), `text ${number}`);
socket.close(1000, 'done');
const [code, reason] = await once(socket, 'close');
same([code, reason.toString()], [1000, 'done']);
for (const goodbye of [1001, 1011, 3000, 3999, 4000, 4999]) {
  const other = await open();
  other.close(goodbye);
  same((await once(other, 'close'))[0], goodbye);
}
console.log(checks);
