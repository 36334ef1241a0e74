//! Identities and counters. All fit JavaScript's safe integers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS,
        )]
        #[serde(transparent)]
        pub struct $name(#[ts(type = "number")] pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A conversation, as agents name it. Customers never name one: their token is the only key.
    ConversationId
}
number! {
    /// A live socket, unique until the desk stops.
    ConnectionId
}
number! {
    /// A held reply, unique within its conversation.
    HeldId
}
number! {
    /// A message's place in its conversation, from 1. Order is this, never a clock.
    Seq
}
number! {
    /// A conversation's counter of changes that its customer can see, from 1; 0 is "nothing yet".
    /// A client that has revision N and receives N+2 has a gap and reconnects to resume from N.
    Revision
}
number! {
    /// A rule of the responder; 0 is none yet.
    RuleId
}
number! {
    /// An answer of the knowledge base; 0 is none yet.
    AnswerId
}
number! {
    /// An offer to learn from what an agent did.
    LessonId
}
number! {
    /// Milliseconds since 1970-01-01 UTC.
    Timestamp
}

impl Seq {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Timestamp {
    /// This moment moved by `milliseconds`, saturating.
    #[must_use]
    pub fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
