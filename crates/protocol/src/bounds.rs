//! The responder's settings within their bounds.

use crate::error::Refusal;
use crate::limits;
use crate::settings::{BusinessHours, Localized, ModelSettings, ResponderSettings, WebhookSettings, within};

/// An address that is asked over HTTP, in bytes.
const URL_BYTES: usize = 2_048;
/// What a model is told before the thread, in bytes.
const PROMPT_BYTES: usize = 16 * 1024;
/// Spans of one day.
const SPANS: usize = 24;

impl ResponderSettings {
    /// Within bounds, trimmed where white space has no meaning, or the refusal of the first bad field. Whether a time
    /// zone exists is not known here.
    pub(crate) fn validated(mut self) -> Result<Self, Refusal> {
        number("responder.threshold_percent", self.threshold_percent, 1, 100, "per cent")?;
        self.human_phrases.iter_mut().for_each(|phrase| *phrase = phrase.trim().to_owned());
        self.human_phrases.retain(|phrase| !phrase.is_empty());
        if self.human_phrases.len() > limits::RULE_WORDS {
            return Err(Refusal::of_field("responder.human_phrases", "At most 100 phrases."));
        }
        for (nth, phrase) in self.human_phrases.iter().enumerate() {
            within(&format!("responder.human_phrases.{nth}"), phrase, limits::HUMAN_PHRASE_BYTES)?;
        }
        localized("responder.person_called", &self.person_called)?;
        localized("responder.away_text", &self.away_text)?;
        model(&mut self.model)?;
        webhook(&mut self.webhook)?;
        if self.return_after_seconds > 86_400 {
            return Err(Refusal::of_field(
                "responder.return_after_seconds",
                "Give control back after at most 86,400 seconds, or 0 for never.",
            ));
        }
        if self.away_after_minutes > 1_440 {
            return Err(Refusal::of_field(
                "responder.away_after_minutes",
                "At most 1,440 minutes, or 0 to say it by hand.",
            ));
        }
        if let Some(open) = &mut self.hours {
            hours(open)?;
        }
        Ok(self)
    }
}

fn localized(field: &str, text: &Localized) -> Result<(), Refusal> {
    within(&format!("{field}.en"), &text.en, limits::TEMPLATE_BYTES)?;
    within(&format!("{field}.zh-CN"), &text.zh_cn, limits::TEMPLATE_BYTES)
}

fn model(model: &mut ModelSettings) -> Result<(), Refusal> {
    model.url = model.url.trim().trim_end_matches('/').to_owned();
    model.model = model.model.trim().to_owned();
    address("responder.model.url", &model.url, model.enabled, "http://127.0.0.1:11434/v1")?;
    if model.enabled && model.model.is_empty() {
        return Err(Refusal::of_field("responder.model.model", "Name the model, such as qwen3:8b."));
    }
    within("responder.model.model", &model.model, limits::FACT_BYTES)?;
    within("responder.model.system_prompt", &model.system_prompt, PROMPT_BYTES)?;
    number("responder.model.deadline_seconds", model.deadline_seconds, 1, 120, "seconds")?;
    number("responder.model.max_tokens", model.max_tokens, 16, 4_096, "tokens")
}

fn webhook(webhook: &mut WebhookSettings) -> Result<(), Refusal> {
    webhook.url = webhook.url.trim().to_owned();
    address("responder.webhook.url", &webhook.url, webhook.enabled, "https://bot.example/deskbell")?;
    number("responder.webhook.deadline_seconds", webhook.deadline_seconds, 1, 120, "seconds")
}

/// `http://` or `https://` and a host. What is switched off may be empty.
fn address(field: &str, url: &str, enabled: bool, example: &str) -> Result<(), Refusal> {
    within(field, url, URL_BYTES)?;
    if url.is_empty() && !enabled {
        return Ok(());
    }
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Refusal::of_field(field, format!("Write the whole address, such as {example}.")));
    }
    if host.contains('@') {
        return Err(Refusal::of_field(
            field,
            "Leave name and password out of the address: keys have a field of their own.",
        ));
    }
    Ok(())
}

fn hours(hours: &mut BusinessHours) -> Result<(), Refusal> {
    hours.time_zone = hours.time_zone.trim().to_owned();
    within("responder.hours.time_zone", &hours.time_zone, limits::NAME_BYTES)?;
    if hours.days.len() != 7 {
        return Err(Refusal::of_field("responder.hours.days", "Seven days, from Monday to Sunday."));
    }
    for (day, spans) in hours.days.iter().enumerate() {
        if spans.len() > SPANS {
            return Err(Refusal::of_field(
                &format!("responder.hours.days.{day}"),
                "At most 24 spans in one day.",
            ));
        }
        let mut free_from = 0;
        for (nth, span) in spans.iter().enumerate() {
            let refuse = |sentence: &str| {
                Err(Refusal::of_field(&format!("responder.hours.days.{day}.{nth}"), sentence))
            };
            if span.from >= span.to || span.to > 1_440 {
                return refuse(
                    "The end must be after the beginning, and not after midnight: split what goes over midnight.",
                );
            }
            if span.from < free_from {
                return refuse("This begins before the one above ends.");
            }
            free_from = span.to;
        }
    }
    Ok(())
}

fn number(field: &str, number: u32, least: u32, most: u32, unit: &str) -> Result<(), Refusal> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(Refusal::of_field(field, format!("From {least} to {most} {unit}.")))
}
