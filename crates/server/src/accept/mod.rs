//! From a TCP connection to a WebSocket or an HTTP answer.

mod console;
mod handshake;
mod host;
mod http;
mod pages;
mod replies;
mod shared;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::Refusal;
use deskbell_protocol::entity::ActivityKind;
use hyper::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::activity::Place;
use crate::limits::KERNEL_BUFFER;
pub use host::{Asked, Host};
pub use http::Upgraded;
pub use pages::ConsoleAssets;

/// Connections that the system may queue before they are accepted.
const BACKLOG: u32 = 4096;
/// After an error of accept (2), such as EMFILE: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Who has no place is told so, but only so many at once: each of them costs a descriptor.
const TURNED_AWAY: usize = 16;
/// How long telling that may take.
const TURN_AWAY: Duration = Duration::from_secs(1);

/// Binds a port for [`accept`].
///
/// # Errors
/// What the system says.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Elsewhere this lets a restart take the port at once; on Windows it would let two programs share it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit these.
    socket.set_send_buffer_size(KERNEL_BUFFER)?;
    socket.set_recv_buffer_size(KERNEL_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until it is dropped. Each connection gets a permit and a task of its own.
pub async fn accept(host: impl Host, listener: TcpListener) {
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut backoff = BACKOFF.0;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                backoff = BACKOFF.0;
                take(&host, stream, canonical(address), &turned_away);
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                host.note(failure(&error), Place::default());
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
}

fn failure(error: &std::io::Error) -> ActivityKind {
    ActivityKind::Failed {
        error: format!("No connection can be accepted: {error}. Those that are open go on."),
        error_zh: format!("无法接受新连接：{error}。已打开的连接不受影响。"),
    }
}

fn take<H: Host>(host: &H, stream: TcpStream, address: SocketAddr, turned_away: &Arc<Semaphore>) {
    let limits = host.limits();
    match host.gate().enter(address.ip(), &limits) {
        Ok(permit) => {
            let host = host.clone();
            tokio::spawn(async move {
                // Boxed and gone when the socket begins: an idle socket carries no HTTP state.
                if let Some(upgraded) = Box::pin(http::serve(&host, stream, address, &limits)).await {
                    host.serve(upgraded).await;
                }
                drop(permit);
            });
        }
        Err(refusal) => {
            if let Ok(place) = Arc::clone(turned_away).try_acquire_owned() {
                let answer = answer(StatusCode::SERVICE_UNAVAILABLE, &refusal);
                tokio::spawn(async move {
                    let _gone = tokio::time::timeout(TURN_AWAY, turn_away(stream, answer)).await;
                    drop(place);
                });
            }
            host.note(ActivityKind::Refused { refusal, origin: None }, Place::of(address));
        }
    }
}

/// An IPv4 address that came over an IPv6 socket, as itself.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A refusal as HTTP, for who has no request that could be answered.
fn answer(status: StatusCode, refusal: &Refusal) -> String {
    let sentence = format!("{refusal}\n");
    let retry = if status == StatusCode::SERVICE_UNAVAILABLE { "Retry-After: 5\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\n{retry}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{sentence}",
        sentence.len(),
    )
}

/// Answers without having read, and reads on: closing a socket with something unread would take the answer back.
async fn turn_away(mut stream: TcpStream, answer: String) -> std::io::Result<()> {
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut (&mut stream).take(16 * 1024), &mut tokio::io::sink()).await.map(drop)
}
