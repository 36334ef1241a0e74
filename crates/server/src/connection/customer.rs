//! The loop of a customer's socket, whatever it speaks.

use std::collections::VecDeque;
use std::sync::Arc;

use deskbell_desk::{Command, Draft, Responder};
use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{Code, ConnectionId, ConversationId, Refusal, Revision, Seq};

use super::socket::{End, Incoming, Socket, too_slow};
use crate::clock::now;
use crate::desk::Desk;
use crate::hub::Hub;
use crate::limits::{IN_FLIGHT, IN_FLIGHT_BYTES, OFFENCES};
use crate::outbox::{Item, Outbox};

/// What a dialect makes of frames.
pub(super) trait Dialect {
    /// What a text frame asks for.
    ///
    /// # Errors
    /// The refusal, and the id of the message that it is about.
    fn read(&self, text: String, settings: &Settings) -> Result<Asked, (Option<String>, Refusal)>;

    /// An item as a text frame; `None` when this dialect does not say such things.
    fn write(&self, item: &Item) -> Option<String>;

    /// A text frame that tells why this side will close, before the close frame does.
    fn last_words(&self, _refusal: &Refusal) -> Option<String> {
        None
    }
}

/// What a customer's frame asks for.
pub(super) enum Asked {
    Message { id: Option<String>, text: String },
    Command(Command),
    Human,
    Typing,
}

impl Asked {
    fn id(self) -> Option<String> {
        match self {
            Self::Message { id, .. } => id,
            Self::Command(_) | Self::Human | Self::Typing => None,
        }
    }
}

/// A socket's place in the hub. When its task ends without a word, by a fault of the desk, the place is given back.
pub(super) struct Seat {
    hub: Arc<Hub>,
    connection: ConnectionId,
    taken: bool,
}

impl Seat {
    /// The place of a socket that has joined.
    pub(super) fn taken(desk: &Desk, connection: ConnectionId) -> Self {
        Self { hub: Arc::clone(desk.hub()), connection, taken: true }
    }

    /// Gives it back. When the conversation is stored: up to where everything was written to its sockets.
    pub(super) fn leave(&mut self, why: ActivityKind) -> Option<Seq> {
        if std::mem::take(&mut self.taken) { self.hub.leave(self.connection, why) } else { None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let error = "This connection ended by a fault of the desk; please report it.".to_owned();
        let error_zh = "此连接因客服台自身的错误而结束；请报告此问题。".to_owned();
        self.leave(ActivityKind::Failed { error, error_zh });
    }
}

/// A client's messages on their way to the store. Their outcomes come in the same order.
#[derive(Debug, Default)]
struct InFlight {
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl InFlight {
    fn has_room(&self) -> bool {
        self.sizes.len() < IN_FLIGHT && self.bytes < IN_FLIGHT_BYTES
    }

    fn add(&mut self, bytes: usize) {
        self.sizes.push_back(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    fn remove(&mut self) {
        self.bytes = self.bytes.saturating_sub(self.sizes.pop_front().unwrap_or(0));
    }
}

/// A customer's socket that belongs to a conversation.
pub(super) struct Session<D> {
    pub(super) desk: Desk,
    pub(super) socket: Socket,
    pub(super) outbox: Arc<Outbox>,
    pub(super) seat: Seat,
    pub(super) connection: ConnectionId,
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
        let epoch = self.desk.hub().epoch();
        if let Some(delivered) = self.seat.leave(end.activity()) {
            let seen = deskbell_store::Seen {
                conversation: self.conversation,
                facts: None,
                delivered,
                now: crate::clock::now(),
                epoch,
            };
            if let Err(refusal) = self.desk.store().seen(seen).await {
                tracing::debug!(%refusal, "the end of a connection was not stored");
            }
        }
        self.say_goodbye(end).await;
    }

    /// Ends the socket with what the client can be told.
    pub(super) async fn say_goodbye(mut self, end: End) {
        if let End::Refused(refusal) = &end
            && refusal.code != Code::TooSlow
            && let Some(words) = self.dialect.last_words(refusal)
        {
            let _gone = self.socket.send(&words).await;
        }
        self.socket.close(&end).await;
    }

    async fn converse(&mut self) -> End {
        let mut stopping = self.desk.stopping();
        let mut offences = 0;
        let mut in_flight = InFlight::default();
        let outbox = Arc::clone(&self.outbox);
        loop {
            let step = tokio::select! {
                biased;
                () = stopping.wait() => Err(End::Stopping),
                () = outbox.changed() => self.write_waiting(&mut in_flight).await,
                // A client that sends faster than the disk writes waits in its own socket.
                incoming = self.socket.receive(in_flight.has_room()) => {
                    self.read(incoming, &mut offences, &mut in_flight).await
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
        offences: &mut u32,
        in_flight: &mut InFlight,
    ) -> Result<(), End> {
        let text = match incoming? {
            Incoming::Alive => return Ok(()),
            Incoming::Text(text) => text,
            Incoming::Binary(_) => {
                let refusal = Refusal::new(Code::Malformed, "Send text frames; binary is not understood.");
                return self.refuse(None, refusal, offences).await;
            }
        };
        crate::failpoints::panic_on(&text);
        let settings = self.desk.hub().settings();
        let too_many = !self.socket.count_message();
        let asked = self.dialect.read(text, &settings);
        if too_many {
            let id = asked.map_or_else(|(id, _)| id, Asked::id);
            let refusal = Refusal::new(Code::RateLimited, "Too many frames; wait a moment.");
            return self.refuse(id, refusal, offences).await;
        }
        match asked {
            Ok(Asked::Message { id, text }) => {
                in_flight.add(text.len());
                let command = self.message(id, text);
                self.submit(command).await
            }
            Ok(Asked::Human) => {
                let draft = Some(self.person_called());
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
        let question = hub.question(self.connection, text, self.language);
        let (proposal, labels) = hub.responder().propose(&question, &hub.settings(), now());
        Command::CustomerMessage { client_id, text: question.text, proposal, labels }
    }

    /// What a customer who asks for a person is told.
    fn person_called(&self) -> Draft {
        let hub = self.desk.hub();
        Responder::person_called(&hub.about(self.connection, self.language), &hub.settings())
    }

    async fn submit(&mut self, command: Command) -> Result<(), End> {
        self.desk.submit(self.conversation, self.connection, command).await.map_err(End::Refused)
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
    async fn write_waiting(&mut self, in_flight: &mut InFlight) -> Result<(), End> {
        let waiting = self.outbox.take().map_err(|_| too_slow())?;
        let mut delivered = Seq(0);
        for item in waiting {
            match &item {
                // Its place in the history that was sent already.
                Item::Message(rendered) if rendered.revision <= self.revision => continue,
                Item::Message(rendered) => {
                    self.revision = rendered.revision;
                    delivered = delivered.max(rendered.seq);
                }
                Item::Acknowledged { receipt, .. } => {
                    in_flight.remove();
                    self.revision = self.revision.max(receipt.revision);
                }
                Item::Refused { .. } => in_flight.remove(),
                Item::Leave(refusal) => return Err(End::Refused(refusal.clone())),
                _ => {}
            }
            if let Some(frame) = self.dialect.write(&item) {
                self.socket.send(&frame).await?;
            }
        }
        self.socket.flush().await?;
        if delivered > Seq(0) {
            self.desk.hub().delivered(self.conversation, delivered);
        }
        Ok(())
    }
}
