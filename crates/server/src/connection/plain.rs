//! Plain text, the simplest client there is: every text frame is a message, replies are text frames, one connection is
//! one conversation.

use std::sync::Arc;

use deskbell_desk::{Greeting, Responder};
use deskbell_protocol::entity::{ActivityKind, Connection, ConnectionProtocol};
use deskbell_protocol::settings::Settings;
use deskbell_protocol::{Refusal, Revision};
use tokio::net::TcpStream;

use super::Peer;
use super::customer::{Asked, Dialect, Seat, Session};
use super::socket::{End, Socket};
use crate::activity::Place;
use crate::clock::now;
use crate::desk::Desk;
use crate::desk::calls::message_text;
use crate::outbox::{Item, Outbox};

pub(super) struct Plain;

impl Dialect for Plain {
    fn read(&self, text: String, settings: &Settings) -> Result<Asked, (Option<String>, Refusal)> {
        let text = message_text(text, &settings.limits).map_err(|refusal| (None, refusal))?;
        Ok(Asked::Message { id: None, text })
    }

    fn write(&self, item: &Item) -> Option<String> {
        match item {
            Item::Message(rendered) => rendered.plain.as_deref().map(str::to_owned),
            Item::Refused { refusal, .. } => Some(refusal.message.clone()),
            _ => None,
        }
    }
}

/// Serves a plain-text customer: greeting first.
pub(crate) async fn serve(desk: Desk, stream: TcpStream, read: Vec<u8>, peer: Peer) {
    let settings = desk.hub().settings();
    let mut socket = Socket::new(stream, read, &settings.limits).await;
    let outbox = Arc::new(Outbox::new(&settings.limits));
    let customer = peer.customer(None, &settings, desk.system_language());
    let language = customer.language;
    let info = Connection {
        id: desk.hub().next_connection(),
        opened_at: now(),
        address: peer.address.to_string(),
        protocol: ConnectionProtocol::Plain,
        page: None,
    };
    if let Err(refusal) = desk.gate().begin_conversation(peer.address.ip(), &settings.limits) {
        let place = Place::of(peer.address);
        let end = End::Refused(refusal);
        desk.hub().note_flood(end.activity(), place);
        return socket.close(&end).await;
    }
    let greeting =
        Responder::greeting(&settings, language).map(|text| Greeting { text: text.to_owned(), at: now() });
    let text = greeting.as_ref().map(|greeting| greeting.text.clone());
    let conversation = desk.hub().join_new(info.clone(), Arc::clone(&outbox), None, greeting, customer);
    let connection = info.id;
    let mut seat = Seat::taken(&desk, connection);
    let place =
        Place { connection: Some(connection), conversation: Some(conversation), address: Some(info.address) };
    desk.hub().note(ActivityKind::Opened { protocol: info.protocol }, place);
    let greeted = match &text {
        Some(text) => match socket.send(text).await {
            Ok(()) => socket.flush().await,
            Err(end) => Err(end),
        },
        None => Ok(()),
    };
    if let Err(end) = greeted {
        seat.leave(end.activity());
        return socket.close(&end).await;
    }
    let revision = Revision(0);
    Session { desk, socket, outbox, seat, connection, conversation, language, dialect: Plain, revision }
        .run()
        .await;
}
