//! One question to the model and the webhook bot, in the order of the chain, with what they may know.

use std::time::Duration;

use deskbell_desk::{Draft, FailedPart, Responder};
use deskbell_protocol::entity::{ChangeKind, Control, Message, Source, SourceKind};
use deskbell_protocol::responder::{Outcome, Question, Step, Verdict, Why};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{AnswerId, ConversationId, Seq};
use deskbell_store::ReadError;
use tokio::time::Instant;

use crate::clock::now;
use crate::desk::Desk;
use crate::responder::{
    Failure, ModelQuestion, ModelReply, Posted, Turn, WebhookReply, ask_model, ask_webhook,
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
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Said {
    /// One was sure.
    Reply(Draft),
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
        let question = Question {
            text: message.text.clone(),
            language: entry.customer.language,
            name: entry.customer.name,
            page: entry.customer.page,
            first_message: false,
            returning: false,
        };
        let control = entry.state.control;
        let thread = thread.iter().filter_map(turn).collect();
        Ok(Some(Self { conversation, seq, question, thread, control }))
    }

    /// A question that no customer put.
    pub(crate) fn trial(question: Question) -> Self {
        let author = deskbell_protocol::entity::Author::Customer;
        let thread = vec![Turn { author, text: question.text.clone() }];
        let (conversation, seq) = (ConversationId(0), Seq(0));
        Self { conversation, seq, question, thread, control: Control::Automatic }
    }

    /// Asks those whom the chain names now, until one is sure.
    pub(crate) async fn ask(&self, desk: &Desk, so_far: impl FnMut(&str) + Send) -> Said {
        let (responder, settings) = (desk.hub().responder(), desk.hub().settings());
        let verdict = responder.verdict(&self.question, &settings, now(), false);
        match verdict.outcome {
            Outcome::Ask { who, grounding, .. } => {
                let mut steps = Vec::new();
                self.ask_each(desk, &settings, &responder, &who, &grounding, so_far, &mut steps).await
            }
            // The rules or settings have changed since: what they say now holds.
            Outcome::Reply { text, source } => Said::Reply(Draft { text, source }),
            _ => Said::Nothing { failures: Vec::new(), otherwise: None },
        }
    }

    /// Asks for a trial, and adds what each said to the verdict.
    pub(crate) async fn try_out(&self, desk: &Desk, verdict: &mut Verdict) {
        let Outcome::Ask { who, grounding, .. } = verdict.outcome.clone() else { return };
        let (responder, settings) = (desk.hub().responder(), desk.hub().settings());
        let mut steps = Vec::new();
        let said = self.ask_each(desk, &settings, &responder, &who, &grounding, |_| {}, &mut steps).await;
        verdict.steps.retain(|step| step.why != Why::Asked {});
        verdict.steps.append(&mut steps);
        verdict.outcome = match said {
            Said::Reply(draft) => Outcome::Reply { text: draft.text, source: draft.source },
            Said::Nothing { otherwise: Some(draft), .. } => {
                Outcome::Reply { text: draft.text, source: draft.source }
            }
            Said::Nothing { otherwise: None, .. } => Outcome::Nothing {},
        };
    }

    #[expect(clippy::too_many_arguments, reason = "one call with what was loaded for it")]
    async fn ask_each(
        &self,
        desk: &Desk,
        settings: &Settings,
        responder: &Responder,
        who: &[SourceKind],
        grounding: &[AnswerId],
        mut so_far: impl FnMut(&str) + Send,
        steps: &mut Vec<Step>,
    ) -> Said {
        let mut failures = Vec::new();
        for kind in who {
            let mut source = Source::of(*kind);
            let asked = if *kind == SourceKind::Model {
                source.name = Some(settings.responder.model.model.clone());
                self.ask_model(desk, settings, responder, grounding, &mut so_far).await
            } else {
                self.ask_webhook(desk, settings).await
            };
            let (applies, why) = match &asked {
                Ok(Answer::Text(_)) => (true, Why::Applies {}),
                Ok(Answer::NotSure | Answer::NeedsHuman) => (false, Why::NotSure {}),
                Err(Failure { message, chinese, .. }) => {
                    (false, Why::Failed { message: message.clone(), message_zh: chinese.clone() })
                }
            };
            steps.push(Step { source: source.clone(), applies, why });
            match asked {
                Ok(Answer::Text(text)) => return Said::Reply(Draft { text, source }),
                Ok(Answer::NotSure) => {}
                Ok(Answer::NeedsHuman) => {
                    let text = settings.responder.person_called.get(self.question.language).to_owned();
                    let source = Source::of(SourceKind::PersonCalled);
                    let otherwise = (!text.trim().is_empty()).then_some(Draft { text, source });
                    return Said::Nothing { failures, otherwise };
                }
                Err(Failure { message, chinese, .. }) => {
                    failures.push(FailedPart { source: *kind, message, message_zh: chinese });
                }
            }
        }
        let otherwise = Responder::otherwise(&self.question, settings, now());
        Said::Nothing { failures, otherwise }
    }

    async fn ask_model(
        &self,
        desk: &Desk,
        settings: &Settings,
        responder: &Responder,
        grounding: &[AnswerId],
        so_far: impl FnMut(&str) + Send,
    ) -> Result<Answer, Failure> {
        let notes = grounding
            .iter()
            .filter_map(|id| responder.answer(*id))
            .map(|answer| (answer.questions.first().cloned().unwrap_or_default(), answer.reply.clone()))
            .collect();
        let question = ModelQuestion {
            settings: settings.responder.model.clone(),
            key: desk.model_key().await?,
            language: self.question.language,
            notes,
            thread: self.thread.clone(),
        };
        Ok(match ask_model(desk.http(), question, so_far).await? {
            ModelReply::Text(text) => Answer::Text(text),
            ModelReply::NotSure => Answer::NotSure,
        })
    }

    async fn ask_webhook(&self, desk: &Desk, settings: &Settings) -> Result<Answer, Failure> {
        let webhook = &settings.responder.webhook;
        let seconds = webhook.deadline_seconds;
        let deadline = Instant::now() + Duration::from_secs(u64::from(seconds));
        let posted = Posted {
            conversation: self.conversation,
            seq: self.seq,
            text: self.question.text.clone(),
            language: self.question.language,
            page: self.question.page.clone(),
            name: self.question.name.clone(),
            event_id: format!("msg_{}_{}_{}", desk.hub().epoch(), self.conversation, self.seq),
        };
        match ask_webhook(desk.http(), webhook, desk.webhook_secret().await?, posted).await? {
            WebhookReply::Text(text) => Ok(Answer::Text(text)),
            WebhookReply::NeedsHuman => Ok(Answer::NeedsHuman),
            WebhookReply::Nothing => Ok(Answer::NotSure),
            // Its reply comes through the API; when it does, nobody waits here any more.
            WebhookReply::Later => {
                tokio::time::sleep_until(deadline).await;
                Err(Failure::new(
                    format!("The webhook bot promised a reply and did not send it within {seconds} s."),
                    format!("Webhook 机器人答应回复，但没有在 {seconds} 秒内送来。"),
                ))
            }
        }
    }
}

/// What customers and the desk said, as it stands now.
fn turn(message: &Message) -> Option<Turn> {
    let retracted = message.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Retracted);
    (message.author.is_visible_to_customer() && !retracted)
        .then(|| Turn { author: message.author, text: message.text.clone() })
}
