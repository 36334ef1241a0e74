//! The loop of a customer's socket, whatever it speaks.

use std::sync::Arc;

use deskbell_desk::{Command, Draft};
use deskbell_protocol::entity::{Connection, Source, SourceKind};
use deskbell_protocol::responder::Question;
use deskbell_protocol::settings::Language;
use deskbell_protocol::{Code, ConversationId, Refusal, Revision};
use tokio::time::Instant;

use super::socket::{End, Incoming, Socket, too_slow};
use crate::clock::now;
use crate::desk::Desk;
use crate::limits::{FRAMES_BURST, FRAMES_PER_SECOND, IN_FLIGHT, OFFENCES};
use crate::outbox::{Item, Outbox};

/// What a dialect makes of frames.
pub(super) trait Dialect {
    /// What a text frame asks for.
    ///
    /// # Errors
    /// The refusal, and the id of the message that it is about.
    fn read(&self, text: String) -> Result<Asked, (Option<String>, Refusal)>;

    /// An item as a text frame; `None` when this dialect does not say such things.
    fn write(&self, item: &Item) -> Option<String>;
}

/// What a customer's frame asks for.
pub(super) enum Asked {
    Message { id: Option<String>, text: String },
    Command(Command),
    Human,
    Typing,
}

/// A customer's socket that belongs to a conversation.
pub(super) struct Session<D> {
    pub(super) desk: Desk,
    pub(super) socket: Socket,
    pub(super) outbox: Arc<Outbox>,
    pub(super) info: Connection,
    pub(super) conversation: ConversationId,
    pub(super) language: Language,
    pub(super) dialect: D,
    /// What the client has: older frames in the outbox were in its history.
    pub(super) revision: Revision,
}

impl<D: Dialect> Session<D> {
    /// Runs until the socket ends, and says goodbye.
    pub(super) async fn run(mut self) {
        let end = self.converse().await;
        let stored = self.desk.hub().leave(self.info.id, end.activity());
        if stored {
            let seen = deskbell_store::Seen {
                conversation: self.conversation,
                facts: None,
                now: crate::clock::now(),
            };
            if let Err(refusal) = self.desk.store().seen(seen).await {
                tracing::debug!(%refusal, "the end of a connection was not stored");
            }
        }
        self.socket.close(&end).await;
    }

    async fn converse(&mut self) -> End {
        let mut stopping = self.desk.stopping();
        let mut bucket = Bucket::new();
        let mut offences = 0;
        let mut in_flight = 0_usize;
        let outbox = Arc::clone(&self.outbox);
        loop {
            let step = tokio::select! {
                biased;
                () = stopping.wait() => Err(End::Stopping),
                () = outbox.changed() => self.write_waiting(&mut in_flight).await,
                // A client that sends faster than the disk writes waits in its own socket.
                incoming = self.socket.receive(in_flight < IN_FLIGHT) => {
                    self.read(incoming, &mut bucket, &mut offences, &mut in_flight).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn read(
        &mut self,
        incoming: Result<Incoming, End>,
        bucket: &mut Bucket,
        offences: &mut u32,
        in_flight: &mut usize,
    ) -> Result<(), End> {
        let asked = match incoming? {
            Incoming::Alive if bucket.take() => return Ok(()),
            Incoming::Text(text) if bucket.take() => self.dialect.read(text),
            Incoming::Binary => {
                Err((None, Refusal::new(Code::Malformed, "Send text frames; binary is not understood.")))
            }
            Incoming::Alive | Incoming::Text(_) => {
                Err((None, Refusal::new(Code::RateLimited, "Too many frames; wait a moment.")))
            }
        };
        match asked {
            Ok(Asked::Message { id, text }) => {
                *in_flight = in_flight.saturating_add(1);
                let command = self.message(id, text);
                self.submit(command).await
            }
            Ok(Asked::Human) => {
                let draft = self.person_called();
                self.submit(Command::RequestHuman { draft }).await
            }
            Ok(Asked::Command(command)) => self.submit(command).await,
            Ok(Asked::Typing) => {
                let conversation = self.conversation;
                self.desk.hub().tell(deskbell_protocol::agent::Update::Typing { conversation });
                Ok(())
            }
            Err((id, refusal)) => self.refuse(id, refusal, offences).await,
        }
    }

    /// The chain's quick part runs here, beside the socket and not in the writer's one thread.
    fn message(&self, client_id: Option<String>, text: String) -> Command {
        let hub = self.desk.hub();
        let (name, first_message, returning) = hub.writer(self.conversation);
        let page = self.info.page.clone();
        let question = Question { text, language: self.language, name, page, first_message, returning };
        let verdict = hub.responder().verdict(&question, &hub.settings(), now(), false);
        let proposal = verdict.outcome.into();
        Command::CustomerMessage { client_id, text: question.text, proposal, labels: verdict.labels }
    }

    /// What a customer who asks for a person is told.
    fn person_called(&self) -> Option<Draft> {
        let settings = self.desk.hub().settings();
        let text = settings.responder.person_called.get(self.language).trim();
        let source = Source::of(SourceKind::PersonCalled);
        (!text.is_empty()).then(|| Draft { text: text.to_owned(), source })
    }

    async fn submit(&mut self, command: Command) -> Result<(), End> {
        self.desk.submit(self.conversation, self.info.id, command).await.map_err(End::Refused)
    }

    async fn refuse(&mut self, id: Option<String>, refusal: Refusal, offences: &mut u32) -> Result<(), End> {
        *offences = offences.saturating_add(1);
        if *offences >= OFFENCES {
            let sentence = format!("Too many refused frames; the last: {}", refusal.message);
            return Err(End::refused(Code::RateLimited, &sentence));
        }
        let item = Item::Refused { id, refusal };
        if let Some(frame) = self.dialect.write(&item) {
            self.socket.send(&frame).await?;
            self.socket.flush().await?;
        }
        Ok(())
    }

    /// Writes what waits, all of it before one flush.
    async fn write_waiting(&mut self, in_flight: &mut usize) -> Result<(), End> {
        let waiting = self.outbox.take().map_err(|_| too_slow())?;
        for item in waiting {
            match &item {
                // Its place in the history that was sent already.
                Item::Message(rendered) if rendered.revision <= self.revision => continue,
                Item::Message(rendered) => self.revision = rendered.revision,
                Item::Acknowledged { receipt, .. } => {
                    *in_flight = in_flight.saturating_sub(1);
                    self.revision = self.revision.max(receipt.revision);
                }
                Item::Refused { .. } => *in_flight = in_flight.saturating_sub(1),
                _ => {}
            }
            if let Some(frame) = self.dialect.write(&item) {
                self.socket.send(&frame).await?;
            }
        }
        self.socket.flush().await
    }
}

/// A token bucket over frames of every kind.
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn new() -> Self {
        Self { tokens: FRAMES_BURST, at: Instant::now() }
    }

    /// True while there is something left.
    fn take(&mut self) -> bool {
        let now = Instant::now();
        let given = now.duration_since(self.at).as_secs_f64() * FRAMES_PER_SECOND;
        self.tokens = (self.tokens + given).min(FRAMES_BURST);
        self.at = now;
        let takes = self.tokens >= 1.0;
        if takes {
            self.tokens -= 1.0;
        }
        takes
    }
}
