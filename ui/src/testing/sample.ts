import type {
  ActivityEvent,
  Author,
  Conversation,
  Counts,
  Customer,
  HeldReply,
  Lesson,
  Message,
  Settings,
  Snapshot,
  Source,
} from '$lib/protocol';

export const NOW = Date.UTC(2026, 9, 12, 12, 6, 30);

export const SETTINGS: Settings = {
  agent_name: 'Mia Lang',
  greeting: {
    en: 'Hello, welcome to live support. What can we help you with?',
    'zh-CN': '你好，欢迎来到在线客服系统，有什么问题需要帮助吗？',
  },
  reply: { en: 'Hello, what can we help you with?', 'zh-CN': '您好，您有什么问题需要帮助吗？' },
  fallback: 'every_message',
  hold: { kind: 'seconds', seconds: 15 },
  customer_language: null,
  console_language: null,
  theme: 'system',
  alerts: { new_conversation: true, needs_human: true, sound: true, repeat_seconds: 60 },
  close_to_tray: true,
  listen: '127.0.0.1:8080',
  allowed_origins: ['https://shop.example.com'],
  backups_kept: 7,
  limits: {
    handshake_seconds: 5,
    headers: 100,
    hello_seconds: 10,
    message_bytes: 16_384,
    frame_bytes: 65_536,
    frames_burst: 400,
    frames_per_second: 100,
    bytes_burst: 8_388_608,
    bytes_per_second: 2_097_152,
    connections_per_conversation: 10,
    connections_per_address: 50,
    connections: 16_384,
    new_conversations_per_minute: 120,
    outbox_frames: 64,
    outbox_bytes: 262_144,
    ping_seconds: 20,
    silence_seconds: 45,
  },
  responder: {
    answers: true,
    threshold_percent: 60,
    human_phrases: ['talk to a person', '转人工'],
    person_called: { en: 'A colleague is on the way.', 'zh-CN': '正在为您转接人工客服。' },
    model: {
      enabled: false,
      url: 'http://127.0.0.1:11434/v1',
      model: 'qwen3',
      system_prompt: '',
      deadline_seconds: 20,
      max_tokens: 512,
    },
    webhook: { enabled: false, url: '', deadline_seconds: 10 },
    suggestions: true,
    lessons: true,
    return_after_seconds: 0,
    return_on_resolve: true,
    while_away: 'hold',
    away_after_minutes: 0,
    hours: null,
    away_text: { en: 'We are away right now.', 'zh-CN': '我们暂时不在。' },
  },
};

export const COUNTS: Counts = {
  open: 0,
  needs_me: 0,
  held: 0,
  resolved: 0,
  online: 9,
  connections: 10,
  messages_per_minute: 12,
  answered_by_itself_percent: 81,
};

export function customer(change: Partial<Customer> = {}): Customer {
  return {
    name: null,
    email: null,
    locale: 'en-US',
    language: 'en',
    page: '/',
    user_agent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:146.0) Gecko/20100101 Firefox/146.0',
    address: '203.0.113.24',
    first_seen_at: NOW - 30 * 86_400_000,
    last_seen_at: NOW,
    visits: 1,
    ...change,
  };
}

export function conversation(id: number, change: Partial<Conversation> = {}): Conversation {
  return {
    id,
    stored: true,
    status: 'open',
    control: 'automatic',
    hold: null,
    revision: 1,
    last_seq: 1,
    needs_human: null,
    held: null,
    discarded: null,
    suggestion: null,
    labels: [],
    unread: 0,
    waiting_since: null,
    agent_read_seq: 0,
    delivered_seq: 0,
    customer_read_seq: 0,
    last: null,
    messages: 1,
    created_at: NOW - 3_600_000,
    last_activity_at: NOW - id * 1_000,
    customer: customer(),
    connections: [],
    ...change,
  };
}

export function message(seq: number, author: Author, text: string, change: Partial<Message> = {}): Message {
  return { seq, revision: seq, at: NOW - 300_000 + seq * 1_000, author, text, ...change };
}

export const fallback: Source = { kind: 'fallback' };

export function held(change: Partial<HeldReply> = {}): HeldReply {
  return {
    id: 7,
    for_seq: 1,
    text: 'Desks ship in 3 days.',
    source: fallback,
    held_at: NOW,
    due_at: NOW + 15_000,
    hold_ms: 15_000,
    paused_ms: null,
    writing: false,
    ...change,
  };
}

export function lesson(id: number, change: Partial<Lesson> = {}): Lesson {
  return {
    id,
    at: NOW,
    conversation: 1,
    question_seq: 1,
    question: 'When will my desk arrive?',
    language: 'en',
    kind: 'edited',
    proposed: 'Desks ship in 3 days.',
    source: fallback,
    reply: 'Desks ship in 2 days.',
    by: SETTINGS.agent_name,
    ...change,
  };
}

export function event(serial: number, change: Partial<ActivityEvent> = {}): ActivityEvent {
  return {
    serial,
    at: NOW + serial,
    kind: { kind: 'received', seq: 1, preview: 'Hello' },
    connection: 1,
    conversation: 1,
    address: '203.0.113.24:50000',
    ...change,
  };
}

export function snapshot(conversations: Conversation[], change: Partial<Snapshot> = {}): Snapshot {
  return {
    now: NOW,
    version: '0.1.0',
    epoch: 'e1',
    data_dir: '/home/mia/.local/share/deskbell',
    system_language: 'en',
    settings: SETTINGS,
    listening: { state: 'listening', address: '127.0.0.1:8080', url: 'http://127.0.0.1:8080' },
    alerts_problem: null,
    counts: COUNTS,
    away: false,
    lessons: 0,
    upkeep: null,
    backups_problem: null,
    drafts: [],
    conversations,
    more: false,
    ...change,
  };
}
