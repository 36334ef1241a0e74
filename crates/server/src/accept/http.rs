//! One TCP connection's HTTP: pages are answered, sockets are upgraded and handed over raw, so that an idle socket
//! carries no HTTP state.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::{Code, Refusal};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::handshake::{CONSOLE_SOCKET, Policy, Speaks, choose};
use super::pages;
use crate::activity::Place;
use crate::connection::{self, Peer};
use crate::desk::Desk;
use crate::limits::{HANDSHAKE, HEADER_BYTES, HEADERS};

/// A socket that was agreed on and will be there when its answer is written.
struct Agreed {
    upgrade: OnUpgrade,
    speaks: Speaks,
    peer: Peer,
}

/// A socket after its handshake.
pub(super) struct Upgraded {
    stream: TcpStream,
    /// What was read beyond the handshake.
    read: Vec<u8>,
    speaks: Speaks,
    peer: Peer,
}

impl Upgraded {
    /// Serves the socket to its end. Boxed, so that each task is as large as what it speaks, and not as the largest.
    pub(super) async fn serve(self, desk: Desk) {
        let Self { stream, read, speaks, peer } = self;
        match speaks {
            Speaks::Agent => Box::pin(connection::serve_agent(desk, stream, read)).await,
            Speaks::Plain => Box::pin(connection::serve_plain(desk, stream, read, peer)).await,
            Speaks::Customer => Box::pin(connection::serve_v1(desk, stream, read, peer)).await,
        }
    }
}

/// Serves one TCP connection's HTTP to its end; the socket, if it became one.
pub(super) async fn serve(desk: &Desk, stream: TcpStream, address: SocketAddr) -> Option<Upgraded> {
    let on_loopback = stream.local_addr().is_ok_and(|local| local.ip().to_canonical().is_loopback());
    let _best_effort = stream.set_nodelay(true);
    let agreed = Arc::new(Mutex::new(None));
    let service = service_fn(|request| {
        let answer = answer(desk, request, address, on_loopback, &agreed);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_headers(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut stopping = desk.stopping();
    let ended = tokio::select! {
        ended = served => ended,
        () = stopping.wait() => return None,
    };
    let agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Agreed { upgrade, speaks, peer }) = agreed else {
        if let Err(error) = ended {
            note_failure(desk, address, &error);
        }
        return None;
    };
    let upgraded = tokio::time::timeout(HANDSHAKE, upgrade).await.ok()?.ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    Some(Upgraded { stream: parts.io.into_inner(), read: parts.read_buf.to_vec(), speaks, peer })
}

fn note_failure(desk: &Desk, address: SocketAddr, error: &hyper::Error) {
    // A client that merely looked and left is no failure.
    if error.is_incomplete_message() || error.is_timeout() {
        return;
    }
    let place = Place { address: Some(address.to_string()), ..Place::default() };
    desk.hub().note(ActivityKind::Failed { error: format!("Handshake: {error}.") }, place);
}

fn answer(
    desk: &Desk,
    mut request: Request<Incoming>,
    address: SocketAddr,
    on_loopback: bool,
    agreed: &Mutex<Option<Agreed>>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if !wants_socket(request.headers()) {
        return match (path.as_str(), request.method()) {
            (CONSOLE_SOCKET, _) => {
                pages::plain(StatusCode::UPGRADE_REQUIRED, "This is the console's WebSocket.\n")
            }
            (_, &Method::GET | &Method::HEAD) => pages::page(&path, desk.console()),
            _ => pages::plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n"),
        };
    }
    let settings = desk.hub().settings();
    let policy = Policy { allowed_origins: &settings.allowed_origins, on_loopback };
    let headers = request.headers();
    let speaks =
        match choose(&path, headers).and_then(|speaks| policy.check(speaks, headers).map(|()| speaks)) {
            Ok(speaks) => speaks,
            Err(refusal) => return refuse(desk, headers, address, refusal),
        };
    let peer = Peer {
        address,
        accept_language: header(headers, &ACCEPT_LANGUAGE),
        user_agent: header(headers, &USER_AGENT),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    match switch_protocols(&request, speaks) {
        Ok(response) => {
            *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Agreed { upgrade, speaks, peer });
            response
        }
        Err(sentence) => {
            let refusal = Refusal::new(Code::Malformed, sentence);
            let mut response = refuse(desk, request.headers(), address, refusal);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

/// RFC 6455 §4.2.1, items 3 and 4.
fn wants_socket(headers: &HeaderMap) -> bool {
    headers
        .get(hyper::header::UPGRADE)
        .and_then(|upgrade| upgrade.to_str().ok())
        .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// The 101 of RFC 6455 §4.2.2; tungstenite checks the rest of the request.
fn switch_protocols(request: &Request<Incoming>, speaks: Speaks) -> Result<Response<Full<Bytes>>, String> {
    let mut asked = Request::builder().method(request.method()).uri(request.uri()).version(request.version());
    if let Some(headers) = asked.headers_mut() {
        headers.clone_from(request.headers());
    }
    let asked = asked.body(()).map_err(|error| error.to_string())?;
    let response = create_response(&asked).map_err(|error| format!("Not a WebSocket handshake: {error}."))?;
    let mut response = response.map(|()| Full::default());
    if let Some(subprotocol) = speaks.subprotocol() {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    Ok(response)
}

fn refuse(desk: &Desk, headers: &HeaderMap, address: SocketAddr, refusal: Refusal) -> Response<Full<Bytes>> {
    let origin = (refusal.code == Code::OriginRefused).then(|| header(headers, &ORIGIN)).flatten();
    let sentence = format!("{refusal}\n");
    let place = Place { address: Some(address.to_string()), ..Place::default() };
    desk.hub().note(ActivityKind::Refused { refusal, origin }, place);
    pages::plain(StatusCode::FORBIDDEN, &sentence)
}

fn header(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(deskbell_protocol::limits::cut(value, deskbell_protocol::limits::FACT_BYTES).to_owned())
}
