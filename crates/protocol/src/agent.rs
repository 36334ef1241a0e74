//! What the console asks, what it is answered, and what it is told as it happens.
//!
//! The same types cross the Tauri IPC (`call`, `watch`) and the WebSocket `deskbell.agent.v1`, where they travel in
//! [`AgentClientFrame`] and [`AgentServerFrame`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::entity::{ActivityEvent, Conversation, Counts, Listening, Message};
use crate::error::Refusal;
use crate::id::{AnswerId, ConversationId, HeldId, LessonId, Revision, RuleId, Seq, Timestamp};
use crate::responder::{
    Answer, AnswerRow, FileFormat, Imported, Lesson, Plan, Question, Replayed, Rule, RuleRow, SecretName, Secrets,
    Tested, UsageRow, Verdict,
};
use crate::settings::{Hold, ModelSettings, Settings, WebhookSettings};
use crate::upkeep::{Backup, ExportFormat, Upkeep};

/// Which conversations a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Open ones.
    #[default]
    Open,
    /// Open ones that need a human.
    NeedsMe,
    /// With a held reply.
    Held,
    /// Resolved ones.
    Resolved,
}

/// What the console asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Everything a console needs to draw itself → `snapshot`. Ask after `watch` has begun, and again on `resync`.
    Snapshot {},
    /// A page of the list, newest activity first → `conversations`.
    Conversations {
        /// Which ones.
        filter: Filter,
        /// Those whose last activity lies before this one's; from the top when missing.
        #[serde(default)]
        #[ts(optional)]
        before: Option<Cursor>,
        /// 1 to 500.
        limit: u32,
    },
    /// One conversation → `conversation`.
    Conversation {
        /// Which one.
        conversation: ConversationId,
    },
    /// A page of a thread, the newest before `before_seq` → `thread`.
    Thread {
        /// Which conversation.
        conversation: ConversationId,
        /// Those before this place; the last ones when missing.
        #[serde(default)]
        #[ts(optional)]
        before_seq: Option<Seq>,
        /// 1 to 200.
        limit: u32,
    },
    /// The last events → `activity`.
    Activity {
        /// 1 to 2,000.
        limit: u32,
    },
    /// Conversations in which a name, an e-mail, a page or a message has this text → `found`.
    Search {
        /// 1 to 200 bytes.
        query: String,
    },
    /// Sends the customer a message and takes control → `sent`. The same id again changes nothing.
    Send {
        /// To whom.
        conversation: ConversationId,
        /// The console's own id for it.
        id: String,
        /// What.
        text: String,
    },
    /// Adds a note that only agents see → `sent`.
    Note {
        /// Where.
        conversation: ConversationId,
        /// The console's own id for it.
        id: String,
        /// What.
        text: String,
    },
    /// Takes control; a held reply is not sent → `done`.
    TakeOver {
        /// Where.
        conversation: ConversationId,
    },
    /// Gives control back to the responder, from the next message on → `done`.
    HandBack {
        /// Where.
        conversation: ConversationId,
    },
    /// Sets the hold of one conversation; `null` is the desk's → `done`.
    SetHold {
        /// Where.
        conversation: ConversationId,
        /// The new hold.
        hold: Option<Hold>,
    },
    /// Sends a held reply now, with another text if given → `done`.
    SendHeld {
        /// Where.
        conversation: ConversationId,
        /// Which reply; refused as `stale_reply` when it is no longer the one held.
        held: HeldId,
        /// The edited text.
        #[serde(default)]
        #[ts(optional)]
        text: Option<String>,
    },
    /// Drops a held reply → `done`.
    DiscardHeld {
        /// Where.
        conversation: ConversationId,
        /// Which reply.
        held: HeldId,
    },
    /// Takes a discard back: the reply is held again, as "ask" → `done`.
    RestoreHeld {
        /// Where.
        conversation: ConversationId,
        /// Which reply.
        held: HeldId,
    },
    /// Stops the countdown while the agent edits → `done`.
    PauseHeld {
        /// Where.
        conversation: ConversationId,
        /// Which reply.
        held: HeldId,
    },
    /// Goes on with the countdown where it stopped → `done`.
    ResumeHeld {
        /// Where.
        conversation: ConversationId,
        /// Which reply.
        held: HeldId,
    },
    /// Marks it done with → `done`.
    Resolve {
        /// Where.
        conversation: ConversationId,
    },
    /// Takes that back → `done`.
    Reopen {
        /// Where.
        conversation: ConversationId,
    },
    /// An agent has seen everything up to `seq` → `done`.
    MarkRead {
        /// Where.
        conversation: ConversationId,
        /// Up to where.
        seq: Seq,
    },
    /// Clears the needs-human mark without answering → `done`.
    DismissNeedsHuman {
        /// Where.
        conversation: ConversationId,
    },
    /// The agent is typing; shown to the customer for 6 s → `done`.
    Typing {
        /// Where.
        conversation: ConversationId,
    },
    /// Replaces the text of an automatic or agent's message that was sent → `done`. Its customer's client shows the new
    /// text, marked as corrected.
    Correct {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
        /// The new text.
        text: String,
    },
    /// Takes an automatic or agent's message back → `done`.
    Retract {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Seq,
    },
    /// Stops a model that is writing; what there is so far stays held, as "ask" → `done`.
    StopWriting {
        /// Where.
        conversation: ConversationId,
        /// Which reply.
        held: HeldId,
    },
    /// Replaces the labels of a conversation → `done`.
    SetLabels {
        /// Where.
        conversation: ConversationId,
        /// At most 16, each 1 to 64 bytes.
        labels: Vec<String>,
    },
    /// Says that nobody is at the console, or that somebody is → `done`. Any act of an agent says the latter, too.
    SetAway {
        /// Whether nobody is.
        away: bool,
    },
    /// Whether `activity` updates are wanted on this watch; off at first → `done`.
    WatchActivity {
        /// Whether they are.
        on: bool,
    },
    /// All rules in order → `rules`.
    Rules {},
    /// Adds a rule at the end (id 0) or changes one → `rules`.
    SaveRule {
        /// The rule.
        rule: Rule,
        /// The offer that it comes from, which is done with then.
        #[serde(default)]
        #[ts(optional)]
        lesson: Option<LessonId>,
    },
    /// Deletes a rule → `rules`.
    DeleteRule {
        /// Which one.
        rule: RuleId,
    },
    /// Brings a rule back that was deleted, with its id and so with its numbers → `rules`.
    RestoreRule {
        /// The rule as it was.
        rule: Rule,
        /// How many rules stand before it.
        place: u32,
    },
    /// Puts the rules in this order → `rules`.
    OrderRules {
        /// All of them; any that are not named follow as they were.
        rules: Vec<RuleId>,
    },
    /// A page of the knowledge base, newest first → `answers`.
    Answers {
        /// Only those with this text in a question or the reply; at most 200 bytes; all when empty.
        query: String,
        /// How many to pass over.
        offset: u32,
        /// 1 to 200.
        limit: u32,
    },
    /// One answer → `answers` with one row.
    Answer {
        /// Which one.
        answer: AnswerId,
    },
    /// Adds an answer (id 0) or changes one → `saved`.
    SaveAnswer {
        /// The answer.
        answer: Answer,
        /// The offer that it comes from, which is done with then.
        #[serde(default)]
        #[ts(optional)]
        lesson: Option<LessonId>,
    },
    /// Deletes answers → `done`.
    DeleteAnswers {
        /// Which ones, at most 500.
        answers: Vec<AnswerId>,
    },
    /// Brings answers back that were deleted, with their ids and so with their numbers, all of them or none → `done`.
    RestoreAnswers {
        /// The answers as they were, at most 500.
        answers: Vec<Answer>,
    },
    /// Imports answers, all of them or none → `imported`.
    ImportAnswers {
        /// How they are written.
        format: FileFormat,
        /// The file, at most 16 MiB.
        content: String,
        /// Only say what would happen.
        dry_run: bool,
    },
    /// All answers as a file → `file`.
    ExportAnswers {
        /// How they are written.
        format: FileFormat,
    },
    /// Adds the starter set of both languages → `imported`.
    AddStarterAnswers {},
    /// What the chain would make of a message → `verdict`. Nothing is sent.
    Try {
        /// The message.
        question: Question,
        /// Ask the model and the webhook bot too, if the chain comes to them.
        ask: bool,
    },
    /// The customers' messages of the last conversations against the responder as it is now → `replayed`. With a plan,
    /// against the responder as it would be; then what changes is what the plan changes.
    Replay {
        /// 1 to 500 conversations.
        conversations: u32,
        /// A rule or answer that is not saved yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        plan: Option<Plan>,
    },
    /// The offers to learn that nobody has dealt with, newest first → `lessons`.
    Lessons {},
    /// Drops an offer to learn → `done`.
    DismissLesson {
        /// Which one.
        lesson: LessonId,
    },
    /// The numbers of all parts of the chain → `usage`.
    Usage {
        /// From this hour on.
        from: Timestamp,
        /// Up to this hour.
        to: Timestamp,
    },
    /// The same as CSV → `file`.
    ExportUsage {
        /// From this hour on.
        from: Timestamp,
        /// Up to this hour.
        to: Timestamp,
    },
    /// Which secrets are set → `secrets`.
    Secrets {},
    /// Sets or with `null` removes a secret → `secrets`. It is never told again.
    SetSecret {
        /// Which one.
        name: SecretName,
        /// The secret, 1 to 4,096 bytes.
        value: Option<String>,
    },
    /// Asks a model once, with settings that need not be saved → `tested`.
    TestModel {
        /// The settings to test, with the stored key.
        model: ModelSettings,
    },
    /// Asks a webhook bot once, with settings that need not be saved → `tested`.
    TestWebhook {
        /// The settings to test, with the stored secret.
        webhook: WebhookSettings,
    },
    /// Changes all settings but `listen` → `settings`.
    SaveSettings {
        /// The new ones.
        settings: Box<Settings>,
    },
    /// Listens elsewhere, at once, and from then on at every start → `listening`. Live sockets stay.
    Listen {
        /// `IP:PORT`; port 0 takes a free one.
        address: String,
    },
    /// The backups → `backups`.
    Backups {},
    /// Makes a backup now; the desk goes on → `backups`.
    BackUp {},
    /// Puts a backup in the database's place, which is kept as a backup itself. Customers and consoles connect anew, with
    /// another epoch → `done`.
    Restore {
        /// A [`Backup`]'s name.
        name: String,
    },
    /// A part of a conversation as a file; the parts, one after the other, are the file → `exported`.
    Export {
        /// Which conversation.
        conversation: ConversationId,
        /// As what.
        format: ExportFormat,
        /// What the part before said in `next`; missing for the first part.
        #[serde(default)]
        #[ts(optional)]
        after: Option<Seq>,
    },
    /// Erases a customer: the conversation and all that is known, from the database and from every backup. It cannot be
    /// undone → `done`.
    Erase {
        /// Whose conversation.
        conversation: ConversationId,
    },
}

