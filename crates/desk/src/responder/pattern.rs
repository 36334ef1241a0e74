//! Regular expressions of agents: linear in time by the `regex` crate, small by a limit on their compiled size.

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled expression. What is larger would take long over a long message, though never more than
/// proportionally.
const COMPILED_BYTES: usize = 1 << 20;

/// A pattern, ready to be run on text of folded width, without regard to case.
///
/// # Errors
/// A [`Fault`]: where and why it cannot be read.
pub(crate) fn compiled(pattern: &str) -> Result<Regex, Fault> {
    if let Err(error) = regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(pattern) {
        return Err(Fault::of(&error));
    }
    let build =
        |pattern: &str| RegexBuilder::new(pattern).case_insensitive(true).size_limit(COMPILED_BYTES).build();
    build(&folded(pattern)).or_else(|_| build(pattern)).map_err(|_| Fault::TooLarge)
}

/// Why an expression cannot be used. The parser's own word is English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// At this character, counted from 1.
    At(usize, String),
    Unreadable(String),
    TooLarge,
}

impl Fault {
    fn of(error: &regex_syntax::Error) -> Self {
        match error {
            regex_syntax::Error::Parse(error) => {
                Self::At(error.span().start.column, error.kind().to_string())
            }
            regex_syntax::Error::Translate(error) => {
                Self::At(error.span().start.column, error.kind().to_string())
            }
            other => Self::Unreadable(other.to_string()),
        }
    }

    /// The sentence in Chinese.
    pub(crate) fn in_chinese(&self) -> String {
        match self {
            Self::At(at, why) => format!("表达式第 {at} 个字符处无法识别：{why}。"),
            Self::Unreadable(why) => format!("表达式无法识别：{why}。"),
            Self::TooLarge => "表达式过大：请减小花括号中的数字，或减少备选项。".to_owned(),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(at, why) => write!(f, "This expression cannot be read at character {at}: {why}."),
            Self::Unreadable(why) => write!(f, "This expression cannot be read: {why}."),
            Self::TooLarge => f.write_str(
                "This expression is too large: use smaller numbers in braces, or fewer alternatives.",
            ),
        }
    }
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
