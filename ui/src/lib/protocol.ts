// Generated from crates/protocol by `cargo xtask generate`. Do not edit.

/**
 * What a rule does.
 */
export type Action = { "kind": "reply", 
/**
 * In the customer's language, or in the other one where that is empty.
 */
text: Localized, } | { "kind": "needs_human", 
/**
 * As in `reply`; may be empty.
 */
text: Localized, } | { "kind": "label", 
/**
 * 1 to 64 bytes.
 */
label: string, } | { "kind": "silent", };

/**
 * What happened on a socket, raw, for the activity view.
 */
export type ActivityEvent = { 
/**
 * Counts up from 1 since the desk started.
 */
serial: number, 
/**
 * When.
 */
at: Timestamp, 
/**
 * What.
 */
kind: ActivityKind, 
/**
 * On which socket.
 */
connection: ConnectionId | null, 
/**
 * In which conversation.
 */
conversation: ConversationId | null, 
/**
 * `IP:PORT` of the client.
 */
address: string | null, };

/**
 * The kinds of [`ActivityEvent`].
 */
export type ActivityKind = { "kind": "opened", 
/**
 * What it speaks.
 */
protocol: ConnectionProtocol, } | { "kind": "closed", 
/**
 * RFC 6455 §7.4; 1005 when the client gave none.
 */
code: number, 
/**
 * The reason given.
 */
reason: string, } | { "kind": "failed", 
/**
 * The error, in a sentence.
 */
error: string, 
/**
 * The same in Chinese.
 */
error_zh: string, } | { "kind": "refused", 
/**
 * The code and sentence sent to the client.
 */
refusal: Refusal, 
/**
 * The page's origin, when that was why. An agent may allow it.
 */
origin?: string, } | { "kind": "received", 
/**
 * Its place.
 */
seq: Seq, 
/**
 * Its beginning.
 */
preview: string, } | { "kind": "sent", 
/**
 * Its place.
 */
seq: Seq, 
/**
 * Who wrote it.
 */
author: Author, 
/**
 * Its beginning.
 */
preview: string, } | { "kind": "listening", } | { "kind": "listen_failed", 
/**
 * Why, in a sentence.
 */
error: string, 
/**
 * The same in Chinese.
 */
error_zh: string, };

/**
 * What a console sends over `deskbell.agent.v1`.
 */
export type AgentClientFrame = { "type": "hello", 
/**
 * From `agent.secret` in the data folder.
 */
secret: string, } | { "type": "call", 
/**
 * The console's own number.
 */
id: number, 
/**
 * What it asks.
 */
request: Request, };

/**
 * What the desk sends over `deskbell.agent.v1`.
 */
export type AgentServerFrame = { "type": "welcome", 
/**
 * The database's: under another one the same conversation number may be another customer's.
 */
epoch: string, } | { "type": "response", 
/**
 * The call's number.
 */
id: number, 
/**
 * The answer.
 */
response: Response, } | { "type": "refusal", 
/**
 * The call's number.
 */
id?: number, 
/**
 * Why.
 */
refusal: Refusal, } | { "type": "batch", 
/**
 * In order.
 */
batch: Batch, };

/**
 * What alerts an agent, and how.
 */
export type Alerts = { 
/**
 * Notify when a new conversation begins.
 */
new_conversation: boolean, 
/**
 * Notify when a conversation needs a human.
 */
needs_human: boolean, 
/**
 * With a sound.
 */
sound: boolean, 
/**
 * Seconds after which an alert that nobody looked at is repeated, 15 to 3,600; 0 never repeats.
 */
repeat_seconds: number, };

/**
 * One entry of the knowledge base.
 */
export type Answer = { 
/**
 * Names it in requests; 0 for a new one.
 */
id: AnswerId, 
/**
 * Whether it takes part.
 */
enabled: boolean, 
/**
 * The question as customers put it, 1 to 50 variants, each 1 to 512 bytes.
 */
questions: Array<string>, 
/**
 * What is replied, 1 to 4,096 bytes; `{name}` and `{page}` are filled in.
 */
reply: string, 
/**
 * Only for customers of these languages; empty is any.
 */
languages: Array<Language>, 
/**
 * Put on the conversation, at most 8, each 1 to 64 bytes.
 */
labels: Array<string>, };

/**
 * An answer of the knowledge base; 0 is none yet.
 */
export type AnswerId = number;

/**
 * An answer with its numbers.
 */
export type AnswerRow = { 
/**
 * The answer.
 */
answer: Answer, 
/**
 * As of a rule.
 */
used: number, 
/**
 * As of a rule.
 */
overridden: number, };

/**
 * Who wrote a message.
 */
export type Author = "customer" | "automatic" | "agent" | "note" | "system";

/**
 * A copy of the whole database in the data folder's `backups`.
 */
export type Backup = { 
/**
 * The file's name; counts up, so that names are in order whatever the clock did.
 */
name: string, 
/**
 * When it was made.
 */
at: Timestamp, 
/**
 * Why it was made.
 */
reason: BackupReason, 
/**
 * The file's size.
 */
bytes: number, };

/**
 * Why a backup was made.
 */
export type BackupReason = "daily" | "asked" | "before_update" | "before_restore";

/**
 * Updates that travel together: what happened in one frame of 16 ms, under 8 KiB of JSON where single updates allow.
 */
export type Batch = { 
/**
 * Counts up from 1 in each watch.
 */
serial: number, 
/**
 * The desk's clock.
 */
now: Timestamp, 
/**
 * In order.
 */
updates: Array<Update>, };

/**
 * When the desk is staffed.
 */
export type BusinessHours = { 
/**
 * An IANA time zone, such as `Asia/Shanghai`.
 */
time_zone: string, 
/**
 * From Monday to Sunday, seven lists of spans in order that do not overlap; an empty list is closed.
 */
days: Array<Array<Span>>, };

/**
 * What an agent changed about a message after it was sent.
 */
export type Change = { 
/**
 * Corrected or retracted.
 */
kind: ChangeKind, 
/**
 * The agent's name.
 */
by: string, 
/**
 * When.
 */
at: Timestamp, 
/**
 * What was sent at first.
 */
original: string, };

/**
 * The kinds of [`Change`].
 */
export type ChangeKind = "corrected" | "retracted";

/**
 * What a customer's client sends.
 */
export type ClientFrame = { "type": "hello" } & Hello | { "type": "message", 
/**
 * The client's own id for this message, 1 to 64 bytes, unique in the conversation.
 */
id: string, 
/**
 * 1 to 16,384 bytes of UTF-8 that are not all white space.
 */
text: string, } | { "type": "typing", } | { "type": "read", 
/**
 * The last message seen.
 */
seq: Seq, } | { "type": "request_human", };

