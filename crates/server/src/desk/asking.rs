//! What the slow parts of the responder need: their secrets, their tests, and replies that come later.

use deskbell_desk::{Command, Draft, Responder};
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::{Question, SecretName};
use deskbell_protocol::settings::{ModelSettings, WebhookSettings};
use deskbell_protocol::{Code, Refusal};

use super::Desk;
use super::calls::unread;
use crate::clock::now;
use crate::responder::{Failure, Http, LateReply, Secret, test_model, test_webhook};
use crate::slow::Asking;

impl Desk {
    /// Answers requests about secrets, tests and trials.
    pub(super) async fn asking(&self, request: Request) -> Result<Response, Refusal> {
        match request {
            Request::Secrets {} => Ok(Response::Secrets { secrets: self.shared.secrets.places().await }),
            Request::SetSecret { name, value } => {
                self.shared.secrets.set(name, value).await.map(|secrets| Response::Secrets { secrets })
            }
            Request::TestModel { model } => {
                // What is tested counts as switched on: nothing of it may be missing.
                let model = ModelSettings { enabled: true, ..model }.validated()?;
                let key = self.model_key().await.map_err(locked)?;
                Ok(Response::Tested { tested: test_model(self.http(), model, key).await })
            }
            Request::TestWebhook { webhook } => {
                let webhook = WebhookSettings { enabled: true, ..webhook }.validated()?;
                let secret = self.webhook_secret().await.map_err(locked)?;
                Ok(Response::Tested { tested: test_webhook(self.http(), &webhook, secret).await })
            }
            Request::Try { question, ask } => self.try_out(question, ask).await,
            _ => Err(Refusal::new(Code::UnknownType, "This request is not about the responder.")),
        }
    }

    /// The whole chain's verdict. Nothing is stored or sent.
    async fn try_out(&self, question: Question, ask: bool) -> Result<Response, Refusal> {
        let (responder, settings) = (self.hub().responder(), self.hub().settings());
        let mut verdict = responder.verdict(&question, &settings, now(), true);
        if ask {
            Asking::trial(question).try_out(self, &mut verdict).await;
        }
        Ok(Response::Verdict { verdict })
    }

    /// A bot's reply that came through the API, for a message that still waits for it.
    ///
    /// # Errors
    /// [`Code::StaleReply`] when nobody waits for it any more, or [`Code::NoSuchConversation`].
    pub(crate) async fn take_late_reply(&self, reply: LateReply) -> Result<(), Refusal> {
        let entry = self.readers().conversation(reply.conversation).await.map_err(unread)?;
        let entry = entry.ok_or_else(|| {
            Refusal::new(Code::NoSuchConversation, "There is no such conversation (any more).")
        })?;
        let (for_seq, control_version) = (reply.seq, entry.state.control_version);
        // Asked under another control, it would come too late.
        let held = entry.state.held.as_ref().filter(|held| held.writing).map(|held| held.for_seq);
        let suggested = entry.state.suggestion.as_ref().filter(|s| s.writing).map(|s| s.for_seq);
        if held.or(suggested) != Some(for_seq) {
            return Err(Refusal::new(Code::StaleReply, "Nobody waits for this reply any more."));
        }
        let command = if reply.needs_human {
            let asker = Question::of(&entry.customer, String::new());
            let draft = Responder::person_called(&asker, &self.hub().settings());
            Command::CallHuman { for_seq, control_version, failures: Vec::new(), draft }
        } else {
            let draft = Draft { text: reply.text, source: Source::of(SourceKind::Webhook) };
            Command::Propose { for_seq, control_version, draft }
        };
        self.execute(reply.conversation, command).await.map(drop)
    }

    pub(crate) fn http(&self) -> &Http {
        &self.shared.http
    }

    pub(crate) async fn model_key(&self) -> Result<Option<Secret>, Failure> {
        self.shared.secrets.get(SecretName::ModelKey).await
    }

    pub(crate) async fn webhook_secret(&self) -> Result<Option<Secret>, Failure> {
        self.shared.secrets.get(SecretName::WebhookSecret).await
    }
}

fn locked(failure: Failure) -> Refusal {
    Refusal::new(Code::TimedOut, failure.message).in_chinese(failure.chinese)
}
