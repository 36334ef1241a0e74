//! Bounds on what comes from outside that nobody needs to change. Those on sockets are settings:
//! [`Limits`](crate::settings::Limits).

/// One WebSocket frame of a console, in bytes. Not a setting, or a small one could lock consoles out.
pub const CONSOLE_FRAME_BYTES: u32 = 64 * 1024;
/// A client's id for a message, in bytes.
pub const CLIENT_ID_BYTES: usize = 64;
/// A customer's name, e-mail, locale, page or user agent, in bytes; longer is cut at a character.
pub const FACT_BYTES: usize = 512;
/// The greeting or the default reply, in bytes.
pub const TEMPLATE_BYTES: usize = 4 * 1024;
/// A name that an agent gives (own name), in bytes.
pub const NAME_BYTES: usize = 128;
/// The longest hold, in seconds.
pub const HOLD_SECONDS: u32 = 3600;
/// Messages in one page of a thread.
pub const THREAD_PAGE: u32 = 200;
/// Conversations in one page of the list.
pub const LIST_PAGE: u32 = 500;
/// Events kept for the activity view.
pub const ACTIVITY_EVENTS: usize = 2000;
/// Characters of a message shown in the list and the activity view.
pub const PREVIEW_CHARS: usize = 120;
/// Sites from which browsers may connect besides the desk's own.
pub const ALLOWED_ORIGINS: usize = 64;

/// A reply that the responder made, in bytes.
pub const REPLY_BYTES: usize = 16 * 1024;
/// Rules of the responder.
pub const RULES: usize = 500;
/// Answers of the knowledge base.
pub const ANSWERS: usize = 50_000;
/// Phrases or keywords of one rule.
pub const RULE_WORDS: usize = 100;
/// A phrase, a keyword, a question variant or a page, in bytes.
pub const PHRASE_BYTES: usize = 512;
/// A phrase with which customers ask for a person, in bytes.
pub const HUMAN_PHRASE_BYTES: usize = 128;
/// A regular expression, in bytes.
pub const PATTERN_BYTES: usize = 1024;
/// Question variants of one answer.
pub const ANSWER_QUESTIONS: usize = 50;
/// A label, in bytes.
pub const LABEL_BYTES: usize = 64;
/// Labels of one answer.
pub const ANSWER_LABELS: usize = 8;
/// Labels of one conversation.
pub const CONVERSATION_LABELS: usize = 16;
/// A file that is imported, in bytes.
pub const IMPORT_BYTES: usize = 16 * 1024 * 1024;
/// A console's request that comes over HTTP because it is larger than a frame, in bytes: a whole file to import, and what
/// JSON adds to it.
pub const CONSOLE_CALL_BYTES: usize = 2 * IMPORT_BYTES;
/// Answers that are deleted or brought back at once.
pub const ANSWERS_AT_ONCE: usize = 500;
/// An address that the responder asks, in bytes.
pub const ADDRESS_BYTES: usize = 1024;
/// A secret of the responder, in bytes.
pub const SECRET_BYTES: usize = 4096;

/// `text` cut to at most `bytes` bytes at a character boundary.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// The first [`PREVIEW_CHARS`] characters of `text` on one line.
#[must_use]
pub fn preview(text: &str) -> String {
    text.chars().take(PREVIEW_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