/**
 * Why something was refused. Clients match on this, never on the sentence.
 */
export type Code = "malformed" | "unknown_type" | "hello_expected" | "empty" | "too_long" | "id_reused" | "rate_limited" | "too_many_connections" | "too_slow" | "timed_out" | "shutting_down" | "store_failed" | "overloaded" | "no_such_conversation" | "stale_reply" | "no_such_message" | "no_such_entry" | "unauthorized" | "origin_refused" | "invalid_setting" | "address_unavailable" | "backup_unusable" | "internal";

/**
 * A live socket of a customer.
 */
export type Connection = { 
/**
 * Names it in the activity view.
 */
id: ConnectionId, 
/**
 * When it was opened.
 */
opened_at: Timestamp, 
/**
 * `IP:PORT` of the client.
 */
address: string, 
/**
 * What it speaks.
 */
protocol: ConnectionProtocol, 
/**
 * The page that it named.
 */
page: string | null, };

/**
 * A live socket, unique until the desk stops.
 */
export type ConnectionId = number;

/**
 * What a customer's socket speaks.
 */
export type ConnectionProtocol = "plain" | "v1";

/**
 * Who answers. Exactly one, always.
 */
export type Control = "automatic" | "human";

/**
 * A conversation as the list and the header show it, without its thread.
 */
export type Conversation = { 
/**
 * Names it in requests.
 */
id: ConversationId, 
/**
 * False for a visitor who is connected while nobody has written yet; gone when the visitor leaves.
 */
stored: boolean, 
/**
 * Open or resolved.
 */
status: Status, 
/**
 * Who answers.
 */
control: Control, 
/**
 * This conversation's own hold; `null` is the desk's.
 */
hold: Hold | null, 
/**
 * Counts what the customer can see.
 */
revision: Revision, 
/**
 * The last place taken.
 */
last_seq: Seq, 
/**
 * Set while it waits for a human.
 */
needs_human: NeedsHuman | null, 
/**
 * The reply that waits.
 */
held: HeldReply | null, 
/**
 * The last discarded reply, while the discard can be undone.
 */
discarded: HeldReply | null, 
/**
 * A draft for the agent, under human control.
 */
suggestion: Suggestion | null, 
/**
 * Put on by rules, answers and agents, in order.
 */
labels: Array<string>, 
/**
 * Customer messages that no agent has seen.
 */
unread: number, 
/**
 * Since when the customer's messages have had no answer of any kind.
 */
waiting_since: Timestamp | null, 
/**
 * Up to where an agent has read.
 */
agent_read_seq: Seq, 
/**
 * Up to where everything was written to a connection of the customer. What lies after it waits for the customer.
 */
delivered_seq: Seq, 
/**
 * Up to where the customer has read.
 */
customer_read_seq: Seq, 
/**
 * The last thing said.
 */
last: LastLine | null, 
/**
 * Messages of the customer, the responder and agents.
 */
messages: number, 
/**
 * When it began.
 */
created_at: Timestamp, 
/**
 * The last message's time; orders the list.
 */
last_activity_at: Timestamp, 
/**
 * What is known about the customer.
 */
customer: Customer, 
/**
 * Live sockets, oldest first; none means offline.
 */
connections: Array<Connection>, };

/**
 * A conversation, as agents name it. Customers never name one: their token is the only key.
 */
export type ConversationId = number;

/**
 * How many conversations there are, for tabs, tray and status line.
 */
export type Counts = { 
/**
 * Open conversations that are stored.
 */
open: number, 
/**
 * Open, and needing a human, unanswered under human control, or with a held reply that only an agent will send.
 */
needs_me: number, 
/**
 * With a held reply.
 */
held: number, 
/**
 * Resolved.
 */
resolved: number, 
/**
 * Customers with at least one live socket, visitors included.
 */
online: number, 
/**
 * Live sockets of customers.
 */
connections: number, 
/**
 * Customer messages in the last 60 s.
 */
messages_per_minute: number, 
/**
 * Of the conversations with a reply since the desk started, per cent in which no agent wrote; `null` before the first.
 */
answered_by_itself_percent: number | null, };

/**
 * A place in the list, which is ordered by last activity, then id, newest first.
 */
export type Cursor = { 
/**
 * The conversation's last activity.
 */
last_activity_at: Timestamp, 
/**
 * Its id.
 */
id: ConversationId, };

/**
 * What is known about a customer. All of it is claimed by the client, except the address.
 */
export type Customer = { 
/**
 * As the customer gave it.
 */
name: string | null, 
/**
 * As the customer gave it.
 */
email: string | null, 
/**
 * BCP 47, as the client named it.
 */
locale: string | null, 
/**
 * The language in which the responder speaks to this customer.
 */
language: Language, 
/**
 * Where the customer is or was last.
 */
page: string | null, 
/**
 * The client's User-Agent header.
 */
user_agent: string | null, 
/**
 * The last connection's IP address.
 */
address: string | null, 
/**
 * First connection.
 */
first_seen_at: Timestamp, 
/**
 * Last connection opened or closed.
 */
last_seen_at: Timestamp, 
/**
 * How often the customer came: a new visit begins when no connection was open for 30 minutes.
 */
visits: number, };

/**
 * A message as its customer sees it.
 */
export type CustomerMessage = { 
/**
 * Its place in the conversation. Places may be missing: notes and system lines are not for customers.
 */
seq: Seq, 
/**
 * The revision that made or last changed it.
 */
revision: Revision, 
/**
 * `customer`, `automatic` or `agent`.
 */
author: Author, 
/**
 * Plain text. Show it as text, never as markup.
 */
text: string, 
/**
 * When the desk took it.
 */
at: Timestamp, 
/**
 * The agent's name.
 */
name?: string, 
/**
 * The client's id, on the customer's own messages.
 */
id?: string, 
/**
 * `corrected`: the text was replaced after it was sent, mark it so. `retracted`: it was taken back and `text` is
 * empty, show that in its place.
 */
change?: ChangeKind, };

/**
 * What is wrong with the data: the last automatic backup was not made, or the database is damaged.
 */
export type DataProblem = { 
/**
 * What, and what to do about it, in a sentence or two.
 */
message: string, 
/**
 * The same in Chinese.
 */
message_zh: string, };

/**
 * What a model has written so far of a held reply or a suggestion.
 */
export type DraftSoFar = { 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The customer's message that it would answer.
 */
for_seq: Seq, 
/**
 * All of it so far.
 */
text: string, };

