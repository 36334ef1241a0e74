//! Whom the edge works for.

use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::Refusal;
use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::settings::Limits;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use super::handshake::{CONSOLE_SOCKET, Policy, Speaks, choose};
use super::http::Upgraded;
use super::{console, pages, replies};
use crate::activity::Place;
use crate::connection;
use crate::desk::Desk;
use crate::gate::Gate;
use crate::limits::{CONSOLE_CALL, PAGE};

/// A request for a socket.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The path asked for.
    pub path: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Whether it came in on a loopback address.
    pub on_loopback: bool,
}

/// Whom connections are accepted for.
pub trait Host: Clone + Send + Sync + 'static {
    /// What a socket speaks.
    type Speaks: Copy + Send + 'static;

    /// The bounds in force.
    fn limits(&self) -> Limits;

    /// The count of who is here.
    fn gate(&self) -> &Arc<Gate>;

    /// What a socket will speak, and the subprotocol to answer with (RFC 6455 §4.2.2).
    ///
    /// # Errors
    /// Who may not have one.
    fn choose(&self, asked: Asked<'_>) -> Result<(Self::Speaks, Option<&'static str>), Refusal>;

    /// Serves a socket to its end.
    fn serve(self, socket: Upgraded<Self::Speaks>) -> impl Future<Output = ()> + Send;

    /// Answers a request that is not for a socket.
    fn page(
        &self,
        _request: Request<Incoming>,
        _on_loopback: bool,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send {
        std::future::ready(pages::plain(StatusCode::NOT_FOUND, "There is nothing here.\n"))
    }

    /// How long that may take, from the end of the request's headers to the end of the answer.
    fn patience(&self, _request: &Request<Incoming>) -> Duration {
        PAGE
    }

    /// Hears what failed or was refused before there was a socket.
    fn note(&self, _kind: ActivityKind, _place: Place) {}

    /// Resolves when no request is answered any more.
    fn stopping(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

impl Host for Desk {
    type Speaks = Speaks;

    fn limits(&self) -> Limits {
        self.hub().settings().limits.clone()
    }

    fn gate(&self) -> &Arc<Gate> {
        self.gate()
    }

    fn choose(&self, asked: Asked<'_>) -> Result<(Speaks, Option<&'static str>), Refusal> {
        let settings = self.hub().settings();
        let policy = Policy { allowed_origins: &settings.allowed_origins, on_loopback: asked.on_loopback };
        let speaks = choose(asked.path, asked.headers)?;
        policy.check(speaks, asked.headers)?;
        Ok((speaks, speaks.subprotocol()))
    }

    /// Boxed, so that each task is as large as what it speaks, and not as the largest.
    async fn serve(self, socket: Upgraded<Speaks>) {
        let Upgraded { stream, read, speaks, peer } = socket;
        match speaks {
            Speaks::Agent => Box::pin(connection::serve_agent(self, stream, read)).await,
            Speaks::Plain => Box::pin(connection::serve_plain(self, stream, read, peer)).await,
            Speaks::Customer => Box::pin(connection::serve_v1(self, stream, read, peer)).await,
        }
    }

    async fn page(&self, request: Request<Incoming>, on_loopback: bool) -> Response<Full<Bytes>> {
        match (request.uri().path(), request.method()) {
            (console::PATH, _) => Box::pin(console::call(self, request, on_loopback)).await,
            // Boxed, so that a page's request is not as large as one with a body.
            (replies::PATH, _) => Box::pin(replies::take(self, request)).await,
            (CONSOLE_SOCKET, _) => {
                pages::plain(StatusCode::UPGRADE_REQUIRED, "This is the console's WebSocket.\n")
            }
            (path, &Method::GET | &Method::HEAD) => pages::page(path, self.console()),
            _ => pages::plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n"),
        }
    }

    fn patience(&self, request: &Request<Incoming>) -> Duration {
        if console::is_authorized(self, request) { CONSOLE_CALL } else { PAGE }
    }

    fn note(&self, kind: ActivityKind, place: Place) {
        self.hub().note_flood(kind, place);
    }

    async fn stopping(&self) {
        self.stopping().wait().await;
    }
}