/// A place in the list, which is ordered by last activity, then id, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Cursor {
    /// The conversation's last activity.
    pub last_activity_at: Timestamp,
    /// Its id.
    pub id: ConversationId,
}

/// What the console is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Response {
    /// Everything a console needs to draw itself.
    Snapshot(Box<Snapshot>),
    /// A page of the list.
    Conversations {
        /// Newest activity first.
        conversations: Vec<Conversation>,
        /// Whether there are older ones.
        more: bool,
    },
    /// One conversation.
    Conversation {
        /// As it is now.
        conversation: Box<Conversation>,
    },
    /// A page of a thread.
    Thread {
        /// In order.
        messages: Vec<Message>,
        /// Whether there are earlier ones.
        more: bool,
    },
    /// The last events.
    Activity {
        /// Oldest first.
        events: Vec<ActivityEvent>,
    },
    /// What a search found, newest activity first.
    Found {
        /// At most 50.
        hits: Vec<Hit>,
    },
    /// The message is durable.
    Sent {
        /// Its place.
        seq: Seq,
        /// The revision after it.
        revision: Revision,
    },
    /// Done, or nothing to do.
    Done {},
    /// The settings in force.
    Settings {
        /// All of them.
        settings: Box<Settings>,
    },
    /// Whether the desk listens now.
    Listening {
        /// And where.
        listening: Listening,
    },
    /// All rules.
    Rules {
        /// In order.
        rules: Vec<RuleRow>,
    },
    /// A page of the knowledge base.
    Answers {
        /// Newest first.
        answers: Vec<AnswerRow>,
        /// How many there are with this query.
        total: u32,
    },
    /// An answer is durable.
    Saved {
        /// As it is now.
        answer: Answer,
    },
    /// What an import did or would do.
    Imported {
        /// In numbers.
        imported: Imported,
    },
    /// A file to save.
    File {
        /// What it could be called.
        name: String,
        /// What is in it, UTF-8.
        content: String,
    },
    /// What the chain makes of a message.
    Verdict {
        /// With every step.
        verdict: Verdict,
    },
    /// What was answered then and would be now.
    Replayed {
        /// Newest conversation first, messages in order; at most 5,000.
        messages: Vec<Replayed>,
    },
    /// Offers to learn.
    Lessons {
        /// Newest first, at most 500.
        lessons: Vec<Lesson>,
    },
    /// Numbers of the chain.
    Usage {
        /// Most used first.
        rows: Vec<UsageRow>,
    },
    /// Which secrets are set.
    Secrets {
        /// And where they lie.
        secrets: Secrets,
    },
    /// What a test came to.
    Tested {
        /// In a sentence.
        tested: Tested,
    },
    /// The backups.
    Backups {
        /// Newest first.
        backups: Vec<Backup>,
        /// The folder that they lie in.
        folder: String,
        /// Why the last automatic backup was not made, in a sentence; `null` when it was.
        problem: Option<String>,
    },
    /// A part of an exported conversation.
    Exported {
        /// A name for the file.
        name: String,
        /// The part.
        part: String,
        /// Ask for the next part with this; `null` when this was the last.
        next: Option<Seq>,
    },
}