/**
 * As what a conversation is exported.
 */
export type ExportFormat = "json" | "text";

/**
 * When the default reply answers a customer's message.
 */
export type Fallback = "every_message" | "once_per_visit";

/**
 * A format that answers are exported to and imported from.
 */
export type FileFormat = "csv" | "json";

/**
 * Which conversations a list shows.
 */
export type Filter = "open" | "needs_me" | "held" | "resolved";

/**
 * A held reply, unique within its conversation.
 */
export type HeldId = number;

/**
 * A proposal that waits before it is sent. It stands where the answer will stand.
 */
export type HeldReply = { 
/**
 * Names it in requests.
 */
id: HeldId, 
/**
 * The customer's message that it answers.
 */
for_seq: Seq, 
/**
 * What will be sent.
 */
text: string, 
/**
 * What proposed it.
 */
source: Source, 
/**
 * When it was proposed.
 */
held_at: Timestamp, 
/**
 * When it sends itself, by the desk's clock; `null` is "ask" or paused.
 */
due_at: Timestamp | null, 
/**
 * The whole of its time in milliseconds, for the bar; `null` is "ask".
 */
hold_ms: number | null, 
/**
 * What was left when it was paused, in milliseconds, 0 for "ask"; `null` when nobody has paused it.
 */
paused_ms: number | null, 
/**
 * Whether a model or the webhook bot is still writing it; then its time has not begun, and `draft` updates tell
 * what there is so far.
 */
writing: boolean, };

/**
 * The first frame: who this is and what it has already.
 */
export type Hello = { 
/**
 * The token of an earlier `welcome`; without one, or with an unknown one, a new conversation begins.
 */
token?: string, 
/**
 * The last revision this client has in full. Everything after it is sent. Default 0.
 */
revision: Revision, 
/**
 * The `epoch` that `revision` belongs to. Under another epoch the client gets everything.
 */
epoch?: string, 
/**
 * BCP 47, such as `zh-CN`. Default: the Accept-Language header, then the desk's setting.
 */
locale?: string, 
/**
 * Where the customer is, such as a path or a title.
 */
page?: string, 
/**
 * What the customer calls themselves.
 */
name?: string, 
/**
 * The customer's e-mail address, as they gave it.
 */
email?: string, };

/**
 * One find.
 */
export type Hit = { 
/**
 * Where.
 */
conversation: Conversation, 
/**
 * The message, when it was a message.
 */
message: Message | null, };

/**
 * How long a proposal waits, visible to the agent, before it is sent.
 */
export type Hold = { "kind": "seconds", 
/**
 * 0 to 3,600.
 */
seconds: number, } | { "kind": "ask" };

/**
 * A record that cannot be imported.
 */
export type ImportProblem = { 
/**
 * Its number in the file, from 1.
 */
record: number, 
/**
 * Why, in a sentence.
 */
message: string, 
/**
 * The same in Chinese.
 */
message_zh: string, };

/**
 * What an import did or would do.
 */
export type Imported = { 
/**
 * New answers.
 */
added: number, 
/**
 * Answers whose `id` was known and whose content differs.
 */
changed: number, 
/**
 * Answers that are there already.
 */
unchanged: number, 
/**
 * Records that cannot be taken, at most 100; then nothing at all is imported.
 */
problems: Array<ImportProblem>, };

/**
 * A language that the desk speaks.
 */
export type Language = "en" | "zh-CN";

/**
 * The last thing that was said, for the list.
 */
export type LastLine = { 
/**
 * Who said it.
 */
author: Author, 
/**
 * Its beginning, on one line.
 */
text: string, 
/**
 * When.
 */
at: Timestamp, };

/**
 * An offer to learn from what an agent did.
 */
export type Lesson = { 
/**
 * Names it in requests.
 */
id: LessonId, 
/**
 * When.
 */
at: Timestamp, 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The customer's message.
 */
question_seq: Seq, 
/**
 * What it said.
 */
question: string, 
/**
 * The customer's language.
 */
language: Language, 
/**
 * What the agent did.
 */
kind: LessonKind, 
/**
 * What the responder had proposed or sent.
 */
proposed: string | null, 
/**
 * Where that came from: an answer or rule to change, or nothing to make a new one.
 */
source: Source | null, 
/**
 * What the agent said instead; missing when a reply was discarded and nothing said yet.
 */
reply: string | null, 
/**
 * The agent's name.
 */
by: string, };

/**
 * An offer to learn from what an agent did.
 */
export type LessonId = number;

/**
 * What an agent did that can be learned from.
 */
export type LessonKind = "edited" | "discarded" | "corrected" | "answered";

/**
 * Bounds on sockets. A change holds for what comes next: connections that are open keep theirs, but for `message_bytes`
 * and the numbers of connections and conversations, which hold at once.
 */
export type Limits = { 
/**
 * Seconds from the TCP connection to the end of the HTTP request's headers, 1 to 60.
 */
handshake_seconds: number, 
/**
 * HTTP headers in one request, 16 to 1,000.
 */
headers: number, 
/**
 * Seconds from the handshake to `hello`, 1 to 60.
 */
hello_seconds: number, 
/**
 * Bytes of UTF-8 in one message's text, 256 to 65,536.
 */
message_bytes: number, 
/**
 * Bytes in one WebSocket frame, and in one message put together from fragments, 4,096 to 1,048,576.
 */
frame_bytes: number, 
/**
 * Frames that one connection may send at once, fragments, pings and pongs counted, 50 to 100,000.
 */
frames_burst: number, 
/**
 * Frames a second that are given back to the burst, 10 to 100,000.
 */
frames_per_second: number, 
/**
 * Bytes that one connection may send at once, 65,536 to 1,073,741,824.
 */
bytes_burst: number, 
/**
 * Bytes a second that are given back to the burst, 65,536 to 1,073,741,824.
 */
bytes_per_second: number, 
/**
 * Live connections of one conversation: tabs and devices, 1 to 1,000.
 */
connections_per_conversation: number, 
/**
 * Live connections of one address, 1 to 100,000. An IPv6 address counts by its /64. This machine itself (127.0.0.1
 * and ::1), where a proxy may stand, may have three quarters of `connections`.
 */
connections_per_address: number, 
/**
 * Live connections in all, 16 to 100,000; less where the system allows fewer open files.
 */
connections: number, 
/**
 * New conversations of one address at once, and as many are given back in a minute, 1 to 100,000. This machine
 * itself is not counted.
 */
new_conversations_per_minute: number, 
/**
 * Frames that wait for one connection before it is closed as too slow, 32 to 4,096.
 */
outbox_frames: number, 
/**
 * Bytes that wait for one connection before it is closed as too slow, 131,072 to 16,777,216, and at least eight
 * times `message_bytes`.
 */
outbox_bytes: number, 
/**
 * Seconds between pings, 1 to 300.
 */
ping_seconds: number, 
/**
 * Seconds without any frame after which a connection is gone, 2 to 900, and more than `ping_seconds`.
 */
silence_seconds: number, };

