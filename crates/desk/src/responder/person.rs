//! Whether a customer asks for a person.

use super::text::{key, normalized};

/// Recognises requests for a person.
#[derive(Default)]
pub(crate) struct RequestsForPerson {}

impl RequestsForPerson {
    /// The phrase with which this message asks for a person.
    pub(crate) fn phrase(&self, phrases: &[String], message: &str) -> Option<String> {
        let message = key(message);
        phrases.iter().find(|phrase| key(&normalized(phrase)) == message).cloned()
    }
}
