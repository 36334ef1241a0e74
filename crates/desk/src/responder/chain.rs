//! The walk along the chain.

use deskbell_protocol::entity::{NeedsHumanReason, Source, SourceKind};
use deskbell_protocol::responder::{Action, Outcome, Question, Rule, Step, Verdict, Why};
use deskbell_protocol::settings::{Localized, Settings};
use deskbell_protocol::{AnswerId, Timestamp};

use super::fill::fill;
use super::rules::{self, Fit};
use super::text::normalized;
use super::{Responder, hours, non_empty};
use crate::proposal::{Draft, Label, Proposal};

/// Answers that a model stands on, and that a verdict lists.
const BEST_ANSWERS: usize = 5;
/// From this score on an answer is worth a model's while.
const GROUNDING: f64 = 0.15;

/// One walk: what was found so far.
struct Walk<'w> {
    responder: &'w Responder,
    question: &'w Question,
    settings: &'w Settings,
    normalized: String,
    closed: bool,
    labels: Vec<Label>,
    /// Missing when nobody wants to know.
    steps: Option<Vec<Step>>,
    grounding: Vec<AnswerId>,
}

impl Responder {
    /// What the chain makes of a question at this moment; the steps only when they shall be explained.
    #[must_use]
    pub fn verdict(
        &self,
        question: &Question,
        settings: &Settings,
        now: Timestamp,
        explain: bool,
    ) -> Verdict {
        let mut walk = self.walk(question, settings, now, explain);
        let outcome = walk.outcome();
        let mut labels = Vec::new();
        for Label { text, .. } in walk.labels {
            if !labels.contains(&text) {
                labels.push(text);
            }
        }
        Verdict { outcome, labels, steps: walk.steps.unwrap_or_default() }
    }

    /// What the chain proposes to a customer's message at this moment, and the labels that it puts on.
    #[must_use]
    pub fn propose(
        &self,
        question: &Question,
        settings: &Settings,
        now: Timestamp,
    ) -> (Proposal, Vec<Label>) {
        let mut walk = self.walk(question, settings, now, false);
        (walk.outcome().into(), walk.labels)
    }

    fn walk<'w>(
        &'w self,
        question: &'w Question,
        settings: &'w Settings,
        now: Timestamp,
        explain: bool,
    ) -> Walk<'w> {
        Walk {
            responder: self,
            question,
            settings,
            normalized: normalized(&question.text),
            closed: is_closed(settings, now),
            labels: Vec::new(),
            steps: explain.then(Vec::new),
            grounding: Vec::new(),
        }
    }

    /// What is said when nothing else fits: the default reply, or outside business hours the away text.
    #[must_use]
    pub fn otherwise(question: &Question, settings: &Settings, now: Timestamp) -> Option<Draft> {
        otherwise(question, settings, is_closed(settings, now))
    }

    /// What a customer is told for whom a person is called; the text may be empty.
    #[must_use]
    pub fn person_called(question: &Question, settings: &Settings) -> Draft {
        let text = filled(settings.responder.person_called.get(question.language), question);
        Draft { text, source: Source::of(SourceKind::PersonCalled) }
    }

    /// The model or the webhook bot as a source; a model has a name.
    #[must_use]
    pub fn slow_part(kind: SourceKind, settings: &Settings) -> Source {
        let model = non_empty(&settings.responder.model.model).filter(|_| kind == SourceKind::Model);
        Source { name: model.map(str::to_owned), ..Source::of(kind) }
    }

    /// The question and the reply of an answer as this customer would get it, for the model to stand on.
    #[must_use]
    pub fn note(&self, id: AnswerId, question: &Question) -> Option<(String, String)> {
        let answer = self.answer(id)?;
        let asked = answer.questions.first().cloned().unwrap_or_default();
        Some((asked, filled(&answer.reply, question)))
    }
}