/// One find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Hit {
    /// Where.
    pub conversation: Conversation,
    /// The message, when it was a message.
    pub message: Option<Message>,
}

/// Everything a console needs to draw itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Snapshot {
    /// The desk's clock, for countdowns.
    pub now: Timestamp,
    /// The desk's version.
    pub version: String,
    /// Which database this is.
    pub epoch: String,
    /// Where the data lies.
    pub data_dir: String,
    /// The system's language.
    pub system_language: crate::settings::Language,
    /// The settings in force.
    pub settings: Settings,
    /// Whether the desk listens.
    pub listening: Listening,
    /// Why alerts of the system do not work, in a sentence; `null` when they do or are not this host's business.
    pub alerts_problem: Option<String>,
    /// Numbers for tabs and status line.
    pub counts: Counts,
    /// Whether nobody is at the console: said by hand, or no input for as long as the settings say.
    pub away: bool,
    /// Offers to learn that nobody has dealt with.
    pub lessons: u32,
    /// Work on the whole database that goes on.
    pub upkeep: Option<Upkeep>,
    /// Why the last automatic backup was not made, in a sentence; `null` when it was.
    pub backups_problem: Option<String>,
    /// What models and bots are writing, as far as it has come.
    pub drafts: Vec<DraftSoFar>,
    /// The first 500 open conversations, newest activity first, and all visitors.
    pub conversations: Vec<Conversation>,
    /// Whether there are older ones.
    pub more: bool,
}

