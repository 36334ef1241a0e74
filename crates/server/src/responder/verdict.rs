//! What a model's words come to: a reply that can be sent as it is, or that it is not sure.

use deskbell_protocol::limits::{REPLY_BYTES, cut};

use super::model::ModelReply;

/// What a model is told to answer when it is not sure.
pub(super) const NOT_SURE: &str = "NOT_SURE";

/// How a model's words ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Complete,
    /// At the limit of tokens or bytes, in the middle of whatever it was saying.
    Limit,
    /// The model or its filter refused.
    Refused,
}

/// Judges the whole of a model's words.
pub(super) fn judge(raw: &str, end: End) -> ModelReply {
    let text = visible(raw).trim();
    if end == End::Refused || text.is_empty() || says_not_sure(text) {
        return ModelReply::NotSure;
    }
    let fitting = cut(text, REPLY_BYTES);
    let broken = end == End::Limit || fitting.len() < text.len();
    let text = if broken { whole_sentences(fitting).unwrap_or_default() } else { text };
    let text: String = text.chars().filter(|&c| !c.is_control() || c == '\n' || c == '\t').collect();
    if text.trim().is_empty() { ModelReply::NotSure } else { ModelReply::Text(text) }
}

/// The words so far as an agent may watch them; nothing while the model thinks, or may be about to say that it is not
/// sure.
pub(super) fn draft(raw: &str) -> Option<&str> {
    let text = visible(raw).trim_start();
    let letters = letters(text);
    (!"notsure".starts_with(&letters) && !says_not_sure(text)).then_some(text)
}

/// Whether this much is enough to know that the model is not sure.
pub(super) fn is_not_sure(raw: &str) -> bool {
    says_not_sure(visible(raw))
}

/// What is left of a model's words without its thoughts, which some endpoints send along: `<think>…</think>`, or only
/// the end of it.
fn visible(raw: &str) -> &str {
    if let Some((_, said)) = raw.rsplit_once("</think>") {
        return said;
    }
    let text = raw.trim_start();
    let thinks = text.starts_with("<think>") || (!text.is_empty() && "<think>".starts_with(text));
    if thinks { "" } else { raw }
}

/// The sentinel, wrapped in whatever: quotes, emphasis, a sentence. Small models also say it in their own words, but only
/// as the whole of their answer; “not sure” within a sentence can be part of a good reply.
fn says_not_sure(text: &str) -> bool {
    let plain = text.replace('\\', "");
    if plain.contains("NOT SURE") || plain.to_ascii_uppercase().contains(NOT_SURE) {
        return true;
    }
    let whole =
        ["notsure", "iamnotsure", "imnotsure", "idontknow", "不确定", "我不确定", "不知道", "我不知道"];
    whole.contains(&letters(text).as_str())
}

/// The beginning of a text as letters only, in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).take(32).flat_map(char::to_lowercase).collect()
}

/// Everything up to the end of the last sentence that is whole.
fn whole_sentences(text: &str) -> Option<&str> {
    let mut end = None;
    let mut characters = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, character)) = characters.next() {
        let ends = match character {
            '。' | '！' | '？' | '…' => true,
            '.' | '!' | '?' => {
                // Not inside `3.50` or `shop.example`, nor after the number of a list's item.
                let next = characters.peek().map(|&(_, next)| next);
                next.is_none_or(|next| next.is_whitespace() || is_closing(next)) && !before.is_ascii_digit()
            }
            _ => is_closing(character) && end == Some(at),
        };
        if ends {
            end = Some(at + character.len_utf8());
        }
        before = character;
    }
    end.and_then(|end| text.get(..end)).map(str::trim_end)
}

fn is_closing(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | '”' | '’' | '」' | '』' | '）' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str, end: End) -> Option<String> {
        match judge(raw, end) {
            ModelReply::Text(text) => Some(text),
            ModelReply::NotSure => None,
        }
    }

    #[test]
    fn not_sure_is_heard_however_it_is_wrapped() {
        for said in [
            "NOT_SURE",
            " not_sure.\n",
            "**NOT_SURE**",
            "“NOT\\_SURE”",
            "`NOT_SURE`!",
            "NOT_SURE: the notes say nothing about it.",
            "The notes do not tell. NOT_SURE",
            "NOT SURE",
            "I'm not sure.",
            "I am not sure",
            "我不确定。",
            "",
            " \n",
            "<think>It may be 5 €.</think>NOT_SURE",
            "<think>I should answer",
            "<thi",
        ] {
            assert_eq!(text(said, End::Complete), None, "{said}");
        }
    }

    #[test]
    fn not_sure_within_a_sentence_is_a_reply() {
        for said in
            ["If you are not sure about the size, order two.", "不确定尺码的话可以买两件。", "Sure!", "No."]
        {
            assert_eq!(text(said, End::Complete).as_deref(), Some(said));
        }
    }

    #[test]
    fn thoughts_are_not_said() {
        assert_eq!(text("<think>Hm.</think>\n\nHello!", End::Complete).as_deref(), Some("Hello!"));
        assert_eq!(text("Hm. Greeting.</think>Hello!", End::Complete).as_deref(), Some("Hello!"));
        assert_eq!(draft("<think>Hm"), None);
    }

    #[test]
    fn a_cut_off_reply_keeps_its_whole_sentences() {
        for (said, kept) in [
            ("We open at 9. On Sundays we ar", None),
            ("We are open. It costs 3.50 or 4.", Some("We are open.")),
            ("Look at shop.example for mo", None),
            ("1. Open the box. 2. Take", Some("1. Open the box.")),
            ("He said “yes.” And th", Some("He said “yes.”")),
            ("我们九点开门。周日", Some("我们九点开门。")),
            ("Really?! Then", Some("Really?!")),
            ("No end at all", None),
        ] {
            assert_eq!(text(said, End::Limit).as_deref(), kept, "{said}");
        }
    }

    #[test]
    fn a_refusal_is_not_a_reply() {
        assert_eq!(text("I can't help with that.", End::Refused), None);
    }

    #[test]
    fn a_reply_longer_than_a_message_is_cut_between_sentences() {
        let long = "This is a sentence. ".repeat(2000);
        let kept = text(&long, End::Complete).unwrap();
        assert!(kept.len() <= REPLY_BYTES && kept.ends_with("sentence."), "{}", kept.len());
    }

    #[test]
    fn the_draft_does_not_show_what_may_become_not_sure() {
        for beginning in ["", "N", "NOT", "NOT_", "NOT_SURE", "**NOT_S", "NOT_SURE because"] {
            assert_eq!(draft(beginning), None, "{beginning}");
        }
        assert_eq!(draft("Nothing is l"), Some("Nothing is l"));
        assert_eq!(draft("No, "), None);
        assert_eq!(draft("No, we"), Some("No, we"));
    }
}
