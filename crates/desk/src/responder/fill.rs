//! Filling `{name}`, `{page}` and captures into a reply. What is filled in stays text: it is not looked through for
//! placeholders, brings no control characters and has a bound.

use deskbell_protocol::entity::Customer;
use deskbell_protocol::limits;

use super::text::is_invisible;

/// Fills the placeholders of `template` for which `value` knows something; to others it says `None`, and they stay.
pub(crate) fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<Option<&'v str>>) -> String {
    let mut result = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        result.push_str(rest.get(..open).unwrap_or_default());
        rest = rest.get(open..).unwrap_or_default();
        match placeholder(rest).and_then(|(name, after)| Some((value(name)?, after))) {
            Some((known, after)) => {
                let known = known.map(plain).unwrap_or_default();
                result.push_str(&known);
                rest = if known.is_empty() { close_gap(&mut result, after) } else { after };
            }
            None => {
                result.push('{');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        if result.len() > limits::REPLY_BYTES {
            break;
        }
    }
    result.push_str(rest);
    result.truncate(result.floor_char_boundary(limits::REPLY_BYTES));
    result.trim().to_owned()
}

/// Fills `{name}` and `{page}` with what is known about the customer.
pub(crate) fn fill_known(template: &str, customer: Option<&Customer>) -> String {
    fill(template, |placeholder| match placeholder {
        "name" => Some(customer.and_then(|customer| customer.name.as_deref())),
        "page" => Some(customer.and_then(|customer| customer.page.as_deref())),
        _ => None,
    })
}

/// The name between braces at the beginning of `text`, and what follows.
pub(crate) fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let is_name = !name.is_empty()
        && name.len() <= limits::LABEL_BYTES
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some((name, after))
}

/// A value as text: on one line, at most as long as a fact about a customer, no control or direction characters.
fn plain(value: &str) -> String {
    let shown = limits::cut(value.trim(), limits::FACT_BYTES)
        .chars()
        .filter(|c| !is_invisible(*c) || matches!(c, '\u{200d}' | '\u{fe0f}'))
        .map(|c| if c.is_control() { ' ' } else { c });
    shown.collect::<String>().trim().to_owned()
}

/// Where nothing is filled in: "Hello {name}, how…" becomes "Hello, how…", "Yes, {name}, we…" becomes "Yes, we…", and
/// "{name}, how…" becomes "how…".
fn close_gap<'t>(result: &mut String, after: &'t str) -> &'t str {
    const COMMAS: [char; 3] = [',', '，', '、'];
    const CLOSING: [char; 11] = [',', '，', '、', '.', '!', '?', ';', ':', '。', '！', '？'];
    let line_begins = result.is_empty() || result.ends_with('\n');
    if line_begins {
        return after.trim_start_matches(|c: char| c == ' ' || CLOSING.contains(&c));
    }
    if after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || CLOSING.contains(&c)) {
        result.truncate(result.trim_end_matches(' ').len());
        if !after.starts_with(char::is_whitespace) {
            result.truncate(result.trim_end_matches(COMMAS).len());
        }
    }
    after
}
