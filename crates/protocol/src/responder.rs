//! What answers by itself, and what the agent teaches it: rules, answers, the model, the webhook bot; verdicts that say
//! why; offers to learn; numbers.
//!
//! The responder is a chain: a request for a person, rules in their order, answers, the model, the webhook bot, the
//! default reply. The first that is sure wins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::entity::{Author, Customer, NeedsHumanReason, Source, SourceKind};
use crate::id::{AnswerId, ConversationId, LessonId, RuleId, Seq, Timestamp};
use crate::settings::{Language, Localized};

/// One step of the chain that an agent wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Rule {
    /// Names it in requests; 0 for a new one.
    pub id: RuleId,
    /// What the agent calls it, 1 to 128 bytes.
    pub name: String,
    /// Whether it takes part.
    pub enabled: bool,
    /// When it applies.
    pub trigger: Trigger,
    /// Only for customers of these languages; empty is any.
    pub languages: Vec<Language>,
    /// Only on pages that contain this text, whatever the case; empty is any.
    pub page: String,
    /// What it does.
    pub action: Action,
}

/// When a rule applies. Texts are compared without regard to case, width (NFKC) and surrounding punctuation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// The message is one of these phrases.
    Phrase {
        /// 1 to 100, each 1 to 512 bytes.
        phrases: Vec<String>,
    },
    /// The message has these words: whole words where the script has spaces between them, else anywhere.
    Keywords {
        /// 1 to 100, each 1 to 512 bytes.
        keywords: Vec<String>,
        /// All of them, or any one.
        all: bool,
    },
    /// The message matches a regular expression of the `regex` crate, whose time is linear.
    Regex {
        /// 1 to 1,024 bytes. Without regard to case unless it says `(?-i)`.
        pattern: String,
    },
    /// The customer's first message ever.
    FirstMessage {},
    /// The first message of a visit by a customer who was here before.
    ReturningCustomer {},
    /// Outside business hours.
    OutsideHours {},
    /// Every message.
    Always {},
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Replies. The text may hold `{name}`, `{page}`, and of a regex `{1}` to `{9}` and `{group}`; what is not known
    /// becomes empty.
    Reply {
        /// In the customer's language, or in the other one where that is empty.
        text: Localized,
    },
    /// Marks the conversation as needing a human, and replies if there is a text.
    NeedsHuman {
        /// As in `reply`; may be empty.
        text: Localized,
    },
    /// Puts a label on the conversation; the chain goes on.
    Label {
        /// 1 to 64 bytes.
        label: String,
    },
    /// Says nothing, and nobody is needed.
    Silent {},
}

/// One entry of the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Answer {
    /// Names it in requests; 0 for a new one.
    pub id: AnswerId,
    /// Whether it takes part.
    pub enabled: bool,
    /// The question as customers put it, 1 to 50 variants, each 1 to 512 bytes.
    pub questions: Vec<String>,
    /// What is replied, 1 to 4,096 bytes; `{name}` and `{page}` are filled in.
    pub reply: String,
    /// Only for customers of these languages; empty is any.
    pub languages: Vec<Language>,
    /// Put on the conversation, at most 8, each 1 to 64 bytes.
    pub labels: Vec<String>,
}

/// A rule with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct RuleRow {
    /// The rule.
    pub rule: Rule,
    /// How often it was used, ever.
    pub used: u32,
    /// How often an agent edited, discarded, corrected or retracted what it proposed, ever.
    pub overridden: u32,
}

/// An answer with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AnswerRow {
    /// The answer.
    pub answer: Answer,
    /// As of a rule.
    pub used: u32,
    /// As of a rule.
    pub overridden: u32,
}

/// A format that answers are exported to and imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// RFC 4180 with a header line: `id,enabled,questions,reply,languages,labels`; lists are separated by line breaks.
    Csv,
    /// An array of answers.
    Json,
}

/// What an import did or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Imported {
    /// New answers.
    pub added: u32,
    /// Answers whose `id` was known and whose content differs.
    pub changed: u32,
    /// Answers that are there already.
    pub unchanged: u32,
    /// Records that cannot be taken, at most 100; then nothing at all is imported.
    pub problems: Vec<ImportProblem>,
}

/// A record that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ImportProblem {
    /// Its number in the file, from 1.
    pub record: u32,
    /// Why, in a sentence.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

/// What the chain is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Question {
    /// What the customer wrote.
    pub text: String,
    /// The customer's language.
    pub language: Language,
    /// The customer's name.
    pub name: Option<String>,
    /// The customer's page.
    pub page: Option<String>,
    /// Whether this is the customer's first message ever.
    pub first_message: bool,
    /// Whether this is the first message of a visit by a customer who was here before.
    pub returning: bool,
}

impl Question {
    /// This text from a customer who has written before.
    #[must_use]
    pub fn of(customer: &Customer, text: String) -> Self {
        Self {
            text,
            language: customer.language,
            name: customer.name.clone(),
            page: customer.page.clone(),
            first_message: false,
            returning: false,
        }
    }
}

/// What the chain makes of a question, with every step that led there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Verdict {
    /// What happens.
    pub outcome: Outcome,
    /// Labels that are put on the conversation.
    pub labels: Vec<String>,
    /// The steps in order; the winner is the last that applies. Answers come with their scores, best first, at most 5.
    pub steps: Vec<Step>,
}

