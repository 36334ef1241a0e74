//! One TCP connection's HTTP: pages are answered, sockets are upgraded and handed over raw, so that an idle socket
//! carries no HTTP state.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT_LANGUAGE, CONNECTION, HeaderMap, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, USER_AGENT,
};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::host::{Asked, Host};
use super::shared::Shared;
use super::{TURN_AWAY, pages, turn_away};
use crate::activity::Place;
use crate::connection::Peer;
use crate::connection::socket::Socket;
use crate::limits::HEADER_BYTES;

/// The only version of WebSocket there is (RFC 6455).
const VERSION: &str = "13";

/// A socket that was agreed on and will be there when its answer is written.
struct Agreed<S> {
    upgrade: OnUpgrade,
    speaks: S,
    peer: Peer,
}

/// A socket after its handshake.
#[derive(Debug)]
pub struct Upgraded<S> {
    pub(crate) stream: TcpStream,
    /// What was read beyond the handshake.
    pub(crate) read: Vec<u8>,
    pub(crate) speaks: S,
    pub(crate) peer: Peer,
}

impl<S> Upgraded<S> {
    /// As frames, within these bounds.
    pub async fn into_socket(self, limits: &Limits) -> Socket {
        Socket::new(self.stream, self.read, limits).await
    }
}

