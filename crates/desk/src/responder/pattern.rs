//! Regular expressions of agents: linear in time by the `regex` crate, small by a limit on their compiled size.

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled expression. What is larger would take long over a long message, though never more than
/// proportionally.
const COMPILED_BYTES: usize = 1 << 20;

/// A pattern, ready to be run on text of folded width, without regard to case.
///
/// # Errors
/// A sentence that says where and why it cannot be read.
pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    if let Err(error) = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(pattern) {
        return Err(sentence(&error));
    }
    let build =
        |pattern: &str| RegexBuilder::new(pattern).case_insensitive(true).size_limit(COMPILED_BYTES).build();
    build(&folded(pattern)).or_else(|_| build(pattern)).map_err(|_| {
        "This expression is too large: use smaller numbers in braces, or fewer alternatives.".to_owned()
    })
}

fn sentence(error: &regex_syntax::Error) -> String {
    let (at, why) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.column, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.column, error.kind().to_string()),
        other => return format!("This expression cannot be read: {other}."),
    };
    format!("This expression cannot be read at character {at}: {why}.")
}

/// The pattern for text whose width is folded: an agent may well type `订单号：` with a full-width colon. What becomes
/// a character with a meaning of its own in expressions is escaped.
fn folded(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if c.is_ascii() {
            result.push(c);
        } else {
            let mut bytes = [0; 4];
            let folded = super::text::folded_width(c.encode_utf8(&mut bytes)).into_owned();
            result.push_str(&regex::escape(&folded));
        }
    }
    result
}

/// `1` to `9`.
pub(crate) fn is_number(name: &str) -> bool {
    matches!(name.as_bytes(), [b'1'..=b'9'])
}