/// What a model has written so far of a held reply or a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct DraftSoFar {
    /// Where.
    pub conversation: ConversationId,
    /// The customer's message that it would answer.
    pub for_seq: Seq,
    /// All of it so far.
    pub text: String,
}

/// What the console is told as it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Update {
    /// A conversation is new or has changed; the newest state wins.
    Conversation {
        /// As it is now.
        conversation: Box<Conversation>,
    },
    /// A visitor left without a word, or a conversation was erased.
    Gone {
        /// Which one.
        conversation: ConversationId,
    },
    /// A message is new or has changed: put it at its `seq`.
    Message {
        /// Where.
        conversation: ConversationId,
        /// What.
        message: Box<Message>,
    },
    /// The customer is typing. Lapses after 6 s.
    Typing {
        /// Where.
        conversation: ConversationId,
    },
    /// Something happened on a socket.
    Activity {
        /// What.
        event: ActivityEvent,
    },
    /// The numbers have changed.
    Counts {
        /// As they are now.
        counts: Counts,
    },
    /// The settings have changed.
    Settings {
        /// As they are now.
        settings: Box<Settings>,
    },
    /// What a model has written so far of a held reply or a suggestion, all of it. The final text comes with the
    /// conversation.
    Draft {
        /// Where.
        conversation: ConversationId,
        /// The customer's message that it would answer.
        for_seq: Seq,
        /// All of it so far.
        text: String,
    },
    /// An offer to learn, for who did what it came from.
    Lesson {
        /// The offer.
        lesson: Lesson,
    },
    /// The number of offers to learn has changed.
    Lessons {
        /// Those that nobody has dealt with.
        waiting: u32,
    },
    /// Rules or answers have changed: ask for them again where they are shown.
    Responder {},
    /// Nobody is at the console, or somebody is.
    Away {
        /// Whether nobody is.
        away: bool,
    },
    /// Listening has begun, ended or failed.
    Listening {
        /// As it is now.
        listening: Listening,
    },
    /// The system's alerts began to fail or to work.
    AlertsProblem {
        /// In a sentence; `null` when they work.
        problem: Option<String>,
    },
    /// The window should show this conversation: its notification was chosen.
    Reveal {
        /// Which one.
        conversation: ConversationId,
    },
    /// Work on the whole database goes on, or with `null` has ended.
    Upkeep {
        /// What, and how far.
        upkeep: Option<Upkeep>,
    },
    /// The backups are others than before: ask for them if they are shown.
    BackupsChanged {
        /// Why the last automatic backup was not made, in a sentence; `null` when it was.
        problem: Option<String>,
    },
    /// Updates were dropped because the console was too slow or asleep: ask for a snapshot and the open thread.
    Resync {},
}