impl Walk<'_> {
    fn outcome(&mut self) -> Outcome {
        self.person()
            .or_else(|| self.rules())
            .or_else(|| self.answers())
            .or_else(|| self.ask())
            .unwrap_or_else(|| self.last())
    }

    fn step(&mut self, source: impl FnOnce() -> Source, applies: bool, why: impl FnOnce() -> Why) {
        if let Some(steps) = &mut self.steps {
            steps.push(Step { source: source(), applies, why: why() });
        }
    }

    fn person(&mut self) -> Option<Outcome> {
        let responder = self.responder;
        let phrases = &self.settings.responder.human_phrases;
        let matched = responder.person.phrase(phrases, &self.normalized);
        let Draft { text, mut source } = Responder::person_called(self.question, self.settings);
        let Some(matched) = matched else {
            self.step(|| source, false, || Why::NoMatch {});
            return None;
        };
        source.matched = Some(matched.clone());
        self.step(|| source.clone(), true, || Why::Matches { what: matched });
        let text = Some(text).filter(|text| !text.is_empty());
        Some(Outcome::NeedsHuman { reason: NeedsHumanReason::CustomerAsked, text, source })
    }

    fn rules(&mut self) -> Option<Outcome> {
        let rules = &self.responder.rules;
        let normalized = std::mem::take(&mut self.normalized);
        let message = rules.message(self.question, &normalized, self.closed);
        let outcome = rules.judge(&message).find_map(|(rule, judged)| match judged {
            Ok(fit) => self.rule(rule, &fit),
            Err(why) => {
                self.step(|| rules::source(rule), false, || why);
                None
            }
        });
        drop(message);
        self.normalized = normalized;
        outcome
    }

    /// What a rule that applies does; `None` when the chain goes on.
    fn rule(&mut self, rule: &Rule, fit: &Fit) -> Option<Outcome> {
        let source = fit.source(rule);
        let text = |text: &Localized| fit.reply(text, self.question);
        let outcome = match &rule.action {
            Action::Label { label } => {
                self.labels.push(Label { text: label.clone(), rule: Some(source.clone()) });
                None
            }
            Action::Silent {} => Some(Outcome::Silent { source: source.clone() }),
            Action::NeedsHuman { text: told } => Some(Outcome::NeedsHuman {
                reason: NeedsHumanReason::Rule,
                text: text(told),
                source: source.clone(),
            }),
            Action::Reply { text: reply } => {
                let Some(text) = text(reply) else {
                    self.step(|| source, false, || Why::NoText {});
                    return None;
                };
                Some(Outcome::Reply { text, source: source.clone() })
            }
        };
        self.step(|| source, true, || fit.why());
        outcome
    }

    fn answers(&mut self) -> Option<Outcome> {
        let settings = &self.settings.responder;
        if !settings.answers {
            self.step(|| Source::of(SourceKind::Answer), false, || Why::SwitchedOff {});
            return None;
        }
        let threshold = f64::from(settings.threshold_percent) / 100.0;
        let candidates = self.responder.knowledge.best(self.question, &self.normalized, BEST_ANSWERS);
        if candidates.is_empty() {
            self.step(|| Source::of(SourceKind::Answer), false, || Why::NoMatch {});
            return None;
        }
        let mut outcome = None;
        for candidate in candidates {
            let answer = candidate.answer;
            let source = Source {
                id: Some(answer.id.0),
                name: answer.questions.first().cloned(),
                matched: Some(candidate.question.to_owned()),
                score: Some(candidate.score),
                ..Source::of(SourceKind::Answer)
            };
            let sure = candidate.score >= threshold;
            let wins = sure && outcome.is_none();
            self.step(
                || source.clone(),
                wins,
                || {
                    if sure {
                        Why::Matches { what: candidate.question.to_owned() }
                    } else {
                        Why::BelowThreshold { threshold }
                    }
                },
            );
            if wins {
                let labels = answer.labels.iter().cloned();
                self.labels.extend(labels.map(|text| Label { text, rule: None }));
                outcome = Some(Outcome::Reply { text: filled(&answer.reply, self.question), source });
            } else if candidate.score >= GROUNDING {
                self.grounding.push(answer.id);
            }
        }
        outcome
    }

    fn ask(&mut self) -> Option<Outcome> {
        let settings = self.settings;
        let (model, webhook) = (settings.responder.model.enabled, settings.responder.webhook.enabled);
        let mut who = Vec::new();
        for (kind, enabled) in [(SourceKind::Model, model), (SourceKind::Webhook, webhook)] {
            let source = || Responder::slow_part(kind, settings);
            self.step(source, enabled, || if enabled { Why::Asked {} } else { Why::SwitchedOff {} });
            if enabled {
                who.push(kind);
            }
        }
        if who.is_empty() {
            return None;
        }
        let otherwise = otherwise(self.question, self.settings, self.closed).map(|draft| draft.text);
        Some(Outcome::Ask { who, grounding: std::mem::take(&mut self.grounding), otherwise })
    }

    fn last(&mut self) -> Outcome {
        match otherwise(self.question, self.settings, self.closed) {
            Some(Draft { text, source }) => {
                self.step(|| source.clone(), true, || Why::Applies {});
                Outcome::Reply { text, source }
            }
            None => {
                self.step(|| Source::of(SourceKind::Fallback), false, || Why::NoText {});
                Outcome::Nothing {}
            }
        }
    }
}

fn is_closed(settings: &Settings, now: Timestamp) -> bool {
    settings.responder.hours.as_ref().is_some_and(|open| !hours::is_open(open, now))
}

fn otherwise(question: &Question, settings: &Settings, closed: bool) -> Option<Draft> {
    let text_of =
        |text: &Localized| non_empty(text.get(question.language)).map(|text| filled(text, question));
    let away = if closed { text_of(&settings.responder.away_text) } else { None };
    let (text, kind) = match away {
        Some(text) => (text, SourceKind::Away),
        None => (text_of(&settings.reply)?, SourceKind::Fallback),
    };
    Some(Draft { text, source: Source::of(kind) })
}

fn filled(template: &str, question: &Question) -> String {
    fill(template, |name| match name {
        "name" => Some(question.name.as_deref()),
        "page" => Some(question.page.as_deref()),
        _ => None,
    })
}
