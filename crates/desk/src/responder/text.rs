//! How texts are compared: without regard to case, width, white space and surrounding punctuation.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// Full-width and compatibility forms as their usual ones (NFKC), and one kind of apostrophe.
pub(crate) fn folded_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfkc().map(|c| if matches!(c, '’' | '‘' | '＇' | '´') { '\'' } else { c }).collect())
}

/// Width and case folded, white space as single spaces, nothing around it.
pub(crate) fn normalized(text: &str) -> String {
    let folded = folded_width(text);
    let mut result = String::with_capacity(folded.len());
    let mut gap = false;
    let mut push = |c: char| {
        if c.is_whitespace() || c.is_control() || is_invisible(c) {
            gap |= !is_invisible(c) && !result.is_empty();
            return;
        }
        if std::mem::take(&mut gap) {
            result.push(' ');
        }
        result.push(c);
    };
    for c in folded.chars() {
        if c.is_ascii() {
            push(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(&mut push);
        }
    }
    result
}

/// What two texts have in common that are the same: normalized, without surrounding punctuation; of a text that is
/// nothing else (an emoji, "???"), all of it.
pub(crate) fn key(normalized: &str) -> &str {
    let bare = normalized.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() { normalized } else { bare }
}

/// Characters that take no place: joiners, direction marks, variation selectors.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe0e}' | '\u{fe0f}' | '\u{feff}')
}

/// Whether this is written without spaces between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    is_han(c)
        || matches!(c,
            '\u{0e00}'..='\u{0eff}'   // Thai, Lao
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        )
}

/// A Chinese character.
pub(crate) fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word of a spaced script would be cut by a boundary beside this character.
fn is_spaced_word(c: char) -> bool {
    c.is_alphanumeric() && !is_unspaced(c)
}

/// Whether `text[start..end]` is no part of a longer word. Between characters of a script without spaces, anything is
/// a boundary.
pub(crate) fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let (Some(before), Some(inside), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return false;
    };
    let joined =
        |a: Option<char>, b: Option<char>| a.is_some_and(is_spaced_word) && b.is_some_and(is_spaced_word);
    !joined(before.chars().next_back(), inside.chars().next())
        && !joined(inside.chars().next_back(), after.chars().next())
}
