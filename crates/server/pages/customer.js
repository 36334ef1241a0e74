// The desk's own test customer: a small client of deskbell.v1 (docs/protocol.md). What it keeps lives in this tab, so
// that every tab is a customer of its own and a reload is the same one.
'use strict';

const words = {
  en: {
    title: 'Test customer',
    connecting: 'Connecting…',
    online: 'Connected',
    offline: 'Not connected; trying again…',
    write: 'Write a message',
    send: 'Send',
    human: 'Talk to a person',
    called: 'A person was called',
    fresh: 'New customer',
    typing: 'is typing…',
    agent: 'Agent',
    automatic: 'Automatic',
    sending: 'Sending…',
    read: 'Read',
    corrected: 'corrected',
    retracted: 'This message was retracted.',
  },
  zh: {
    title: '测试客户',
    connecting: '正在连接…',
    online: '已连接',
    offline: '连接已断开，正在重试…',
    write: '输入消息',
    send: '发送',
    human: '转人工',
    called: '已呼叫人工',
    fresh: '新客户',
    typing: '正在输入…',
    agent: '客服',
    automatic: '自动回复',
    sending: '发送中…',
    read: '已读',
    corrected: '已更正',
    retracted: '这条消息已撤回。',
  },
};
const language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
const say = words[language];
const part = (id) => document.getElementById(id);

/** What survives a reload of this tab: the key, what was received, what is not acknowledged yet. */
const kept = { token: null, epoch: null, revision: 0, greeting: null, messages: {}, outbox: [] };
try {
  Object.assign(kept, JSON.parse(sessionStorage.getItem('deskbell') ?? '{}'));
} catch {
  // Unreadable: a new customer.
}
const keep = () => {
  try {
    sessionStorage.setItem('deskbell', JSON.stringify(kept));
  } catch {
    // Full: a reload goes on from what was kept last, and hears the rest again.
  }
};

let socket = null;
let attempts = 0;
let agentRead = 0;
let typingUntil = 0;
let typingTold = 0;

