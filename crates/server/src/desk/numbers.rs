//! The responder's numbers: what became of what it proposed, over a period.

use std::collections::BTreeMap;

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::{UsageRow, Use};
use deskbell_protocol::{AnswerId, Code, Refusal, RuleId, Timestamp};
use deskbell_store::Used;

use super::Desk;
use super::calls::unread;

/// Bars of a small chart.
const BARS: usize = 60;
/// Milliseconds of an hour; numbers are kept by the hour.
const HOUR_MS: i64 = 3_600_000;

impl Desk {
    /// Answers `usage` and `export_usage`.
    pub(super) async fn numbers(&self, request: Request) -> Result<Response, Refusal> {
        match request {
            Request::Usage { from, to } => Ok(Response::Usage { rows: self.usage(from, to).await? }),
            Request::ExportUsage { from, to } => {
                let content = csv(&self.usage(from, to).await?);
                Ok(Response::File { name: "responder.csv".to_owned(), content })
            }
            _ => Err(Refusal::new(Code::UnknownType, "This request is not about numbers.")),
        }
    }

    async fn usage(&self, from: Timestamp, to: Timestamp) -> Result<Vec<UsageRow>, Refusal> {
        let used = self.readers().usage(from, to).await.map_err(unread)?;
        let bars = bars(from, to);
        let mut rows: BTreeMap<(&'static str, i64, String), UsageRow> = BTreeMap::new();
        for number in &used {
            let key = (word(number.kind), number.part, number.name.clone());
            let row = rows.entry(key).or_insert_with(|| empty(self.source(number), bars));
            add(row, number, from, to);
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.used));
        Ok(rows)
    }

    /// The part of the chain, with its name now.
    fn source(&self, used: &Used) -> Source {
        let responder = self.hub().responder();
        let mut source = Source::of(used.kind);
        source.id = (used.part != 0).then_some(used.part);
        source.name = match used.kind {
            SourceKind::Rule => responder
                .rules()
                .iter()
                .find(|rule| rule.id == RuleId(used.part))
                .map(|rule| rule.name.clone()),
            SourceKind::Answer => {
                responder.answer(AnswerId(used.part)).and_then(|answer| answer.questions.first().cloned())
            }
            _ => Some(used.name.clone()).filter(|name| !name.is_empty()),
        };
        source
    }
}

fn bars(from: Timestamp, to: Timestamp) -> usize {
    let hours = to.since(from).div_euclid(HOUR_MS).max(1);
    usize::try_from(hours).unwrap_or(BARS).min(BARS)
}

fn empty(source: Source, bars: usize) -> UsageRow {
    UsageRow {
        source,
        used: 0,
        sent: 0,
        edited: 0,
        discarded: 0,
        corrected: 0,
        retracted: 0,
        led_to_human: 0,
        over_time: vec![0; bars],
    }
}

fn add(row: &mut UsageRow, number: &Used, from: Timestamp, to: Timestamp) {
    let field = match number.what {
        Use::Used => &mut row.used,
        Use::Sent => &mut row.sent,
        Use::Edited => &mut row.edited,
        Use::Discarded => &mut row.discarded,
        Use::Corrected => &mut row.corrected,
        Use::Retracted => &mut row.retracted,
        Use::LedToHuman => &mut row.led_to_human,
    };
    *field = field.saturating_add(number.count);
    if number.what == Use::Used {
        let bars = i64::try_from(row.over_time.len()).unwrap_or(1);
        let whole = to.since(from).max(1);
        let bar = number.at.since(from).clamp(0, whole - 1).saturating_mul(bars).div_euclid(whole);
        if let Some(bar) = usize::try_from(bar).ok().and_then(|bar| row.over_time.get_mut(bar)) {
            *bar = bar.saturating_add(number.count);
        }
    }
}

fn word(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Greeting => "greeting",
        SourceKind::Fallback => "fallback",
        SourceKind::Rule => "rule",
        SourceKind::Answer => "answer",
        SourceKind::Model => "model",
        SourceKind::Webhook => "webhook",
        SourceKind::Away => "away",
        SourceKind::PersonCalled => "person_called",
    }
}

/// RFC 4180, with a header line.
fn csv(rows: &[UsageRow]) -> String {
    let mut out =
        String::from("part,id,name,used,sent,edited,discarded,corrected,retracted,led_to_human\r\n");
    for row in rows {
        let id = row.source.id.map(|id| id.to_string()).unwrap_or_default();
        let name = quoted(row.source.name.as_deref().unwrap_or_default());
        let line = format!(
            "{},{id},{name},{},{},{},{},{},{},{}\r\n",
            word(row.source.kind),
            row.used,
            row.sent,
            row.edited,
            row.discarded,
            row.corrected,
            row.retracted,
            row.led_to_human
        );
        out.push_str(&line);
    }
    out
}

/// A field in quotes. What a spreadsheet would take for a formula gets an apostrophe (OWASP, CSV injection).
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