/**
 * Whether the desk really listens.
 */
export type Listening = { "state": "stopped", } | { "state": "listening", 
/**
 * `IP:PORT`, the port as the system gave it.
 */
address: string, 
/**
 * Where a browser opens this desk's own pages, such as `http://127.0.0.1:8080`.
 */
url: string, } | { "state": "failed", 
/**
 * `IP:PORT` as asked.
 */
address: string, 
/**
 * Why, in a sentence.
 */
message: string, 
/**
 * The same in Chinese.
 */
message_zh: string, 
/**
 * The program that holds the port, where the system tells.
 */
holder: string | null, };

/**
 * A text in each language.
 */
export type Localized = { 
/**
 * English.
 */
en: string, 
/**
 * Simplified Chinese.
 */
"zh-CN": string, };

/**
 * One entry of a conversation, as agents see it.
 */
export type Message = { 
/**
 * Its place.
 */
seq: Seq, 
/**
 * The revision that made or last changed it; for notes and system lines, the one in force then.
 */
revision: Revision, 
/**
 * When the desk took it.
 */
at: Timestamp, 
/**
 * Who wrote it.
 */
author: Author, 
/**
 * Plain text; empty on system lines.
 */
text: string, 
/**
 * The agent's name, on agents' messages and notes.
 */
name?: string, 
/**
 * The writer's own id for it.
 */
client_id?: string, 
/**
 * Where an automatic reply comes from.
 */
source?: Source, 
/**
 * What happened, on system lines.
 */
system?: SystemLine, 
/**
 * The last correction or retraction of a reply that was sent.
 */
change?: Change, };

/**
 * A model behind an OpenAI-compatible chat endpoint.
 */
export type ModelSettings = { 
/**
 * Whether it takes part.
 */
enabled: boolean, 
/**
 * The endpoint's base, such as `http://127.0.0.1:11434/v1`; `/chat/completions` is added.
 */
url: string, 
/**
 * The model's name there.
 */
model: string, 
/**
 * What it is told before the thread.
 */
system_prompt: string, 
/**
 * Seconds from the question to the last word, 1 to 120.
 */
deadline_seconds: number, 
/**
 * Tokens of one reply, 16 to 4,096.
 */
max_tokens: number, };

/**
 * A conversation that waits for a human.
 */
export type NeedsHuman = { 
/**
 * Why.
 */
reason: NeedsHumanReason, 
/**
 * Since when.
 */
since: Timestamp, };

/**
 * Why a conversation needs a human.
 */
export type NeedsHumanReason = "customer_asked" | "no_answer" | "responder_failed" | "rule" | "bot" | "away" | "unanswered";

/**
 * What happens to a message.
 */
export type Outcome = { "kind": "reply", 
/**
 * What it says.
 */
text: string, 
/**
 * Where it comes from.
 */
source: Source, } | { "kind": "needs_human", 
/**
 * Why.
 */
reason: NeedsHumanReason, 
/**
 * What the customer is told.
 */
text: string | null, 
/**
 * Where that comes from.
 */
source: Source, } | { "kind": "silent", 
/**
 * The rule.
 */
source: Source, } | { "kind": "ask", 
/**
 * In this order: `model`, `webhook`.
 */
who: Array<SourceKind>, 
/**
 * The best answers, for the model to stand on.
 */
grounding: Array<AnswerId>, 
/**
 * The default reply, if there is one.
 */
otherwise: string | null, } | { "kind": "nothing", };

/**
 * A change to the responder that is only looked at.
 */
export type Plan = { "kind": "rule", 
/**
 * The rule.
 */
rule: Rule, } | { "kind": "answer", 
/**
 * The answer.
 */
answer: Answer, };

/**
 * What the chain is asked.
 */
export type Question = { 
/**
 * What the customer wrote.
 */
text: string, 
/**
 * The customer's language.
 */
language: Language, 
/**
 * The customer's name.
 */
name: string | null, 
/**
 * The customer's page.
 */
page: string | null, 
/**
 * Whether this is the customer's first message ever.
 */
first_message: boolean, 
/**
 * Whether this is the first message of a visit by a customer who was here before.
 */
returning: boolean, };

/**
 * A refusal: what kind it is, and a sentence that says what to do.
 */
export type Refusal = { 
/**
 * For programs.
 */
code: Code, 
/**
 * For people, in English.
 */
message: string, 
/**
 * The same in Chinese, where the agent reads it beside a field.
 */
message_zh?: string, 
/**
 * The setting that is not valid, as a path such as `texts.greeting.en`.
 */
field?: string, };

/**
 * One message of a replay: what was answered then and what would be now.
 */
export type Replayed = { 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The customer's message.
 */
seq: Seq, 
/**
 * What it said.
 */
question: string, 
/**
 * What answered it then: the author, the text and the source; missing when nobody did.
 */
then: ThenAnswer | null, 
/**
 * What the chain makes of it now.
 */
now: Verdict, 
/**
 * Whether the customer would get something else.
 */
changed: boolean, };

/**
 * What the console asks for.
 */
