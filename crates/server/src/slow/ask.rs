//! One question to the model and the webhook bot, in the order of the chain, with what they may know.

use std::sync::Arc;
use std::time::Duration;

use deskbell_desk::{Draft, FailedPart, Responder};
use deskbell_protocol::entity::{ChangeKind, Control, Message, NeedsHumanReason, SourceKind};
use deskbell_protocol::responder::{Outcome, Question, Step, Verdict, Why};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{AnswerId, ConversationId, Seq};
use deskbell_store::ReadError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::clock::now;
use crate::desk::Desk;
use crate::responder::{
    Event, Failure, ModelQuestion, ModelReply, Posted, Turn, WebhookReply, ask_model, ask_webhook, test_id,
};

/// Messages of the thread that are read; a model is told fewer.
const THREAD: u32 = 60;

/// A question, with what those who are asked may know.
#[derive(Debug)]
pub(crate) struct Asking {
    conversation: ConversationId,
    seq: Seq,
    question: Question,
    thread: Vec<Turn>,
    /// Who answers: under human control it is a draft for the agent.
    pub(crate) control: Control,
    /// Whether no customer asks.
    trial: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Said {
    /// One was sure.
    Reply(Draft),
    /// The bot calls a person.
    NeedsHuman {
        /// Which failed before, and why.
        failures: Vec<FailedPart>,
        /// What the customer is told; the text may be empty.
        draft: Draft,
    },
    /// None was: what failed, and the default reply.
    Nothing {
        /// Which failed, and why.
        failures: Vec<FailedPart>,
        /// What is said all the same.
        otherwise: Option<Draft>,
    },
}

enum Answer {
    Text(String),
    NotSure,
    NeedsHuman,
    /// To a trial only: a customer's question waits for it.
    Later,
}

/// One round of asking: by what it goes, and what comes of it.
struct Round<'a> {
    desk: &'a Desk,
    settings: Arc<Settings>,
    responder: Arc<Responder>,
    /// The place among those who ask; given back while an answer that was promised is only waited for.
    turn: Option<OwnedSemaphorePermit>,
    steps: Vec<Step>,
}

impl<'a> Round<'a> {
    fn new(desk: &'a Desk, turn: Option<OwnedSemaphorePermit>) -> Self {
        let (settings, responder) = (desk.hub().settings(), desk.hub().responder());
        Self { desk, settings, responder, turn, steps: Vec::new() }
    }
}

