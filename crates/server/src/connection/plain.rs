//! Plain text, the simplest client there is: every text frame is a message, replies are text frames, one connection is
//! one conversation.

use std::sync::Arc;

use deskbell_desk::{Greeting, Responder};
use deskbell_protocol::entity::{ActivityKind, Connection, ConnectionProtocol};
use deskbell_protocol::{Refusal, Revision};
use tokio::net::TcpStream;

use super::Peer;
use super::customer::{Asked, Dialect, Session};
use super::socket::Socket;
use crate::activity::Place;
use crate::clock::now;
use crate::desk::Desk;
use crate::desk::calls::message_text;
use crate::outbox::{Item, Outbox};

pub(super) struct Plain;

impl Dialect for Plain {
    fn read(&self, text: String) -> Result<Asked, (Option<String>, Refusal)> {
        let text = message_text(text).map_err(|refusal| (None, refusal))?;
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
    let mut socket = Socket::new(stream, read).await;
    let outbox = Arc::<Outbox>::default();
    let settings = desk.hub().settings();
    let customer = peer.customer(None, &settings, desk.system_language());
    let language = customer.language;
    let info = Connection {
        id: desk.hub().next_connection(),
        opened_at: now(),
        address: peer.address.to_string(),
        protocol: ConnectionProtocol::Plain,
        page: None,
    };
    let greeting =
        Responder::greeting(&settings, language).map(|text| Greeting { text: text.to_owned(), at: now() });
    let text = greeting.as_ref().map(|greeting| greeting.text.clone());
    let conversation = desk.hub().join_new(info.clone(), Arc::clone(&outbox), None, greeting, customer);
    let place = Place {
        connection: Some(info.id),
        conversation: Some(conversation),
        address: Some(info.address.clone()),
    };
    desk.hub().note(ActivityKind::Opened { protocol: info.protocol }, place);
    let greeted = match &text {
        Some(text) => match socket.send(text).await {
            Ok(()) => socket.flush().await,
            Err(end) => Err(end),
        },
        None => Ok(()),
    };
    if let Err(end) = greeted {
        desk.hub().leave(info.id, end.activity());
        return socket.close(&end).await;
    }
    Session { desk, socket, outbox, info, conversation, language, dialect: Plain, revision: Revision(0) }
        .run()
        .await;
}
