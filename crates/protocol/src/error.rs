//! Every refusal is a code for programs and a sentence for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why something was refused. Clients match on this, never on the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The frame is not a JSON object with a known shape.
    Malformed,
    /// The frame's `type` is not one this desk knows.
    UnknownType,
    /// The first frame must be `hello`, and only the first.
    HelloExpected,
    /// A text is empty where it may not be.
    Empty,
    /// A text or a number is over its limit.
    TooLong,
    /// The message id was used before for another text. Permanent: choose a new id.
    IdReused,
    /// Too many frames or bytes in a short time.
    RateLimited,
    /// Too many connections of one conversation, one address or the whole desk.
    TooManyConnections,
    /// The client read too slowly; it may connect again and resume.
    TooSlow,
    /// No traffic for too long, or an answer did not come in time.
    TimedOut,
    /// The desk is stopping; try again later.
    ShuttingDown,
    /// The desk could not store it; nothing was changed. Try again.
    StoreFailed,
    /// The desk has too much to do right now. Try again.
    Overloaded,
    /// There is no such conversation.
    NoSuchConversation,
    /// The held reply was sent, discarded or replaced meanwhile.
    StaleReply,
    /// There is no such message, or it cannot be changed.
    NoSuchMessage,
    /// There is no such rule, answer or offer (any more).
    NoSuchEntry,
    /// The agent's secret is missing or wrong.
    Unauthorized,
    /// The page's origin or the host name is not allowed.
    OriginRefused,
    /// A setting is not valid; the sentence says which.
    InvalidSetting,
    /// The address cannot be listened on.
    AddressUnavailable,
    /// There is no such backup, or it is damaged or of a newer version.
    BackupUnusable,
    /// A fault of the desk itself.
    Internal,
}

impl Code {
    /// The code as it stands in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownType => "unknown_type",
            Self::HelloExpected => "hello_expected",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::IdReused => "id_reused",
            Self::RateLimited => "rate_limited",
            Self::TooManyConnections => "too_many_connections",
            Self::TooSlow => "too_slow",
            Self::TimedOut => "timed_out",
            Self::ShuttingDown => "shutting_down",
            Self::StoreFailed => "store_failed",
            Self::Overloaded => "overloaded",
            Self::NoSuchConversation => "no_such_conversation",
            Self::StaleReply => "stale_reply",
            Self::NoSuchMessage => "no_such_message",
            Self::NoSuchEntry => "no_such_entry",
            Self::Unauthorized => "unauthorized",
            Self::OriginRefused => "origin_refused",
            Self::InvalidSetting => "invalid_setting",
            Self::AddressUnavailable => "address_unavailable",
            Self::BackupUnusable => "backup_unusable",
            Self::Internal => "internal",
        }
    }
}

/// A refusal: what kind it is, and a sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people, in English.
    pub message: String,
    /// The same in Chinese, where the agent reads it beside a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub message_zh: Option<String>,
    /// The setting that is not valid, as a path such as `texts.greeting.en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal with this code and sentence.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), message_zh: None, field: None }
    }

    /// A refusal of one setting.
    #[must_use]
    pub fn of_field(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(Code::InvalidSetting, message) }
    }

    /// The same refusal with its sentence in Chinese.
    #[must_use]
    pub fn in_chinese(self, sentence: impl Into<String>) -> Self {
        Self { message_zh: Some(sentence.into()), ..self }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code.as_str())
    }
}

impl std::error::Error for Refusal {}