impl Asking {
    /// Reads what is known; `None` when there is no such message.
    pub(crate) async fn load(
        desk: &Desk,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Option<Self>, ReadError> {
        let readers = desk.store().readers();
        let Some(entry) = readers.conversation(conversation).await? else { return Ok(None) };
        let thread = readers.thread(conversation, Some(seq.next()), THREAD).await?;
        let Some(message) = thread.last().filter(|message| message.seq == seq) else { return Ok(None) };
        let question = Question::of(&entry.customer, message.text.clone());
        let control = entry.state.control;
        let thread = thread.iter().filter_map(turn).collect();
        Ok(Some(Self { conversation, seq, question, thread, control, trial: false }))
    }

    /// A question that no customer put.
    pub(crate) fn trial(question: Question) -> Self {
        let author = deskbell_protocol::entity::Author::Customer;
        let thread = vec![Turn { author, text: question.text.clone() }];
        let (conversation, seq) = (ConversationId(0), Seq(0));
        Self { conversation, seq, question, thread, control: Control::Automatic, trial: true }
    }

    /// Asks those whom the chain names now, until one is sure; nobody without a turn.
    pub(crate) async fn ask(
        &self,
        desk: &Desk,
        turn: Option<OwnedSemaphorePermit>,
        so_far: impl FnMut(&str) + Send,
    ) -> Said {
        let mut round = Round::new(desk, turn);
        let verdict = round.responder.verdict(&self.question, &round.settings, now(), false);
        match verdict.outcome {
            Outcome::Ask { who, .. } if round.turn.is_none() => {
                let failures = who.first().copied().map(busy).into_iter().collect();
                Said::Nothing { failures, otherwise: self.otherwise(&round) }
            }
            Outcome::Ask { who, grounding, .. } => self.ask_each(&mut round, &who, &grounding, so_far).await,
            // The rules or settings have changed since: what they say now holds.
            Outcome::Reply { text, source } => Said::Reply(Draft { text, source }),
            _ => Said::Nothing { failures: Vec::new(), otherwise: None },
        }
    }

    /// Asks for a trial, and adds what each said to the verdict.
    pub(crate) async fn try_out(&self, desk: &Desk, verdict: &mut Verdict) {
        let Outcome::Ask { who, grounding, .. } = verdict.outcome.clone() else { return };
        let mut round = Round::new(desk, None);
        let said = self.ask_each(&mut round, &who, &grounding, |_| {}).await;
        let later = round.steps.last().filter(|step| step.why == Why::Later {});
        let later = later.map(|step| vec![step.source.kind]);
        verdict.steps.retain(|step| step.why != Why::Asked {});
        verdict.steps.append(&mut round.steps);
        verdict.outcome = match (said, later) {
            (Said::Nothing { otherwise, .. }, Some(who)) => {
                Outcome::Ask { who, grounding: Vec::new(), otherwise: otherwise.map(|draft| draft.text) }
            }
            (Said::NeedsHuman { draft, .. }, _) => {
                let text = Some(draft.text).filter(|text| !text.is_empty());
                Outcome::NeedsHuman { reason: NeedsHumanReason::Bot, text, source: draft.source }
            }
            (Said::Reply(draft) | Said::Nothing { otherwise: Some(draft), .. }, _) => {
                Outcome::Reply { text: draft.text, source: draft.source }
            }
            (Said::Nothing { otherwise: None, .. }, None) => Outcome::Nothing {},
        };
    }

    async fn ask_each(
        &self,
        round: &mut Round<'_>,
        who: &[SourceKind],
        grounding: &[AnswerId],
        mut so_far: impl FnMut(&str) + Send,
    ) -> Said {
        let mut failures = Vec::new();
        for kind in who {
            let source = Responder::slow_part(*kind, &round.settings);
            let asked = if *kind == SourceKind::Model {
                self.ask_model(round, grounding, &mut so_far).await
            } else {
                self.ask_webhook(round).await
            };
            let (applies, why) = match &asked {
                Ok(Answer::Text(_) | Answer::NeedsHuman) => (true, Why::Applies {}),
                Ok(Answer::Later) => (true, Why::Later {}),
                Ok(Answer::NotSure) => (false, Why::NotSure {}),
                Err(Failure { message, chinese, .. }) => {
                    (false, Why::Failed { message: message.clone(), message_zh: chinese.clone() })
                }
            };
            round.steps.push(Step { source: source.clone(), applies, why });
            match asked {
                Ok(Answer::Text(text)) => return Said::Reply(Draft { text, source }),
                Ok(Answer::NotSure) => {}
                Ok(Answer::Later) => break,
                Ok(Answer::NeedsHuman) => {
                    let draft = Responder::person_called(&self.question, &round.settings);
                    return Said::NeedsHuman { failures, draft };
                }
                Err(Failure { message, chinese, .. }) => {
                    failures.push(FailedPart { source: *kind, message, message_zh: chinese });
                }
            }
        }
        Said::Nothing { failures, otherwise: self.otherwise(round) }
    }

    fn otherwise(&self, round: &Round<'_>) -> Option<Draft> {
        Responder::otherwise(&self.question, &round.settings, now())
    }

    async fn ask_model(
        &self,
        round: &Round<'_>,
        grounding: &[AnswerId],
        so_far: impl FnMut(&str) + Send,
    ) -> Result<Answer, Failure> {
        let notes = grounding.iter().filter_map(|id| round.responder.note(*id, &self.question)).collect();
        let question = ModelQuestion {
            settings: round.settings.responder.model.clone(),
            key: round.desk.model_key().await?,
            language: self.question.language,
            notes,
            thread: self.thread.clone(),
        };
        Ok(match ask_model(round.desk.http(), question, so_far).await? {
            ModelReply::Text(text) => Answer::Text(text),
            ModelReply::NotSure => Answer::NotSure,
        })
    }

    async fn ask_webhook(&self, round: &mut Round<'_>) -> Result<Answer, Failure> {
        let desk = round.desk;
        let webhook = &round.settings.responder.webhook;
        let seconds = webhook.deadline_seconds;
        let deadline = Instant::now() + Duration::from_secs(u64::from(seconds));
        let (kind, event_id) = if self.trial {
            (Event::Test, test_id())
        } else {
            let id = format!("msg_{}_{}_{}", desk.hub().epoch(), self.conversation, self.seq);
            (Event::Message, id)
        };
        let posted = Posted {
            conversation: self.conversation,
            seq: self.seq,
            text: self.question.text.clone(),
            language: self.question.language,
            page: self.question.page.clone(),
            name: self.question.name.clone(),
            kind,
            event_id,
        };
        match ask_webhook(desk.http(), webhook, desk.webhook_secret().await?, posted).await? {
            WebhookReply::Text(text) => Ok(Answer::Text(text)),
            WebhookReply::NeedsHuman => Ok(Answer::NeedsHuman),
            WebhookReply::Nothing => Ok(Answer::NotSure),
            WebhookReply::Later if self.trial => Ok(Answer::Later),
            // Its reply comes through the API; when it does, nobody waits here any more. Others may be asked meanwhile.
            WebhookReply::Later => {
                round.turn = None;
                tokio::time::sleep_until(deadline).await;
                Err(Failure::new(
                    format!("The webhook bot promised a reply and did not send it within {seconds} s."),
                    format!("Webhook 机器人答应回复，但没有在 {seconds} 秒内送来。"),
                ))
            }
        }
    }
}

/// Why this part was not asked.
fn busy(source: SourceKind) -> FailedPart {
    FailedPart {
        source,
        message: "Too many questions wait for the model or the webhook bot.".to_owned(),
        message_zh: "等待模型或 Webhook 机器人的问题过多。".to_owned(),
    }
}

/// What customers and the desk said, as it stands now.
fn turn(message: &Message) -> Option<Turn> {
    let retracted = message.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Retracted);
    (message.author.is_visible_to_customer() && !retracted)
        .then(|| Turn { author: message.author, text: message.text.clone() })
}