export type Request = { "type": "snapshot", } | { "type": "conversations", 
/**
 * Which ones.
 */
filter: Filter, 
/**
 * Those whose last activity lies before this one's; from the top when missing.
 */
before?: Cursor, 
/**
 * 1 to 500.
 */
limit: number, } | { "type": "conversation", 
/**
 * Which one.
 */
conversation: ConversationId, } | { "type": "thread", 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * Those before this place; the last ones when missing.
 */
before_seq?: Seq, 
/**
 * 1 to 200.
 */
limit: number, } | { "type": "activity", 
/**
 * 1 to 2,000.
 */
limit: number, } | { "type": "search", 
/**
 * 1 to 200 bytes.
 */
query: string, } | { "type": "send", 
/**
 * To whom.
 */
conversation: ConversationId, 
/**
 * The console's own id for it.
 */
id: string, 
/**
 * What.
 */
text: string, } | { "type": "note", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The console's own id for it.
 */
id: string, 
/**
 * What.
 */
text: string, } | { "type": "take_over", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "hand_back", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "set_hold", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The new hold.
 */
hold: Hold | null, } | { "type": "send_held", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply; refused as `stale_reply` when it is no longer the one held.
 */
held: HeldId, 
/**
 * The edited text.
 */
text?: string, } | { "type": "discard_held", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply.
 */
held: HeldId, } | { "type": "restore_held", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply.
 */
held: HeldId, } | { "type": "pause_held", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply.
 */
held: HeldId, } | { "type": "resume_held", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply.
 */
held: HeldId, } | { "type": "resolve", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "reopen", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "mark_read", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Up to where.
 */
seq: Seq, } | { "type": "dismiss_needs_human", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "typing", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "correct", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which message.
 */
seq: Seq, 
/**
 * The new text.
 */
text: string, } | { "type": "retract", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which message.
 */
seq: Seq, } | { "type": "stop_writing", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * Which reply.
 */
held: HeldId, } | { "type": "set_labels", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * At most 16, each 1 to 64 bytes.
 */
labels: Array<string>, } | { "type": "set_away", 
/**
 * Whether nobody is.
 */
away: boolean, } | { "type": "watch_activity", 
/**
 * Whether they are.
 */
on: boolean, } | { "type": "rules", } | { "type": "save_rule", 
/**
 * The rule.
 */
rule: Rule, 
/**
 * The offer that it comes from, which is done with then.
 */
lesson?: LessonId, } | { "type": "delete_rule", 
/**
 * Which one.
 */
rule: RuleId, } | { "type": "restore_rule", 
/**
 * The rule as it was.
 */
rule: Rule, 
/**
 * How many rules stand before it.
 */
place: number, } | { "type": "order_rules", 
/**
 * All of them; any that are not named follow as they were.
 */
rules: Array<RuleId>, } | { "type": "answers", 
/**
 * Only those with this text in a question or the reply; at most 200 bytes; all when empty.
 */
query: string, 
/**
 * How many to pass over.
 */
offset: number, 
/**
 * 1 to 200.
 */
limit: number, } | { "type": "answer", 
/**
 * Which one.
 */
answer: AnswerId, } | { "type": "save_answer", 
/**
 * The answer.
 */
answer: Answer, 
/**
 * The offer that it comes from, which is done with then.
 */
lesson?: LessonId, } | { "type": "delete_answers", 
/**
 * Which ones, at most 500.
 */
answers: Array<AnswerId>, } | { "type": "restore_answers", 
/**
 * The answers as they were, at most 500.
 */
answers: Array<Answer>, } | { "type": "import_answers", 
/**
 * How they are written.
 */
format: FileFormat, 
/**
 * The file, at most 16 MiB.
 */
content: string, 
/**
 * Only say what would happen.
 */
dry_run: boolean, } | { "type": "export_answers", 
/**
 * How they are written.
 */
format: FileFormat, } | { "type": "add_starter_answers", } | { "type": "try", 
/**
 * The message.
 */
question: Question, 
/**
 * Ask the model and the webhook bot too, if the chain comes to them.
 */
ask: boolean, } | { "type": "replay", 
/**
 * 1 to 500 conversations.
 */
conversations: number, 
/**
 * A rule or answer that is not saved yet.
 */
plan?: Plan, } | { "type": "lessons", } | { "type": "dismiss_lesson", 
/**
 * Which one.
 */
lesson: LessonId, } | { "type": "usage", 
/**
 * From this hour on.
 */
from: Timestamp, 
/**
 * Up to this hour.
 */
to: Timestamp, } | { "type": "export_usage", 
/**
 * From this hour on.
 */
from: Timestamp, 
/**
 * Up to this hour.
 */
to: Timestamp, } | { "type": "secrets", } | { "type": "set_secret", 
/**
 * Which one.
 */
name: SecretName, 
/**
 * The secret, 1 to 4,096 bytes.
 */
value: string | null, } | { "type": "test_model", 
/**
 * The settings to test, with the stored key.
 */
model: ModelSettings, } | { "type": "test_webhook", 
/**
 * The settings to test, with the stored secret.
 */
webhook: WebhookSettings, } | { "type": "save_settings", 
/**
 * The new ones.
 */
settings: Settings, } | { "type": "listen", 
/**
 * `IP:PORT`; port 0 takes a free one.
 */
address: string, } | { "type": "backups", } | { "type": "back_up", } | { "type": "restore", 
/**
 * A [`Backup`]'s name.
 */
name: string, } | { "type": "export", 
/**
 * Which conversation.
 */
conversation: ConversationId, 
/**
 * As what.
 */
format: ExportFormat, 
/**
 * What the part before said in `next`; missing for the first part.
 */
after?: Seq, } | { "type": "erase", 
/**
 * Whose conversation.
 */
conversation: ConversationId, };

/**
 * How the responder answers, and when it has control.
 */
export type ResponderSettings = { 
/**
 * Whether answers of the knowledge base take part.
 */
answers: boolean, 
/**
 * The score from which an answer is sure, in per cent, 1 to 100.
 */
threshold_percent: number, 
/**
 * Phrases with which a customer asks for a person, at most 100, each 1 to 128 bytes.
 */
human_phrases: Array<string>, 
/**
 * What a customer who asked for a person is told; may be empty.
 */
person_called: Localized, 
/**
 * The model.
 */
model: ModelSettings, 
/**
 * The webhook bot.
 */
webhook: WebhookSettings, 
/**
 * Whether the responder drafts while a human has control.
 */
suggestions: boolean, 
/**
 * Whether the console offers to learn from what agents do.
 */
lessons: boolean, 
/**
 * Seconds after which an agent who does not answer a waiting customer loses control to the responder, 60 to 86,400
 * (tests may go lower); 0 is never.
 */
return_after_seconds: number, 
/**
 * Whether resolving gives control back to the responder.
 */
return_on_resolve: boolean, 
/**
 * What happens to replies that would wait while nobody is at the console.
 */
while_away: WhileAway, 
/**
 * Minutes without input on this machine after which nobody is at the console, 1 to 1,440; 0 is only by hand.
 */
away_after_minutes: number, 
/**
 * When the desk is staffed; `null` is always.
 */
hours: BusinessHours | null, 
/**
 * Instead of the default reply outside business hours, and for [`WhileAway::TellAway`].
 */
away_text: Localized, };

/**
 * What the console is answered.
 */
