//! `deskbell.v1`: hello, welcome, history, then live.

use std::net::IpAddr;
use std::sync::Arc;

use deskbell_desk::{Command, Greeting, Responder};
use deskbell_protocol::customer::{ClientFrame, Hello, ServerFrame};
use deskbell_protocol::entity::{ActivityKind, Connection, ConnectionProtocol, Control, Customer};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{Code, ConversationId, Refusal, Revision, Seq};
use serde::Deserialize;
use tokio::net::TcpStream;

use super::customer::{Asked, Dialect, Seat, Session};
use super::socket::{End, Incoming, Socket};
use super::{Peer, fact};
use crate::activity::Place;
use crate::clock::now;
use crate::desk::Desk;
use crate::desk::calls::{client_id, message_text};
use crate::hub::customer_message;
use crate::identity::{fresh_token, hash};
use crate::limits::{HISTORY_PAGE, HISTORY_PAGE_BYTES, OFFENCES};
use crate::outbox::{Item, Outbox};

/// How long a client waits before it sends a refused message again, where that may help.
const RETRY_AFTER_MS: u32 = 1000;

pub(super) struct V1;

impl Dialect for V1 {
    fn read(&self, text: String, settings: &Settings) -> Result<Asked, (Option<String>, Refusal)> {
        match decode(&text).map_err(|refusal| (None, refusal))? {
            ClientFrame::Hello(_) => {
                Err((None, Refusal::new(Code::HelloExpected, "hello is the first frame and comes once.")))
            }
            ClientFrame::Message { id, text } => {
                let id = client_id(id).map_err(|refusal| (None, refusal))?;
                let text =
                    message_text(text, &settings.limits).map_err(|refusal| (Some(id.clone()), refusal))?;
                Ok(Asked::Message { id: Some(id), text })
            }
            ClientFrame::Typing {} => Ok(Asked::Typing),
            ClientFrame::Read { seq } => Ok(Asked::Command(Command::CustomerRead { seq })),
            ClientFrame::RequestHuman {} => Ok(Asked::Human),
        }
    }

    fn write(&self, item: &Item) -> Option<String> {
        let frame = match item {
            Item::Message(rendered) => return Some(rendered.json.to_string()),
            Item::Acknowledged { id, receipt } => ServerFrame::Ack {
                id: id.clone().unwrap_or_default(),
                seq: receipt.seq,
                revision: receipt.revision,
                at: receipt.at,
            },
            Item::Refused { id, refusal } => error_frame(id.clone(), refusal),
            Item::Typing(author) => ServerFrame::Typing { author: *author },
            Item::Read(seq) => ServerFrame::Read { seq: *seq },
            Item::Control(control) => ServerFrame::Control { control: *control },
            Item::Leave(_) => return None,
        };
        encode(&frame)
    }

    fn last_words(&self, refusal: &Refusal) -> Option<String> {
        encode(&error_frame(None, refusal))
    }
}

fn error_frame(id: Option<String>, refusal: &Refusal) -> ServerFrame {
    let passes = matches!(
        refusal.code,
        Code::RateLimited
            | Code::StoreFailed
            | Code::Overloaded
            | Code::ShuttingDown
            | Code::TooManyConnections
    );
    ServerFrame::Error {
        code: refusal.code,
        message: refusal.message.clone(),
        id,
        retry_after_ms: passes.then_some(RETRY_AFTER_MS),
    }
}

fn encode(frame: &ServerFrame) -> Option<String> {
    serde_json::to_string(frame)
        .inspect_err(|error| tracing::error!(%error, "a frame does not serialize"))
        .ok()
}

