//! What consoles ask of the model and the webhook bot: to keep their secrets, and to try them.

use deskbell_desk::{Command, Draft};
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Source, SourceKind};
use deskbell_protocol::responder::{SecretName, Tested};
use deskbell_protocol::settings::{ModelSettings, WebhookSettings};
use deskbell_protocol::{Code, Refusal};

use super::Desk;
use crate::responder::{Failure, Http, LateReply, SecretStore, test_model, test_webhook};
use crate::slow::Asked;

impl Desk {
    /// Answers requests about secrets and tests.
    pub(super) async fn slow_parts(&self, request: Request) -> Result<Response, Refusal> {
        match request {
            Request::Secrets {} => Ok(Response::Secrets { secrets: self.secrets().places().await }),
            Request::SetSecret { name, value } => {
                Ok(Response::Secrets { secrets: self.secrets().set(name, value).await? })
            }
            Request::TestModel { model } => self.test_model(model).await,
            Request::TestWebhook { webhook } => self.test_webhook(webhook).await,
            _ => Err(Refusal::new(Code::UnknownType, "This request is not about the responder's secrets.")),
        }
    }

    /// A reply of the webhook bot that came by itself. It counts while its message waits for an answer.
    ///
    /// # Errors
    /// [`Code::StaleReply`] when nobody waits for it (any more).
    pub(crate) async fn late_reply(&self, reply: LateReply) -> Result<(), Refusal> {
        let LateReply { conversation, seq: for_seq, text, needs_human } = reply;
        let asked = self.hub().slow.asked(conversation).filter(|asked| asked.for_seq == for_seq);
        let Some(Asked { control_version, .. }) = asked else {
            return Err(Refusal::new(
                Code::StaleReply,
                "Nobody waits for this reply (any more): the message was answered, or an agent has taken over.",
            ));
        };
        let command = if needs_human {
            Command::ResponderFailed { for_seq, control_version, failures: Vec::new(), otherwise: None }
        } else {
            let draft = Draft { text, source: Source::of(SourceKind::Webhook) };
            Command::Propose { for_seq, control_version, draft }
        };
        self.execute(conversation, command).await.map(drop)
    }

    async fn test_model(&self, model: ModelSettings) -> Result<Response, Refusal> {
        let model = ModelSettings { enabled: true, ..model }.validated()?;
        let tested = match self.secrets().get(SecretName::ModelKey).await {
            Ok(key) => test_model(self.http(), model, key).await,
            Err(failure) => untested(failure),
        };
        Ok(Response::Tested { tested })
    }

    async fn test_webhook(&self, webhook: WebhookSettings) -> Result<Response, Refusal> {
        let webhook = WebhookSettings { enabled: true, ..webhook }.validated()?;
        let tested = match self.secrets().get(SecretName::WebhookSecret).await {
            Ok(secret) => test_webhook(self.http(), &webhook, secret).await,
            Err(failure) => untested(failure),
        };
        Ok(Response::Tested { tested })
    }

    pub(crate) fn secrets(&self) -> &SecretStore {
        &self.shared.secrets
    }

    pub(crate) fn http(&self) -> &Http {
        &self.shared.http
    }
}

fn untested(failure: Failure) -> Tested {
    Tested { works: false, message: failure.message, took_ms: 0 }
}