export type Response = { "type": "snapshot" } & Snapshot | { "type": "conversations", 
/**
 * Newest activity first.
 */
conversations: Array<Conversation>, 
/**
 * Whether there are older ones.
 */
more: boolean, } | { "type": "conversation", 
/**
 * As it is now.
 */
conversation: Conversation, } | { "type": "thread", 
/**
 * In order.
 */
messages: Array<Message>, 
/**
 * Whether there are earlier ones.
 */
more: boolean, } | { "type": "activity", 
/**
 * Oldest first.
 */
events: Array<ActivityEvent>, } | { "type": "found", 
/**
 * At most 50.
 */
hits: Array<Hit>, } | { "type": "sent", 
/**
 * Its place.
 */
seq: Seq, 
/**
 * The revision after it.
 */
revision: Revision, } | { "type": "done", } | { "type": "settings", 
/**
 * All of them.
 */
settings: Settings, } | { "type": "listening", 
/**
 * And where.
 */
listening: Listening, } | { "type": "rules", 
/**
 * In order.
 */
rules: Array<RuleRow>, } | { "type": "answers", 
/**
 * Newest first.
 */
answers: Array<AnswerRow>, 
/**
 * How many there are with this query.
 */
total: number, } | { "type": "saved", 
/**
 * As it is now.
 */
answer: Answer, } | { "type": "imported", 
/**
 * In numbers.
 */
imported: Imported, } | { "type": "file", 
/**
 * What it could be called.
 */
name: string, 
/**
 * What is in it, UTF-8.
 */
content: string, } | { "type": "verdict", 
/**
 * With every step.
 */
verdict: Verdict, } | { "type": "replayed", 
/**
 * Newest conversation first, messages in order; at most 5,000.
 */
messages: Array<Replayed>, } | { "type": "lessons", 
/**
 * Newest first, at most 500.
 */
lessons: Array<Lesson>, } | { "type": "usage", 
/**
 * Most used first.
 */
rows: Array<UsageRow>, } | { "type": "secrets", 
/**
 * And where they lie.
 */
secrets: Secrets, } | { "type": "tested", 
/**
 * In a sentence.
 */
tested: Tested, } | { "type": "backups", 
/**
 * Newest first.
 */
backups: Array<Backup>, 
/**
 * The folder that they lie in.
 */
folder: string, 
/**
 * What is wrong with the data or its backups; `null` when nothing is known to be.
 */
problem: DataProblem | null, } | { "type": "exported", 
/**
 * A name for the file.
 */
name: string, 
/**
 * The part.
 */
part: string, 
/**
 * Ask for the next part with this; `null` when this was the last.
 */
next: Seq | null, };

/**
 * A conversation's counter of changes that its customer can see, from 1; 0 is "nothing yet".
 * A client that has revision N and receives N+2 has a gap and reconnects to resume from N.
 */
export type Revision = number;

/**
 * One step of the chain that an agent wrote.
 */
export type Rule = { 
/**
 * Names it in requests; 0 for a new one.
 */
id: RuleId, 
/**
 * What the agent calls it, 1 to 128 bytes.
 */
name: string, 
/**
 * Whether it takes part.
 */
enabled: boolean, 
/**
 * When it applies.
 */
trigger: Trigger, 
/**
 * Only for customers of these languages; empty is any.
 */
languages: Array<Language>, 
/**
 * Only on pages that contain this text, whatever the case; empty is any.
 */
page: string, 
/**
 * What it does.
 */
action: Action, };

/**
 * A rule of the responder; 0 is none yet.
 */
export type RuleId = number;

/**
 * A rule with its numbers.
 */
export type RuleRow = { 
/**
 * The rule.
 */
rule: Rule, 
/**
 * How often it was used, ever.
 */
used: number, 
/**
 * How often an agent edited, discarded, corrected or retracted what it proposed, ever.
 */
overridden: number, };

/**
 * A secret of the responder. Secrets go in and never come out.
 */
export type SecretName = "model_key" | "webhook_secret";

/**
 * Where a secret of the responder lies.
 */
export type SecretPlace = "nowhere" | "keyring" | "file";

/**
 * Which secrets are set, and where they lie.
 */
export type Secrets = { 
/**
 * The model's API key.
 */
model_key: SecretPlace, 
/**
 * The webhook bot's signing secret.
 */
webhook_secret: SecretPlace, };

/**
 * A message's place in its conversation, from 1. Order is this, never a clock.
 */
export type Seq = number;

/**
 * What the desk sends to a customer's client.
 */
export type ServerFrame = { "type": "welcome", 
/**
 * Keep it secret and send it in the next `hello`. It is the only key to this conversation.
 */
token: string, 
/**
 * Which database the revisions belong to. When it changes, drop everything and resume from 0.
 */
epoch: string, 
/**
 * The conversation's revision now. History after the client's own revision follows, then `caught_up`.
 */
revision: Revision, 
/**
 * Whether the token was known.
 */
resumed: boolean, 
/**
 * The greeting to show while there is no message. It becomes message 1 with the first message.
 */
greeting?: string, 
/**
 * Who answers.
 */
control: Control, } | { "type": "ack", 
/**
 * The client's id.
 */
id: string, 
/**
 * Its place in the conversation.
 */
seq: Seq, 
/**
 * The revision that it made.
 */
revision: Revision, 
/**
 * When the desk took it.
 */
at: Timestamp, } | { "type": "message" } & CustomerMessage | { "type": "caught_up", 
/**
 * The revision up to which the client now has everything.
 */
revision: Revision, } | { "type": "typing", 
/**
 * Who writes: `agent` or `automatic`.
 */
author: Author, } | { "type": "read", 
/**
 * The last message seen.
 */
seq: Seq, } | { "type": "control", 
/**
 * Who answers now.
 */
control: Control, } | { "type": "error", 
/**
 * For programs.
 */
code: Code, 
/**
 * For people.
 */
message: string, 
/**
 * The id of the message that was refused.
 */
id?: string, 
/**
 * When to try again, in milliseconds. Without it, trying the same again is of no use.
 */
retry_after_ms?: number, };

/**
 * Everything that an agent can set. Fields that are missing in stored settings take their defaults.
 */
export type Settings = { 
/**
 * The name under which the agent appears to customers and in the thread.
 */
agent_name: string, 
/**
 * Sent on connect.
 */
greeting: Localized, 
/**
 * The default reply.
 */
reply: Localized, 
/**
 * When the default reply answers.
 */
fallback: Fallback, 
/**
 * The hold of conversations that have none of their own.
 */
hold: Hold, 
/**
 * The language for customers whose client names none; `null` is the system's.
 */
customer_language: Language | null, 
/**
 * The console's language; `null` is the system's.
 */
console_language: Language | null, 
/**
 * The console's theme.
 */
theme: Theme, 
/**
 * Alerts.
 */
alerts: Alerts, 
/**
 * Closing the window hides it in the tray and the desk goes on.
 */
close_to_tray: boolean, 
/**
 * Where to listen, as `IP:PORT`. Changed by the request `listen`, not by saving settings.
 */
listen: string, 
/**
 * Sites from which browsers may connect besides this desk's own pages, as `https://host[:port]`; `null` and `file://`
 * are pages opened from files, `none` is programs on other machines, `*` is any of all these.
 */
allowed_origins: Array<string>, 
/**
 * The responder.
 */
responder: ResponderSettings, 
/**
 * How many backups of each reason are kept, 1 to 365.
 */
backups_kept: number, 
/**
 * Bounds on sockets.
 */
limits: Limits, };

