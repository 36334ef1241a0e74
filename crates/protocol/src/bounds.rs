//! The responder's settings within their bounds.

use crate::error::Refusal;
use crate::limits;
use crate::settings::{BusinessHours, Localized, ResponderSettings, within};

/// Spans of one day.
const SPANS: usize = 24;

impl ResponderSettings {
    /// Within bounds, trimmed where white space has no meaning, or the refusal of the first bad field. Whether a time
    /// zone exists is not known here.
    pub(crate) fn validated(mut self) -> Result<Self, Refusal> {
        if !(1..=100).contains(&self.threshold_percent) {
            return Err(Refusal::of_field("responder.threshold_percent", "From 1 to 100 per cent.")
                .in_chinese("请填 1 到 100。"));
        }
        self.human_phrases.iter_mut().for_each(|phrase| *phrase = phrase.trim().to_owned());
        self.human_phrases.retain(|phrase| !phrase.is_empty());
        if self.human_phrases.len() > limits::RULE_WORDS {
            return Err(Refusal::of_field("responder.human_phrases", "At most 100 phrases.")
                .in_chinese("最多 100 个短语。"));
        }
        for (nth, phrase) in self.human_phrases.iter().enumerate() {
            within(&format!("responder.human_phrases.{nth}"), phrase, limits::HUMAN_PHRASE_BYTES)?;
        }
        localized("responder.person_called", &self.person_called)?;
        localized("responder.away_text", &self.away_text)?;
        self.model = self.model.validated()?;
        self.webhook = self.webhook.validated()?;
        if self.return_after_seconds > 86_400 {
            return Err(Refusal::of_field(
                "responder.return_after_seconds",
                "Give control back after at most 86,400 seconds, or 0 for never.",
            )
            .in_chinese("最多 86,400 秒后交还；填 0 则从不。"));
        }
        if self.away_after_minutes > 1_440 {
            return Err(Refusal::of_field(
                "responder.away_after_minutes",
                "At most 1,440 minutes, or 0 to say it by hand.",
            )
            .in_chinese("最多 1,440 分钟；填 0 则由您手动设置。"));
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

fn hours(hours: &mut BusinessHours) -> Result<(), Refusal> {
    hours.time_zone = hours.time_zone.trim().to_owned();
    within("responder.hours.time_zone", &hours.time_zone, limits::NAME_BYTES)?;
    if hours.days.len() != 7 {
        return Err(Refusal::of_field("responder.hours.days", "Seven days, from Monday to Sunday.")
            .in_chinese("须为周一至周日七天。"));
    }
    for (day, spans) in hours.days.iter().enumerate() {
        if spans.len() > SPANS {
            return Err(Refusal::of_field(
                &format!("responder.hours.days.{day}"),
                "At most 24 spans in one day.",
            )
            .in_chinese("一天最多 24 个时段。"));
        }
        let mut free_from = 0;
        for (nth, span) in spans.iter().enumerate() {
            let refuse = |sentence: &str, chinese: &str| {
                let field = format!("responder.hours.days.{day}.{nth}");
                Err(Refusal::of_field(&field, sentence).in_chinese(chinese))
            };
            if span.from >= span.to || span.to > 1_440 {
                return refuse(
                    "The end must be after the beginning, and not after midnight: split what goes over midnight.",
                    "结束时间须晚于开始时间，且不过午夜：跨午夜的时段请拆成两段。",
                );
            }
            if span.from < free_from {
                return refuse("This begins before the one above ends.", "此时段在上一时段结束前就开始了。");
            }
            free_from = span.to;
        }
    }
    Ok(())
}
