//! What consoles ask.

use std::sync::Arc;

use deskbell_desk::{AgentAction, Command};
use deskbell_protocol::agent::{Filter, Hit, Request, Response, Snapshot};
use deskbell_protocol::entity::{Author, Conversation};
use deskbell_protocol::settings::{Limits, Settings};
use deskbell_protocol::{Code, ConversationId, Refusal, limits};
use deskbell_store::ReadError;

use super::Desk;
use crate::clock::now;

/// Finds in one answer.
const HITS: u32 = 50;
/// Bytes of a search.
const QUERY_BYTES: usize = 200;

impl Desk {
    /// Answers a console.
    ///
    /// # Errors
    /// A [`Refusal`] with a code and a sentence; nothing was changed.
    pub async fn call(&self, request: Request) -> Result<Response, Refusal> {
        match request {
            Request::Snapshot {} => self.snapshot().await,
            Request::Conversations { filter, before, limit } => {
                let limit = limit.clamp(1, limits::LIST_PAGE);
                let mut entries =
                    self.readers().conversations(filter, before, limit + 1).await.map_err(unread)?;
                let more = cut(&mut entries, limit);
                Ok(Response::Conversations { conversations: self.hub().describe(entries), more })
            }
            Request::Conversation { conversation } => self.conversation(conversation).await,
            Request::Thread { conversation, before_seq, limit } => {
                let limit = limit.clamp(1, limits::THREAD_PAGE);
                let mut messages =
                    self.readers().thread(conversation, before_seq, limit + 1).await.map_err(unread)?;
                let more = messages.len() > usize::try_from(limit).unwrap_or(usize::MAX);
                if more {
                    messages.remove(0);
                }
                Ok(Response::Thread { messages, more })
            }
            Request::Activity { limit } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(limits::ACTIVITY_EVENTS);
                Ok(Response::Activity { events: self.hub().activity(limit) })
            }
            Request::Search { query } => self.search(&query).await,
            Request::SaveSettings { settings } => self.save_settings(*settings).await,
            Request::Listen { address } => {
                self.change_address(&address).await.map(|listening| Response::Listening { listening })
            }
            Request::Backups {} => self.backups().await,
            Request::BackUp {} | Request::Restore { .. } | Request::Erase { .. } => {
                self.keep_up(request).await
            }
            Request::Export { conversation, format, after } => self.export(conversation, format, after).await,
            Request::Typing { conversation } => {
                self.hub().typing(conversation, Author::Agent);
                Ok(Response::Done {})
            }
            Request::SetAway { away } => {
                self.hub().set_away(away);
                Ok(Response::Done {})
            }
            Request::StopWriting { conversation, held } => {
                let so_far = self.hub().slow.so_far(conversation);
                self.act_on(conversation, AgentAction::StopWriting { held, so_far }).await
            }
            Request::PauseHeld { conversation, held } => {
                let left_ms = self.hub().holds.left(conversation, held);
                self.act_on(conversation, AgentAction::PauseHeld { held, left_ms }).await
            }
            Request::Usage { .. } | Request::ExportUsage { .. } => self.numbers(request).await,
            Request::Try { .. }
            | Request::Secrets {}
            | Request::SetSecret { .. }
            | Request::TestModel { .. }
            | Request::TestWebhook { .. } => self.asking(request).await,
            request => match self.know(request).await {
                Ok(response) => response,
                Err(request) => self.act(*request).await,
            },
        }
    }

    /// An agent's act on one conversation.
    async fn act(&self, request: Request) -> Result<Response, Refusal> {
        let (conversation, action) = action(request, &self.hub().settings().limits)?;
        self.act_on(conversation, action).await
    }

    async fn act_on(&self, conversation: ConversationId, action: AgentAction) -> Result<Response, Refusal> {
        // Who acts is here; looking is not enough, as a window may be left open.
        if !matches!(action, AgentAction::MarkRead { .. }) {
            self.is_here();
        }
        let says = matches!(action, AgentAction::Send { .. } | AgentAction::Note { .. });
        let by = self.hub().settings().agent_name.clone();
        let receipt = self.execute(conversation, Command::Agent { by, action }).await?;
        if let Some(lesson) = receipt.lesson {
            self.offer(lesson).await;
        }
        if says {
            Ok(Response::Sent { seq: receipt.seq, revision: receipt.revision })
        } else {
            Ok(Response::Done {})
        }
    }

    async fn snapshot(&self) -> Result<Response, Refusal> {
        let limit = limits::LIST_PAGE;
        let mut entries =
            self.readers().conversations(Filter::Open, None, limit + 1).await.map_err(unread)?;
        let more = cut(&mut entries, limit);
        let mut conversations = self.hub().describe(entries);
        conversations.extend(self.hub().visitors());
        Ok(Response::Snapshot(Box::new(Snapshot {
            now: now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: self.hub().epoch().to_string(),
            data_dir: self.shared.options.data_dir.display().to_string(),
            system_language: self.shared.system_language,
            settings: self.settings(),
            listening: self.listening(),
            alerts_problem: self.hub().alerts_problem(),
            counts: self.counts(),
            away: self.hub().is_away(),
            lessons: self.hub().lessons(),
            upkeep: self.under_way(),
            backups_problem: self.hub().data_problem(),
            drafts: self.hub().slow.drafts(),
            conversations,
            more,
        })))
    }

    async fn conversation(&self, id: ConversationId) -> Result<Response, Refusal> {
        let visitor = self.hub().visitor(id);
        let found: Option<Conversation> = match visitor {
            Some(visitor) => Some(visitor),
            None => {
                let entry = self.readers().conversation(id).await.map_err(unread)?;
                self.hub().describe(entry.into_iter().collect()).pop()
            }
        };
        let conversation = found.ok_or_else(|| {
            Refusal::new(Code::NoSuchConversation, "There is no such conversation (any more).")
        })?;
        Ok(Response::Conversation { conversation: Box::new(conversation) })
    }

    async fn search(&self, query: &str) -> Result<Response, Refusal> {
        let query = limits::cut(query.trim(), QUERY_BYTES).to_owned();
        if query.is_empty() {
            return Ok(Response::Found { hits: Vec::new() });
        }
        let found = self.readers().search(query, HITS).await.map_err(unread)?;
        let (entries, messages): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let conversations = self.hub().describe(entries);
        let hits = conversations
            .into_iter()
            .zip(messages)
            .map(|(conversation, message)| Hit { conversation, message })
            .collect();
        Ok(Response::Found { hits })
    }

    async fn save_settings(&self, settings: Settings) -> Result<Response, Refusal> {
        let mut settings = settings.validated()?;
        deskbell_desk::validate_responder(&settings.responder)?;
        let _saving = self.shared.saving.lock().await;
        settings.listen = self.settings().listen;
        let settings = self.store_settings(settings).await?;
        Ok(Response::Settings { settings: Box::new(Settings::clone(&settings)) })
    }

    /// Stores settings, then puts them in force. The caller holds `saving`.
    pub(super) async fn store_settings(&self, settings: Settings) -> Result<Arc<Settings>, Refusal> {
        let settings = Arc::new(settings);
        self.store().save_settings(Arc::clone(&settings)).await?;
        self.hub().set_settings(Arc::clone(&settings));
        Ok(settings)
    }

    pub(super) fn readers(&self) -> &deskbell_store::Readers {
        self.store().readers()
    }
}

