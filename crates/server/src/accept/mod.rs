//! From a TCP connection to a WebSocket or an HTTP answer.

mod handshake;
mod http;
mod pages;

use std::net::SocketAddr;
use std::time::Duration;

use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::{Code, Refusal};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::activity::Place;
use crate::desk::Desk;
use crate::limits::WRITE;
pub use pages::ConsoleAssets;

/// After an error of accept (2), such as EMFILE: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Accepts until it is aborted. Each connection gets a permit and a task of its own.
pub(crate) async fn accept(desk: Desk, listener: TcpListener) {
    let mut backoff = BACKOFF.0;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                backoff = BACKOFF.0;
                take(&desk, stream, address);
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                desk.hub().note(ActivityKind::Failed { error: error.to_string() }, Place::default());
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
}

fn take(desk: &Desk, stream: TcpStream, address: SocketAddr) {
    let address = canonical(address);
    match desk.permits().try_acquire_owned() {
        Ok(permit) => {
            let desk = desk.clone();
            tokio::spawn(async move {
                // Boxed and gone when the socket begins: an idle socket carries no HTTP state.
                if let Some(upgraded) = Box::pin(http::serve(&desk, stream, address)).await {
                    upgraded.serve(desk).await;
                }
                drop(permit);
            });
        }
        Err(_full) => {
            let refusal =
                Refusal::new(Code::TooManyConnections, "The desk has no room for another connection.");
            let place = Place { address: Some(address.to_string()), ..Place::default() };
            desk.hub().note(ActivityKind::Refused { refusal, origin: None }, place);
            tokio::spawn(refuse_full(stream));
        }
    }
}

/// An IPv4 address that came over an IPv6 socket, as itself.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn refuse_full(mut stream: TcpStream) {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _gone = tokio::time::timeout(WRITE, stream.write_all(answer.as_bytes())).await;
}
