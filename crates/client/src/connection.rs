//! One connection: frames in and out, each wait with a deadline.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use deskbell_protocol::CUSTOMER_SUBPROTOCOL;
use deskbell_protocol::customer::{ClientFrame, ServerFrame};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// From the first packet to the end of the handshake, and for one write.
const DEADLINE: Duration = Duration::from_secs(10);
/// The desk pings every 20 s; who hears nothing for so long has no connection.
const SILENCE: Duration = Duration::from_secs(45);
/// The longest text, with every character escaped, fits.
const FRAME_BYTES: usize = 512 * 1024;

/// A WebSocket to the desk. Errors are sentences for [`Event::Offline`](crate::Event::Offline).
#[derive(Debug)]
pub(crate) struct Connection {
    stream: WebSocketStream<TcpStream>,
    last_heard: Instant,
}

/// Where the desk is.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) path: String,
    pub(crate) from: Option<IpAddr>,
}

impl Connection {
    pub(crate) async fn open(target: Target) -> Result<Self, String> {
        let open = async {
            let stream = connect(&target.address, target.from).await.map_err(sentence)?;
            let _best_effort = stream.set_nodelay(true);
            let mut request =
                format!("ws://{}{}", target.address, target.path).into_client_request().map_err(sentence)?;
            let speaks = HeaderValue::from_static(CUSTOMER_SUBPROTOCOL);
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, speaks);
            let config = WebSocketConfig::default()
                .read_buffer_size(4096)
                .write_buffer_size(0)
                .max_write_buffer_size(FRAME_BYTES * 2)
                .max_message_size(Some(FRAME_BYTES))
                .max_frame_size(Some(FRAME_BYTES));
            let (stream, _) =
                client_async_with_config(request, stream, Some(config)).await.map_err(refused)?;
            Ok(Self { stream, last_heard: Instant::now() })
        };
        in_time(DEADLINE, "The desk does not answer.", Box::pin(open)).await
    }

    pub(crate) async fn send(&mut self, frame: &ClientFrame) -> Result<(), String> {
        let text = serde_json::to_string(frame).map_err(sentence)?;
        let sent = async { self.stream.send(Message::text(text)).await.map_err(sentence) };
        in_time(DEADLINE, "The desk does not read.", sent).await
    }

    /// The next frame. Cancelling loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<ServerFrame, String> {
        loop {
            let heard = tokio::time::timeout_at(self.last_heard + SILENCE, self.stream.next()).await;
            self.last_heard = Instant::now();
            match heard.map_err(|_| "Nothing was heard of the desk.".to_owned())? {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|error| format!("Not understood: {error}."));
                }
                Some(Ok(Message::Close(Some(frame)))) => return Err(format!("The desk closed: {frame}.")),
                Some(Ok(Message::Close(None))) | None => return Err("The desk closed.".to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(sentence(error)),
            }
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(mut self) {
        let _gone = tokio::time::timeout(Duration::from_secs(1), self.stream.close(None)).await;
    }
}

async fn connect(address: &str, from: Option<IpAddr>) -> std::io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(address).await };
    let mut failure = None;
    for to in tokio::net::lookup_host(address).await? {
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(from, 0))?;
        match socket.connect(to).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| std::io::Error::other("the address has no host")))
}

async fn in_time<T>(
    time: Duration,
    missed: &str,
    future: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::time::timeout(time, future).await.unwrap_or_else(|_| Err(missed.to_owned()))
}

fn sentence(error: impl std::fmt::Display) -> String {
    format!("The connection broke: {error}.")
}

/// The desk says why in the answer's body.
fn refused(error: Error) -> String {
    match error {
        Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            format!("The desk refused: {}, {}", response.status(), String::from_utf8_lossy(body).trim())
        }
        error => sentence(error),
    }
}
