//! Plain text, the simplest client there is: every text frame is a message, replies are text frames, one connection is
//! one conversation.

use std::sync::Arc;

use deskbell_desk::{Greeting, Responder};
use deskbell_protocol::entity::{ActivityKind, Connection, ConnectionProtocol};
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{Code, Refusal, Revision};
use tokio::net::TcpStream;

use super::Peer;
use super::customer::{Asked, Dialect, Seat, Session};
use super::socket::{End, Socket};
use crate::activity::Place;
use crate::clock::now;
use crate::desk::Desk;
use crate::desk::calls::message_text;
use crate::outbox::{Item, Outbox};

pub(super) struct Plain {
    language: Language,
}

impl Dialect for Plain {
    fn read(&self, text: String, settings: &Settings) -> Result<Asked, (Option<String>, Refusal)> {
        let text = message_text(text, &settings.limits).map_err(|refusal| (None, refusal))?;
        Ok(Asked::Message { id: None, text })
    }

    fn write(&self, item: &Item) -> Option<String> {
        match item {
            Item::Message(rendered) => rendered.plain.as_deref().map(str::to_owned),
            Item::Refused { refusal, .. } => Some(sentence(refusal, self.language)),
            _ => None,
        }
    }
}

/// A refusal as a customer reads it. Other clients go by its code.
fn sentence(refusal: &Refusal, language: Language) -> String {
    let chinese = match (language, refusal.code) {
        (Language::En, _) => return refusal.message.clone(),
        (Language::ZhCn, Code::Empty) => "消息是空的，没有发送。",
        (Language::ZhCn, Code::TooLong) => "消息太长，没有发送。请分成几条再发。",
        (Language::ZhCn, Code::RateLimited) => "消息发得太快，这一条没有发送。请稍等片刻再发。",
        (Language::ZhCn, Code::Malformed) => "只能发送文字，这一条没有发送。",
        (Language::ZhCn, Code::StoreFailed | Code::Overloaded) => "这一条没能保存，请再发一次。",
        (Language::ZhCn, Code::ShuttingDown) => "客服系统正在停止，请稍后重新连接。",
        (Language::ZhCn, _) => "这一条没有发送，请再试一次。",
    };
    chinese.to_owned()
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
    let dialect = Plain { language };
    Session { desk, socket, outbox, seat, connection, conversation, language, dialect, revision }.run().await;
}