/// Updates that travel together: what happened in one frame of 16 ms, under 8 KiB of JSON where single updates allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Batch {
    /// Counts up from 1 in each watch.
    #[ts(type = "number")]
    pub serial: i64,
    /// The desk's clock.
    pub now: Timestamp,
    /// In order.
    pub updates: Vec<Update>,
}

/// What a console sends over `deskbell.agent.v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentClientFrame {
    /// The first frame, within 5 s.
    Hello {
        /// From `agent.secret` in the data folder.
        secret: String,
    },
    /// A request; answered by a `response` or `refusal` with the same id.
    Call {
        /// The console's own number.
        #[ts(type = "number")]
        id: i64,
        /// What it asks.
        request: Request,
    },
}

/// What the desk sends over `deskbell.agent.v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentServerFrame {
    /// The secret is right; updates flow from here on.
    Welcome {
        /// The database's: under another one the same conversation number may be another customer's.
        epoch: String,
    },
    /// The answer to a call.
    Response {
        /// The call's number.
        #[ts(type = "number")]
        id: i64,
        /// The answer.
        response: Response,
    },
    /// A call, or with no id the connection, is refused.
    Refusal {
        /// The call's number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number")]
        id: Option<i64>,
        /// Why.
        refusal: Refusal,
    },
    /// What happened.
    Batch {
        /// In order.
        batch: Batch,
    },
}