/// What happens to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// A reply.
    Reply {
        /// What it says.
        text: String,
        /// Where it comes from.
        source: Source,
    },
    /// A human is needed; the customer is told the text, if there is one.
    NeedsHuman {
        /// Why.
        reason: NeedsHumanReason,
        /// What the customer is told.
        text: Option<String>,
        /// Where that comes from.
        source: Source,
    },
    /// Nothing is said, and nobody is needed.
    Silent {
        /// The rule.
        source: Source,
    },
    /// The model or the webhook bot is asked; `otherwise` is what happens when none is sure.
    Ask {
        /// In this order: `model`, `webhook`.
        who: Vec<SourceKind>,
        /// The best answers, for the model to stand on.
        grounding: Vec<AnswerId>,
        /// The default reply, if there is one.
        otherwise: Option<String>,
    },
    /// Nothing fits, and there is no default reply: a human is needed.
    Nothing {},
}

/// One step of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Step {
    /// Which part.
    pub source: Source,
    /// Whether it applied.
    pub applies: bool,
    /// Why or why not.
    pub why: Why,
}

/// Why a part of the chain applied or not. The console words it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Why {
    /// A phrase, keyword, expression or question variant fits.
    Matches {
        /// Which one.
        what: String,
    },
    /// Nothing of it fits.
    NoMatch {},
    /// It is switched off.
    SwitchedOff {},
    /// It is for other languages.
    OtherLanguage {},
    /// It is for other pages.
    OtherPage {},
    /// Its score is below the threshold.
    BelowThreshold {
        /// The threshold, 0 to 1.
        threshold: f64,
    },
    /// It applies to every message, or to this moment (outside business hours, first message, …).
    Applies {},
    /// It has no text.
    NoText {},
    /// It is asked once the message is stored.
    Asked {},
    /// It failed, in a sentence.
    Failed {
        /// What went wrong.
        message: String,
        /// The same in Chinese.
        message_zh: String,
    },
    /// It said that it is not sure.
    NotSure {},
    /// The webhook bot promised a reply through the API. Only a trial says so; a customer's question waits for it.
    Later {},
}

/// An offer to learn from what an agent did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Lesson {
    /// Names it in requests.
    pub id: LessonId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub conversation: ConversationId,
    /// The customer's message.
    pub question_seq: Seq,
    /// What it said.
    pub question: String,
    /// The customer's language.
    pub language: Language,
    /// What the agent did.
    pub kind: LessonKind,
    /// What the responder had proposed or sent.
    pub proposed: Option<String>,
    /// Where that came from: an answer or rule to change, or nothing to make a new one.
    pub source: Option<Source>,
    /// What the agent said instead; missing when a reply was discarded and nothing said yet.
    pub reply: Option<String>,
    /// The agent's name.
    pub by: String,
}

/// What an agent did that can be learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum LessonKind {
    /// Edited a held reply and sent it.
    Edited,
    /// Discarded a held reply.
    Discarded,
    /// Corrected a reply that was sent.
    Corrected,
    /// Answered by hand what the default reply had caught.
    Answered,
}

/// What happened to what the responder proposed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It was proposed: sent, held, or marked.
    Used,
    /// It was sent as proposed.
    Sent,
    /// An agent edited it before it was sent.
    Edited,
    /// An agent discarded it, or took over while it was held.
    Discarded,
    /// An agent corrected it after it was sent.
    Corrected,
    /// An agent retracted it after it was sent.
    Retracted,
    /// The conversation was marked as needing a human with it, or an agent took over within the same question.
    LedToHuman,
}

/// The numbers of one rule, answer or other part of the chain over a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct UsageRow {
    /// Which part: its kind, id and name now; a part that was deleted has no name.
    pub source: Source,
    /// See [`Use::Used`].
    pub used: u32,
    /// See [`Use::Sent`].
    pub sent: u32,
    /// See [`Use::Edited`].
    pub edited: u32,
    /// See [`Use::Discarded`].
    pub discarded: u32,
    /// See [`Use::Corrected`].
    pub corrected: u32,
    /// See [`Use::Retracted`].
    pub retracted: u32,
    /// See [`Use::LedToHuman`].
    pub led_to_human: u32,
    /// `used`, split over the period in equal parts, oldest first, at most 60 of them; for a small chart.
    pub over_time: Vec<u32>,
}

/// A change to the responder that is only looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plan {
    /// A new rule, behind the others, or another version of one.
    Rule {
        /// The rule.
        rule: Rule,
    },
    /// A new answer, or another version of one.
    Answer {
        /// The answer.
        answer: Answer,
    },
}

/// One message of a replay: what was answered then and what would be now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Replayed {
    /// Where.
    pub conversation: ConversationId,
    /// The customer's message.
    pub seq: Seq,
    /// What it said.
    pub question: String,
    /// What answered it then: the author, the text and the source; missing when nobody did.
    pub then: Option<ThenAnswer>,
    /// What the chain makes of it now.
    pub now: Verdict,
    /// Whether the customer would get something else.
    pub changed: bool,
}

/// What answered a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ThenAnswer {
    /// `automatic` or `agent`.
    pub author: Author,
    /// What it said.
    pub text: String,
    /// Where an automatic reply came from.
    pub source: Option<Source>,
}

/// Where a secret of the responder lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SecretPlace {
    /// None is set.
    #[default]
    Nowhere,
    /// In the system's keyring.
    Keyring,
    /// In a file of the data folder that only its owner can read: this system has no keyring.
    File,
}

/// A secret of the responder. Secrets go in and never come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SecretName {
    /// The model's API key.
    ModelKey,
    /// The webhook bot's signing secret.
    WebhookSecret,
}

/// Which secrets are set, and where they lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Secrets {
    /// The model's API key.
    pub model_key: SecretPlace,
    /// The webhook bot's signing secret.
    pub webhook_secret: SecretPlace,
}

/// What a test of the model or the webhook bot came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Tested {
    /// Whether it answered as it should.
    pub works: bool,
    /// What it said, or what went wrong and what to do about it, in a sentence.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
    /// How long it took in milliseconds.
    pub took_ms: u32,
}