/// The conversation and what to do there.
fn action(request: Request, limits: &Limits) -> Result<(ConversationId, AgentAction), Refusal> {
    Ok(match request {
        Request::Send { conversation, id, text } => {
            (conversation, AgentAction::Send { client_id: client_id(id)?, text: message_text(text, limits)? })
        }
        Request::Note { conversation, id, text } => {
            (conversation, AgentAction::Note { client_id: client_id(id)?, text: message_text(text, limits)? })
        }
        Request::TakeOver { conversation } => (conversation, AgentAction::TakeOver),
        Request::HandBack { conversation } => (conversation, AgentAction::HandBack),
        Request::SetHold { conversation, hold } => (conversation, AgentAction::SetHold { hold }),
        Request::SendHeld { conversation, held, text } => (
            conversation,
            AgentAction::SendHeld { held, text: text.map(|text| message_text(text, limits)).transpose()? },
        ),
        Request::DiscardHeld { conversation, held } => (conversation, AgentAction::DiscardHeld { held }),
        Request::RestoreHeld { conversation, held } => (conversation, AgentAction::RestoreHeld { held }),
        Request::ResumeHeld { conversation, held } => (conversation, AgentAction::ResumeHeld { held }),
        Request::Resolve { conversation } => (conversation, AgentAction::Resolve),
        Request::Reopen { conversation } => (conversation, AgentAction::Reopen),
        Request::MarkRead { conversation, seq } => (conversation, AgentAction::MarkRead { seq }),
        Request::Correct { conversation, seq, text } => {
            (conversation, AgentAction::Correct { seq, text: message_text(text, limits)? })
        }
        Request::Retract { conversation, seq } => (conversation, AgentAction::Retract { seq }),
        Request::SetLabels { conversation, labels } => (conversation, AgentAction::SetLabels { labels }),
        Request::DismissNeedsHuman { conversation } => (conversation, AgentAction::DismissNeedsHuman),
        _ => return Err(Refusal::new(Code::UnknownType, "This request is not about one conversation.")),
    })
}

/// A text within its bounds.
///
/// # Errors
/// [`Code::Empty`] or [`Code::TooLong`].
pub(crate) fn message_text(text: String, limits: &Limits) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(Code::Empty, "The message is empty; nothing was sent."));
    }
    let bytes = limits.message_bytes;
    if text.len() > usize::try_from(bytes).unwrap_or(usize::MAX) {
        return Err(Refusal::new(Code::TooLong, format!("The message is too long: at most {bytes} bytes."))
            .in_chinese(format!("消息过长：最多 {bytes} 字节。")));
    }
    Ok(text)
}

/// A client's id for a message within its bounds.
///
/// # Errors
/// [`Code::Empty`] or [`Code::TooLong`].
pub(crate) fn client_id(id: String) -> Result<String, Refusal> {
    if id.is_empty() {
        return Err(Refusal::new(Code::Empty, "A message needs an id of 1 to 64 bytes."));
    }
    if id.len() > limits::CLIENT_ID_BYTES {
        return Err(Refusal::new(Code::TooLong, "A message's id has at most 64 bytes."));
    }
    Ok(id)
}

fn cut<T>(entries: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    more
}

pub(super) fn unread(error: ReadError) -> Refusal {
    tracing::error!(%error, "a question failed");
    match error {
        ReadError::Closed => Refusal::new(Code::ShuttingDown, "The desk is stopping."),
        ReadError::Database(_) => Refusal::new(Code::StoreFailed, "The desk could not read this. Try again."),
    }
}