/// A frame of a client: unknown fields are ignored, unknown types and shapes refused.
pub(crate) fn decode(text: &str) -> Result<ClientFrame, Refusal> {
    #[derive(Deserialize)]
    struct Tag {
        r#type: Option<String>,
    }
    serde_json::from_str(text).map_err(|error| {
        let known = ["hello", "message", "typing", "read", "request_human"];
        match serde_json::from_str::<Tag>(text) {
            Ok(Tag { r#type: Some(kind) }) if known.contains(&kind.as_str()) => {
                Refusal::new(Code::Malformed, format!("This {kind} frame is not as it should be: {error}."))
            }
            Ok(Tag { r#type: Some(kind) }) => {
                let kind = deskbell_protocol::limits::cut(&kind, 64);
                Refusal::new(
                    Code::UnknownType,
                    format!("“{kind}” is not a type of frame that this desk knows."),
                )
            }
            _ => Refusal::new(
                Code::Malformed,
                "A frame is a JSON object with a type, such as {\"type\":\"hello\"}.",
            ),
        }
    })
}

/// Who a socket turned out to be.
struct Joined {
    conversation: ConversationId,
    token: String,
    resumed: bool,
    stored: bool,
    greeting: Option<String>,
    control: Control,
    revision: Revision,
    last_seq: Seq,
    /// Of which database all this is.
    epoch: Arc<str>,
}

/// Serves a JSON customer.
pub(crate) async fn serve(desk: Desk, stream: TcpStream, read: Vec<u8>, peer: Peer) {
    let settings = desk.hub().settings();
    let limits = &settings.limits;
    let mut socket = Socket::new(stream, read, limits).await;
    let mut info = Connection {
        id: desk.hub().next_connection(),
        opened_at: now(),
        address: peer.address.to_string(),
        protocol: ConnectionProtocol::V1,
        page: None,
    };
    let place = Place { connection: Some(info.id), conversation: None, address: Some(info.address.clone()) };
    desk.hub().note(ActivityKind::Opened { protocol: info.protocol }, place.clone());
    let hello = match tokio::time::timeout(limits.hello(), hello(&desk, &mut socket)).await {
        Ok(hello) => hello,
        Err(_elapsed) => Err(End::refused(Code::TimedOut, "No hello came in time.")),
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(end) => {
            desk.hub().note(end.activity(), place);
            return turn_away(socket, end).await;
        }
    };
    info.page = fact(hello.page.clone());
    let mut customer = peer.customer(fact(hello.locale.clone()), &settings, desk.system_language());
    customer.name = fact(hello.name.clone());
    customer.email = fact(hello.email.clone());
    customer.page.clone_from(&info.page);
    let language = customer.language;
    let outbox = Arc::new(Outbox::new(limits));
    let joined = match join(&desk, &info, &outbox, &hello, customer, peer.address.ip()).await {
        Ok(joined) => joined,
        Err(refusal) => {
            let end = End::Refused(refusal);
            desk.hub().note_flood(end.activity(), place);
            return turn_away(socket, end).await;
        }
    };
    let conversation = joined.conversation;
    let seat = Seat::taken(&desk, info.id);
    let (connection, revision) = (info.id, Revision(0));
    let mut session =
        Session { desk, socket, outbox, seat, connection, conversation, language, dialect: V1, revision };
    match session.catch_up(&hello, joined).await {
        Ok(()) => session.run().await,
        Err(end) => {
            session.seat.leave(end.activity());
            session.say_goodbye(end).await;
        }
    }
}

/// Ends a socket that belongs to no conversation yet.
async fn turn_away(mut socket: Socket, end: End) {
    if let End::Refused(refusal) = &end
        && let Some(words) = V1.last_words(refusal)
    {
        let _gone = socket.send(&words).await;
    }
    socket.close(&end).await;
}

/// The first frame. Others are refused, up to a point.
async fn hello(desk: &Desk, socket: &mut Socket) -> Result<Hello, End> {
    let mut stopping = desk.stopping();
    let mut offences = 0;
    loop {
        let incoming = tokio::select! {
            incoming = socket.receive(true) => incoming?,
            () = stopping.wait() => return Err(End::Stopping),
        };
        let refusal = match incoming {
            Incoming::Alive => continue,
            Incoming::Text(text) => match decode(&text) {
                Ok(ClientFrame::Hello(hello)) => return Ok(hello),
                Ok(_) => Refusal::new(Code::HelloExpected, "Say hello first: {\"type\":\"hello\"}."),
                Err(refusal) => refusal,
            },
            Incoming::Binary(_) => {
                Refusal::new(Code::Malformed, "Send text frames; binary is not understood.")
            }
        };
        offences += 1;
        if offences >= OFFENCES {
            return Err(End::Refused(refusal));
        }
        if let Some(frame) = encode(&error_frame(None, &refusal)) {
            socket.send(&frame).await?;
            socket.flush().await?;
        }
    }
}

/// Registers for live frames before anything is read: nothing falls between history and live.
async fn join(
    desk: &Desk,
    info: &Connection,
    outbox: &Arc<Outbox>,
    hello: &Hello,
    customer: Customer,
    address: IpAddr,
) -> Result<Joined, Refusal> {
    let epoch = desk.hub().epoch();
    if let Some(token) = &hello.token {
        let hashed = hash(token);
        if let Some((conversation, greeting)) = desk.hub().join_visitor(info, outbox, &hashed)? {
            return Ok(Joined {
                conversation,
                token: token.clone(),
                resumed: true,
                stored: false,
                greeting: greeting.map(|greeting| greeting.text),
                control: Control::Automatic,
                revision: Revision(0),
                last_seq: Seq(0),
                epoch,
            });
        }
        let found = desk.store().readers().by_token(hashed).await.map_err(|error| {
            tracing::error!(%error, "a token could not be looked up");
            Refusal::new(Code::StoreFailed, "The desk could not look this up. Try again.")
        })?;
        if let Some(conversation) = found {
            return resume(desk, info, outbox, (token, conversation, epoch), customer).await;
        }
    }
    let settings = desk.hub().settings();
    desk.gate().begin_conversation(address, &settings.limits)?;
    let token = fresh_token().map_err(|_| Refusal::new(Code::Internal, "The desk has no randomness."))?;
    let greeting = Responder::greeting(&settings, customer.language)
        .map(|text| Greeting { text: text.to_owned(), at: now() });
    let text = greeting.as_ref().map(|greeting| greeting.text.clone());
    let conversation =
        desk.hub().join_new(info.clone(), Arc::clone(outbox), Some(hash(&token)), greeting, customer);
    Ok(Joined {
        conversation,
        token,
        resumed: false,
        stored: false,
        greeting: text,
        control: Control::Automatic,
        revision: Revision(0),
        last_seq: Seq(0),
        epoch,
    })
}

async fn resume(
    desk: &Desk,
    info: &Connection,
    outbox: &Arc<Outbox>,
    (token, conversation, epoch): (&str, ConversationId, Arc<str>),
    customer: Customer,
) -> Result<Joined, Refusal> {
    desk.hub().join_stored(conversation, info.clone(), Arc::clone(outbox), &epoch)?;
    let seen = deskbell_store::Seen {
        conversation,
        facts: Some(customer),
        delivered: Seq(0),
        now: now(),
        epoch: Arc::clone(&epoch),
    };
    let entry = match desk.store().seen(seen).await {
        Ok(()) => desk.store().readers().conversation(conversation).await.map_err(|error| error.to_string()),
        Err(refusal) => Err(refusal.message),
    };
    match entry {
        Ok(Some(entry)) => Ok(Joined {
            conversation,
            token: token.to_owned(),
            resumed: true,
            stored: true,
            greeting: None,
            control: entry.state.control,
            revision: entry.state.revision,
            last_seq: entry.state.last_seq,
            epoch,
        }),
        failed => {
            tracing::error!(?failed, "a conversation could not be read");
            let refusal =
                Refusal::new(Code::StoreFailed, "The desk could not read this conversation. Try again.");
            let kind = ActivityKind::Refused { refusal: refusal.clone(), origin: None };
            desk.hub().leave(info.id, kind);
            Err(refusal)
        }
    }
}

impl Session<V1> {
    /// Welcomes the client and sends what it does not have, in order of revision. What is committed meanwhile waits in
    /// the outbox and is sent after it, once.
    async fn catch_up(&mut self, hello: &Hello, joined: Joined) -> Result<(), End> {
        let same_epoch = hello.epoch.as_deref().is_none_or(|epoch| *epoch == *joined.epoch);
        let knows = joined.resumed && same_epoch && hello.revision <= joined.revision;
        let mut sent = Seq(0);
        let mut revision = if knows { hello.revision.max(Revision(0)) } else { Revision(0) };
        self.send(&ServerFrame::Welcome {
            token: joined.token,
            epoch: joined.epoch.to_string(),
            revision: joined.revision,
            resumed: joined.resumed,
            greeting: joined.greeting,
            control: joined.control,
        })
        .await?;
        // A visitor who was here may have become a stored conversation meanwhile: its messages are in the outbox.
        if joined.stored {
            (revision, sent) = self.send_history(revision).await?;
        }
        self.revision = revision;
        self.send(&ServerFrame::CaughtUp { revision }).await?;
        self.socket.flush().await?;
        // What this client says it has, and the history that it was just sent.
        self.desk.hub().delivered(self.conversation, joined.last_seq.max(sent));
        Ok(())
    }

    /// The last revision and the last place that were sent.
    async fn send_history(&mut self, after: Revision) -> Result<(Revision, Seq), End> {
        let mut revision = after;
        let mut sent = Seq(0);
        loop {
            // What waits is in the store already: a long history does not fill the outbox.
            self.outbox.forget_messages();
            let readers = self.desk.store().readers();
            let page = readers.history(self.conversation, revision, HISTORY_PAGE, HISTORY_PAGE_BYTES);
            let page = page.await.map_err(|error| {
                tracing::error!(%error, "history could not be read");
                End::refused(Code::StoreFailed, "The desk could not read this conversation. Connect again.")
            })?;
            let Some(last) = page.last() else { return Ok((revision, sent)) };
            revision = last.revision;
            for message in page {
                sent = sent.max(message.seq);
                self.send(&ServerFrame::Message(customer_message(&message))).await?;
            }
            self.socket.flush().await?;
        }
    }

    async fn send(&mut self, frame: &ServerFrame) -> Result<(), End> {
        match encode(frame) {
            Some(text) => self.socket.send(&text).await,
            None => Ok(()),
        }
    }
}