/// Serves one TCP connection's one request; the socket, if it became one. The request's headers must be there in time,
/// all of them, from the first moment on; whatever else comes is not waited for.
pub(super) async fn serve<H: Host>(
    host: &H,
    stream: TcpStream,
    address: SocketAddr,
    limits: &Limits,
) -> Option<Upgraded<H::Speaks>> {
    let on_loopback = stream.local_addr().is_ok_and(|local| local.ip().to_canonical().is_loopback());
    let _best_effort = stream.set_nodelay(true);
    let deadline = Instant::now() + limits.handshake();
    // Who connects and says nothing, as browsers do ahead of time, is no event and costs no HTTP state.
    let mut byte = [0];
    let heard = tokio::select! {
        // A stream may call itself readable and have nothing: so not `readable`.
        heard = tokio::time::timeout_at(deadline, stream.peek(&mut byte)) => heard.ok()?.ok()?,
        () = host.stopping() => return None,
    };
    if heard == 0 {
        return None;
    }
    let stream = Arc::new(stream);
    let agreed = Arc::new(Mutex::new(None));
    // How long the answer may take, once the headers are there.
    let patience = watch::Sender::new(None);
    let service = service_fn(|request| {
        patience.send_replace(Some(host.patience(&request)));
        let agreed = &agreed;
        async move {
            if !wants_socket(request.headers()) {
                let mut page = host.page(request, on_loopback).await;
                page.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return Ok::<_, Infallible>(page);
            }
            let mut answer = answer(host, request, address, on_loopback, agreed);
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        // The deadline is over the whole connection, not over each request.
        .header_read_timeout(None)
        .max_headers(usize::try_from(limits.headers).unwrap_or(usize::MAX))
        .max_buf_size(HEADER_BYTES)
        .half_close(false)
        .serve_connection(TokioIo::new(Shared(Arc::clone(&stream))), service)
        .with_upgrades();
    let failure = tokio::select! {
        ended = served => ended.err().and_then(|error| Failure::of(&error)),
        late = too_late(deadline, patience.subscribe()) => Some(late),
        () = host.stopping() => return None,
    };
    let agreed = agreed.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(Agreed { upgrade, speaks, peer }) = agreed else {
        let answer = failure.and_then(|failure| {
            host.note(failure.kind, Place::of(address));
            failure.answer
        });
        if let Some(stream) = Arc::into_inner(stream) {
            end(stream, answer).await;
        }
        return None;
    };
    let upgraded = tokio::time::timeout(limits.handshake(), upgrade).await.ok()?.ok()?;
    let parts = upgraded.downcast::<TokioIo<Shared>>().ok()?;
    drop(stream);
    let stream = Arc::into_inner(parts.io.into_inner().0)?;
    Some(Upgraded { stream, read: parts.read_buf.to_vec(), speaks, peer })
}

/// Ends when the request's headers do not come in time, or its answer is not taken.
async fn too_late(deadline: Instant, mut patience: watch::Receiver<Option<Duration>>) -> Failure {
    let asked = tokio::time::timeout_at(deadline, patience.wait_for(Option::is_some)).await;
    let patience = asked.ok().and_then(|asked| asked.ok().and_then(|patience| *patience));
    if let Some(patience) = patience {
        tokio::time::sleep(patience).await;
        return Failure::broke(
            "The answer was not taken in time.".to_owned(),
            "对方没有及时收取回答。".to_owned(),
        );
    }
    let refusal = Refusal::new(Code::TimedOut, "The request did not come in time.");
    Failure::refused(StatusCode::REQUEST_TIMEOUT, refusal)
}

/// Why a connection became neither a page nor a socket.
struct Failure {
    kind: ActivityKind,
    /// What is still to be said to the client.
    answer: Option<String>,
}

impl Failure {
    fn refused(status: StatusCode, refusal: Refusal) -> Self {
        let answer = Some(super::answer(status, &refusal));
        Self { kind: ActivityKind::Refused { refusal, origin: None }, answer }
    }

    fn broke(error: String, error_zh: String) -> Self {
        Self { kind: ActivityKind::Failed { error, error_zh }, answer: None }
    }

    fn of(error: &hyper::Error) -> Option<Self> {
        // A client that merely looked and left is no failure.
        if error.is_incomplete_message() {
            return None;
        }
        if error.is_parse_too_large() {
            let refusal = Refusal::new(Code::TooLong, "The request has too many headers, or too long ones.");
            return Some(Self::refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, refusal));
        }
        let failure = Self::broke(format!("Handshake: {error}."), format!("握手失败：{error}。"));
        let refusal = Refusal::new(Code::Malformed, "This is not HTTP as it should be.");
        let answer = error.is_parse().then(|| super::answer(StatusCode::BAD_REQUEST, &refusal));
        Some(Self { answer, ..failure })
    }
}

/// Says what is to be said, and waits a little for the other side to hear it.
async fn end(stream: TcpStream, answer: Option<String>) {
    let _gone = tokio::time::timeout(TURN_AWAY, turn_away(stream, answer.unwrap_or_default())).await;
}

fn answer<H: Host>(
    host: &H,
    mut request: Request<Incoming>,
    address: SocketAddr,
    on_loopback: bool,
    agreed: &Mutex<Option<Agreed<H::Speaks>>>,
) -> Response<Full<Bytes>> {
    let headers = request.headers();
    let (speaks, subprotocol) = match host.choose(Asked { path: request.uri().path(), headers, on_loopback })
    {
        Ok(chosen) => chosen,
        Err(refusal) => return refuse(host, headers, address, refusal),
    };
    let peer = Peer {
        address,
        accept_language: header(headers, &ACCEPT_LANGUAGE),
        user_agent: header(headers, &USER_AGENT),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    match switch_protocols(&request, subprotocol) {
        Ok(response) => {
            *agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Agreed { upgrade, speaks, peer });
            response
        }
        Err(sentence) => {
            let refusal = Refusal::new(Code::Malformed, sentence);
            let mut response = refuse(host, request.headers(), address, refusal);
            *response.status_mut() = StatusCode::BAD_REQUEST;
            // RFC 6455 §4.2.2, item 4: who speaks another version is told which one is spoken here.
            if request.headers().get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version != VERSION) {
                *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
                response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            }
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
fn switch_protocols(
    request: &Request<Incoming>,
    subprotocol: Option<&'static str>,
) -> Result<Response<Full<Bytes>>, String> {
    let mut asked = Request::builder().method(request.method()).uri(request.uri()).version(request.version());
    if let Some(headers) = asked.headers_mut() {
        headers.clone_from(request.headers());
    }
    let asked = asked.body(()).map_err(|error| error.to_string())?;
    let response = create_response(&asked).map_err(|error| format!("Not a WebSocket handshake: {error}."))?;
    let mut response = response.map(|()| Full::default());
    if let Some(subprotocol) = subprotocol {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
    }
    Ok(response)
}

fn refuse(
    host: &impl Host,
    headers: &HeaderMap,
    address: SocketAddr,
    refusal: Refusal,
) -> Response<Full<Bytes>> {
    let origin = (refusal.code == Code::OriginRefused).then(|| header(headers, &ORIGIN)).flatten();
    let sentence = format!("{refusal}\n");
    host.note(ActivityKind::Refused { refusal, origin }, Place::of(address));
    pages::plain(StatusCode::FORBIDDEN, &sentence)
}

fn header(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(deskbell_protocol::limits::cut(value, deskbell_protocol::limits::FACT_BYTES).to_owned())
}