/**
 * Everything a console needs to draw itself.
 */
export type Snapshot = { 
/**
 * The desk's clock, for countdowns.
 */
now: Timestamp, 
/**
 * The desk's version.
 */
version: string, 
/**
 * Which database this is.
 */
epoch: string, 
/**
 * Where the data lies.
 */
data_dir: string, 
/**
 * The system's language.
 */
system_language: Language, 
/**
 * The settings in force.
 */
settings: Settings, 
/**
 * Whether the desk listens.
 */
listening: Listening, 
/**
 * Why alerts of the system do not work, in a sentence; `null` when they do or are not this host's business.
 */
alerts_problem: string | null, 
/**
 * Numbers for tabs and status line.
 */
counts: Counts, 
/**
 * Whether nobody is at the console: said by hand, or no input for as long as the settings say.
 */
away: boolean, 
/**
 * Offers to learn that nobody has dealt with.
 */
lessons: number, 
/**
 * Work on the whole database that goes on.
 */
upkeep: Upkeep | null, 
/**
 * What is wrong with the data or its backups; `null` when nothing is known to be.
 */
backups_problem: DataProblem | null, 
/**
 * What models and bots are writing, as far as it has come.
 */
drafts: Array<DraftSoFar>, 
/**
 * The first 500 open conversations, newest activity first, and all visitors.
 */
conversations: Array<Conversation>, 
/**
 * Whether there are older ones.
 */
more: boolean, };

/**
 * Where an automatic reply comes from.
 */
export type Source = { 
/**
 * What kind of responder.
 */
kind: SourceKind, 
/**
 * The id of the rule or answer.
 */
id?: number, 
/**
 * What the rule, the answer (its first question) or the model is called.
 */
name?: string, 
/**
 * What of it fitted: the phrase, keyword, expression or question variant.
 */
matched?: string, 
/**
 * How sure it was, 0 to 1.
 */
score?: number, 
/**
 * The agent who changed the text before it was sent.
 */
edited_by?: string, };

/**
 * What proposed an automatic reply.
 */
export type SourceKind = "greeting" | "fallback" | "rule" | "answer" | "model" | "webhook" | "away" | "person_called";

/**
 * A span of one day, in minutes since midnight: `from` is in it, `to` is not. 0 ≤ `from` < `to` ≤ 1,440.
 */
export type Span = { 
/**
 * The first minute.
 */
from: number, 
/**
 * The minute after the last.
 */
to: number, };

/**
 * Whether a conversation is done with. A new customer message reopens it.
 */
export type Status = "open" | "resolved";

/**
 * One step of the chain.
 */
export type Step = { 
/**
 * Which part.
 */
source: Source, 
/**
 * Whether it applied.
 */
applies: boolean, 
/**
 * Why or why not.
 */
why: Why, };

/**
 * A draft for the agent while a human has control. Never sent by itself.
 */
export type Suggestion = { 
/**
 * The customer's message that it would answer.
 */
for_seq: Seq, 
/**
 * What it would say; empty while a model begins to write.
 */
text: string, 
/**
 * What proposed it.
 */
source: Source, 
/**
 * Whether a model is still writing it.
 */
writing: boolean, };

/**
 * What happened, as a line in the thread. The console words it in its own language.
 */
export type SystemLine = { "kind": "took_over", 
/**
 * The agent's name.
 */
by: string, 
/**
 * The held reply that this stopped.
 */
stopped?: string, } | { "kind": "handed_back", 
/**
 * The agent's name.
 */
by: string, } | { "kind": "sent_now", 
/**
 * The agent's name.
 */
by: string, } | { "kind": "edited_and_sent", 
/**
 * The agent's name.
 */
by: string, 
/**
 * What was proposed.
 */
original: string, } | { "kind": "discarded", 
/**
 * The agent's name.
 */
by: string, 
/**
 * What was proposed.
 */
text: string, } | { "kind": "restored", 
/**
 * The agent's name.
 */
by: string, } | { "kind": "hold_changed", 
/**
 * The agent's name.
 */
by: string, 
/**
 * The new hold.
 */
hold: Hold | null, } | { "kind": "resolved", 
/**
 * The agent's name.
 */
by: string, 
/**
 * The held reply that this stopped.
 */
stopped?: string, } | { "kind": "reopened", 
/**
 * The agent's name.
 */
by?: string, } | { "kind": "needs_human", 
/**
 * Why.
 */
reason: NeedsHumanReason, } | { "kind": "returned", 
/**
 * Seconds without an answer; missing when it was resolved.
 */
after_seconds?: number, } | { "kind": "corrected", 
/**
 * The agent's name.
 */
by: string, 
/**
 * Which message.
 */
seq: Seq, 
/**
 * What it said before.
 */
before: string, } | { "kind": "retracted", 
/**
 * The agent's name.
 */
by: string, 
/**
 * Which message.
 */
seq: Seq, } | { "kind": "stopped_writing", 
/**
 * The agent's name.
 */
by: string, } | { "kind": "responder_failed", 
/**
 * Which one.
 */
source: SourceKind, 
/**
 * What went wrong, in a sentence.
 */
message: string, 
/**
 * The same in Chinese; missing in what older versions stored.
 */
message_zh?: string, };

/**
 * What a test of the model or the webhook bot came to.
 */
export type Tested = { 
/**
 * Whether it answered as it should.
 */
works: boolean, 
/**
 * What it said, or what went wrong and what to do about it, in a sentence.
 */
message: string, 
/**
 * The same in Chinese.
 */
message_zh: string, 
/**
 * How long it took in milliseconds.
 */
took_ms: number, };

/**
 * The console's theme.
 */
export type Theme = "system" | "light" | "dark";

/**
 * What answered a message.
 */
export type ThenAnswer = { 
/**
 * `automatic` or `agent`.
 */
author: Author, 
/**
 * What it said.
 */
text: string, 
/**
 * Where an automatic reply came from.
 */
source: Source | null, };

/**
 * Milliseconds since 1970-01-01 UTC.
 */
export type Timestamp = number;