function connect() {
  status('connecting');
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/`, 'deskbell.v1');
  socket.onopen = () => {
    const { token, epoch, revision } = kept;
    const known = token ? { token, epoch, revision } : {};
    write({ type: 'hello', ...known, locale: navigator.language, page: 'Test customer' });
  };
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = () => {
    status('offline');
    called(false);
    // Exponential backoff with full jitter, up to 10 s.
    const wait = Math.random() * Math.min(10_000, 250 * 2 ** attempts++);
    setTimeout(connect, wait);
  };
}

const write = (frame) => socket.send(JSON.stringify(frame));

function receive(frame) {
  switch (frame.type) {
    case 'welcome':
      if (!frame.resumed || (kept.epoch && kept.epoch !== frame.epoch)) {
        Object.assign(kept, { revision: 0, messages: {} });
      }
      Object.assign(kept, { token: frame.token, epoch: frame.epoch, greeting: frame.greeting ?? null });
      break;
    case 'caught_up':
      kept.revision = Math.max(kept.revision, frame.revision);
      attempts = 0;
      status('online');
      called(false);
      for (const message of kept.outbox) write({ type: 'message', id: message.id, text: message.text });
      break;
    case 'ack': {
      const sent = kept.outbox.find((message) => message.id === frame.id);
      kept.outbox = kept.outbox.filter((message) => message.id !== frame.id);
      if (sent) put({ seq: frame.seq, revision: frame.revision, author: 'customer', text: sent.text, at: frame.at });
      break;
    }
    case 'message':
      put(frame);
      // What was written is here. A correction of something older is not it.
      if (frame.author !== 'customer' && !frame.change) typingUntil = 0;
      break;
    case 'typing':
      typingUntil = Date.now() + 6000;
      part('typing').textContent = `${say[frame.author] ?? say.agent} ${say.typing}`;
      setTimeout(draw, 6100);
      break;
    case 'control':
      // A person answers now, or nobody does any more: either way one may be asked for again.
      called(false);
      break;
    case 'read':
      agentRead = Math.max(agentRead, frame.seq);
      break;
    case 'error': {
      const refused = kept.outbox.find((message) => message.id === frame.id);
      if (refused) refused.error = frame.message;
      if (refused && frame.retry_after_ms) setTimeout(() => resend(refused), frame.retry_after_ms);
      break;
    }
  }
  keep();
  draw();
}

function put(message) {
  // A gap: something did not arrive. Connecting again resumes from what is complete.
  if (part('status').dataset.state === 'online' && message.revision > kept.revision + 1) {
    socket.close();
    return;
  }
  const had = kept.messages[message.seq];
  if (had && had.revision > message.revision) return;
  kept.messages[message.seq] = message;
  kept.revision = Math.max(kept.revision, message.revision);
  kept.greeting = null;
  kept.outbox = kept.outbox.filter((waiting) => waiting.id !== message.id || message.author !== 'customer');
}

function resend(message) {
  delete message.error;
  if (socket.readyState === WebSocket.OPEN) write({ type: 'message', id: message.id, text: message.text });
}

function send(text) {
  const message = { id: crypto.randomUUID(), text };
  kept.outbox.push(message);
  keep();
  if (socket.readyState === WebSocket.OPEN && part('status').dataset.state === 'online') resend(message);
  draw();
}

function status(state) {
  part('status').textContent = say[state];
  part('status').dataset.state = state;
}

let drawing = null;
let toEnd = false;

/** Soon, and once for all that comes together: each drawing lays the whole thread out. */
function draw() {
  drawing ??= setTimeout(() => {
    drawing = null;
    drawNow();
  }, 16);
}

function drawNow() {
  const thread = part('thread');
  const atEnd = toEnd || thread.scrollHeight - thread.scrollTop - thread.clientHeight < 40;
  const messages = Object.values(kept.messages).sort((a, b) => a.seq - b.seq);
  const rows = kept.greeting ? [row('automatic', kept.greeting, say.automatic)] : [];
  for (const message of messages) {
    const retracted = message.change === 'retracted';
    const line = row(message.author, retracted ? say.retracted : message.text, by(message));
    line.classList.toggle('retracted', retracted);
    rows.push(line);
  }
  for (const message of kept.outbox) {
    const line = row('customer', message.text, message.error ?? say.sending);
    line.classList.toggle('failed', Boolean(message.error));
    rows.push(line);
  }
  thread.replaceChildren(...rows);
  if (atEnd) thread.scrollTop = thread.scrollHeight;
  toEnd = false;
  part('typing').hidden = Date.now() >= typingUntil;
  const last = messages.at(-1);
  if (last && !document.hidden && socket.readyState === WebSocket.OPEN && last.seq > (drawNow.told ?? 0)) {
    drawNow.told = last.seq;
    write({ type: 'read', seq: last.seq });
  }
}

function by(message) {
  const time = new Date(message.at).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
  if (message.author === 'customer') return message.seq <= agentRead ? `${time} · ${say.read}` : time;
  const mark = message.change === 'corrected' ? ` · ${say.corrected}` : '';
  return `${message.name ?? say[message.author]} · ${time}${mark}`;
}

/** Whether a person was called and nothing came of it yet. */
function called(yes) {
  part('human').textContent = yes ? say.called : say.human;
  part('human').disabled = yes || part('status').dataset.state !== 'online';
}

/** A line of the thread. What people wrote is text, never markup. */
function row(author, text, note) {
  const line = document.createElement('li');
  line.className = author === 'customer' ? 'own' : author;
  const bubble = document.createElement('div');
  bubble.className = 'bubble';
  bubble.textContent = text;
  const small = document.createElement('div');
  small.className = 'by';
  small.textContent = note;
  line.append(bubble, small);
  return line;
}

document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
document.title = `${say.title} · Deskbell`;
part('title').textContent = say.title;
part('fresh').textContent = say.fresh;
part('send').textContent = say.send;
part('text').placeholder = say.write;
part('text').setAttribute('aria-label', say.write);

part('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = part('text').value;
  if (!text.trim()) return;
  toEnd = true;
  send(text);
  part('text').value = '';
});
part('text').addEventListener('keydown', (event) => {
  // Enter also ends the composition of a Chinese word; that must not send.
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    part('form').requestSubmit();
  }
});
part('text').addEventListener('input', () => {
  if (Date.now() - typingTold > 3000 && socket.readyState === WebSocket.OPEN) {
    typingTold = Date.now();
    write({ type: 'typing' });
  }
});
part('human').addEventListener('click', () => {
  write({ type: 'request_human' });
  called(true);
});
part('fresh').addEventListener('click', () => {
  sessionStorage.removeItem('deskbell');
  location.reload();
});
document.addEventListener('visibilitychange', draw);

connect();
called(false);
draw();
part('text').focus();