/**
 * When a rule applies. Texts are compared without regard to case, width (NFKC) and surrounding punctuation.
 */
export type Trigger = { "kind": "phrase", 
/**
 * 1 to 100, each 1 to 512 bytes.
 */
phrases: Array<string>, } | { "kind": "keywords", 
/**
 * 1 to 100, each 1 to 512 bytes.
 */
keywords: Array<string>, 
/**
 * All of them, or any one.
 */
all: boolean, } | { "kind": "regex", 
/**
 * 1 to 1,024 bytes. Without regard to case unless it says `(?-i)`.
 */
pattern: string, } | { "kind": "first_message", } | { "kind": "returning_customer", } | { "kind": "outside_hours", } | { "kind": "always", };

/**
 * What the console is told as it happens.
 */
export type Update = { "type": "conversation", 
/**
 * As it is now.
 */
conversation: Conversation, } | { "type": "gone", 
/**
 * Which one.
 */
conversation: ConversationId, } | { "type": "message", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * What.
 */
message: Message, } | { "type": "typing", 
/**
 * Where.
 */
conversation: ConversationId, } | { "type": "activity", 
/**
 * What.
 */
event: ActivityEvent, } | { "type": "counts", 
/**
 * As they are now.
 */
counts: Counts, } | { "type": "settings", 
/**
 * As they are now.
 */
settings: Settings, } | { "type": "draft", 
/**
 * Where.
 */
conversation: ConversationId, 
/**
 * The customer's message that it would answer.
 */
for_seq: Seq, 
/**
 * All of it so far.
 */
text: string, } | { "type": "lesson", 
/**
 * The offer.
 */
lesson: Lesson, } | { "type": "lessons", 
/**
 * Those that nobody has dealt with.
 */
waiting: number, } | { "type": "responder", } | { "type": "away", 
/**
 * Whether nobody is.
 */
away: boolean, } | { "type": "listening", 
/**
 * As it is now.
 */
listening: Listening, } | { "type": "alerts_problem", 
/**
 * In a sentence; `null` when they work.
 */
problem: string | null, } | { "type": "reveal", 
/**
 * Which one.
 */
conversation: ConversationId, } | { "type": "upkeep", 
/**
 * What, and how far.
 */
upkeep: Upkeep | null, } | { "type": "backups_changed", 
/**
 * What is wrong with the data or its backups; `null` when nothing is known to be.
 */
problem: DataProblem | null, } | { "type": "resync", };

/**
 * Work on the whole database, which takes long when that is large.
 */
export type Upkeep = { 
/**
 * What is done.
 */
task: UpkeepTask, 
/**
 * How far it is, from 0 to 100.
 */
percent: number, };

/**
 * Kinds of [`Upkeep`]. One at a time.
 */
export type UpkeepTask = "back_up" | "restore" | "erase";

/**
 * The numbers of one rule, answer or other part of the chain over a period.
 */
export type UsageRow = { 
/**
 * Which part: its kind, id and name now; a part that was deleted has no name.
 */
source: Source, 
/**
 * See [`Use::Used`].
 */
used: number, 
/**
 * See [`Use::Sent`].
 */
sent: number, 
/**
 * See [`Use::Edited`].
 */
edited: number, 
/**
 * See [`Use::Discarded`].
 */
discarded: number, 
/**
 * See [`Use::Corrected`].
 */
corrected: number, 
/**
 * See [`Use::Retracted`].
 */
retracted: number, 
/**
 * See [`Use::LedToHuman`].
 */
led_to_human: number, 
/**
 * `used`, split over the period in equal parts, oldest first, at most 60 of them; for a small chart.
 */
over_time: Array<number>, };

/**
 * What the chain makes of a question, with every step that led there.
 */
export type Verdict = { 
/**
 * What happens.
 */
outcome: Outcome, 
/**
 * Labels that are put on the conversation.
 */
labels: Array<string>, 
/**
 * The steps in order; the winner is the last that applies. Answers come with their scores, best first, at most 5.
 */
steps: Array<Step>, };

/**
 * A bot that is asked over HTTP, signed by the Standard Webhooks scheme.
 */
export type WebhookSettings = { 
/**
 * Whether it takes part.
 */
enabled: boolean, 
/**
 * Where messages are posted.
 */
url: string, 
/**
 * Seconds until a reply must have come, in the response or later through the API; 1 to 120.
 */
deadline_seconds: number, };

/**
 * What happens to replies that would wait for an agent while nobody is at the console.
 */
export type WhileAway = "hold" | "send_at_once" | "tell_away";

/**
 * Why a part of the chain applied or not. The console words it.
 */
export type Why = { "kind": "matches", 
/**
 * Which one.
 */
what: string, } | { "kind": "no_match", } | { "kind": "switched_off", } | { "kind": "other_language", } | { "kind": "other_page", } | { "kind": "below_threshold", 
/**
 * The threshold, 0 to 1.
 */
threshold: number, } | { "kind": "applies", } | { "kind": "no_text", } | { "kind": "asked", } | { "kind": "failed", 
/**
 * What went wrong.
 */
message: string, 
/**
 * The same in Chinese.
 */
message_zh: string, } | { "kind": "not_sure", } | { "kind": "later", };

/** Each limit: what it is unless it was changed, and what it may be. */
export const LIMITS = {
  handshake_seconds: { usual: 5, least: 1, most: 60 },
  headers: { usual: 100, least: 16, most: 1000 },
  hello_seconds: { usual: 10, least: 1, most: 60 },
  message_bytes: { usual: 16384, least: 256, most: 65536 },
  frame_bytes: { usual: 65536, least: 4096, most: 1048576 },
  frames_burst: { usual: 400, least: 50, most: 100000 },
  frames_per_second: { usual: 100, least: 10, most: 100000 },
  bytes_burst: { usual: 8388608, least: 65536, most: 1073741824 },
  bytes_per_second: { usual: 2097152, least: 65536, most: 1073741824 },
  connections_per_conversation: { usual: 10, least: 1, most: 1000 },
  connections_per_address: { usual: 50, least: 1, most: 100000 },
  connections: { usual: 16384, least: 16, most: 100000 },
  new_conversations_per_minute: { usual: 120, least: 1, most: 100000 },
  outbox_frames: { usual: 64, least: 32, most: 4096 },
  outbox_bytes: { usual: 262144, least: 131072, most: 16777216 },
  ping_seconds: { usual: 20, least: 1, most: 300 },
  silence_seconds: { usual: 45, least: 2, most: 900 },
} as const satisfies Record<keyof Limits, { usual: number; least: number; most: number }>;
