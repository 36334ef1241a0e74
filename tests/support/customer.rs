//! Customers over real sockets.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{DEADLINE, within, within_time};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket with these headers.
pub async fn open(address: &str, path: &str, headers: &[(&'static str, &str)]) -> Socket {
    try_open(address, path, headers).await.unwrap()
}

/// Opens a WebSocket, or tells why not.
pub async fn try_open(
    address: &str,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tokio_tungstenite::tungstenite::Error> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    within("the handshake", connect_async(request)).await.map(|(socket, _)| socket)
}

/// The next text frame; `None` when the socket has closed.
pub async fn next_text(socket: &mut Socket) -> Option<String> {
    next_text_in(DEADLINE, socket).await
}

/// As [`next_text`], with a deadline of one's own.
pub async fn next_text_in(deadline: Duration, socket: &mut Socket) -> Option<String> {
    loop {
        match within_time(deadline, "a frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => return Some(text.to_string()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

/// The code and reason of the close frame that must come.
pub async fn next_close(socket: &mut Socket) -> (u16, String) {
    within("a close frame", async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => {
                    let frame = frame.expect("a close frame with a code");
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
    })
    .await
}

/// A client that knows nothing but text frames.
pub struct Plain {
    pub socket: Socket,
}

impl Plain {
    pub async fn connect(address: &str, headers: &[(&'static str, &str)]) -> Self {
        Self { socket: open(address, "/", headers).await }
    }

    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn next(&mut self) -> String {
        next_text(&mut self.socket).await.expect("a text frame, but the socket closed")
    }
}

/// A client of `deskbell.v1` that keeps what it needs to resume.
pub struct V1 {
    pub socket: Socket,
    pub welcome: Value,
    /// Messages and acknowledgements until `caught_up`.
    pub history: Vec<Value>,
}

impl V1 {
    /// Opens the socket without a hello.
    pub async fn open(address: &str) -> Socket {
        open(address, "/", &[("Sec-WebSocket-Protocol", "deskbell.v1")]).await
    }

    pub async fn connect(address: &str, hello: Value) -> Self {
        let mut socket = Self::open(address).await;
        socket.send(Message::text(hello.to_string())).await.unwrap();
        let mut client = Self { socket, welcome: Value::Null, history: Vec::new() };
        client.welcome = client.next().await;
        assert_eq!(client.welcome["type"], "welcome", "{}", client.welcome);
        loop {
            let frame = client.next().await;
            if frame["type"] == "caught_up" {
                return client;
            }
            client.history.push(frame);
        }
    }

    /// As [`V1::connect`], or `None` when the socket breaks before the history is complete.
    pub async fn try_connect(address: &str, hello: Value) -> Option<Self> {
        let headers = [("Sec-WebSocket-Protocol", "deskbell.v1")];
        let mut socket = try_open(address, "/", &headers).await.ok()?;
        socket.send(Message::text(hello.to_string())).await.ok()?;
        let mut client = Self { socket, welcome: Value::Null, history: Vec::new() };
        loop {
            let frame: Value = serde_json::from_str(&next_text(&mut client.socket).await?).unwrap();
            match frame["type"].as_str() {
                Some("welcome") => client.welcome = frame,
                Some("caught_up") => return Some(client),
                _ => client.history.push(frame),
            }
        }
    }

    /// Sends a frame, or tells that the socket is broken.
    pub async fn try_send(&mut self, frame: Value) -> Result<(), tokio_tungstenite::tungstenite::Error> {
        self.socket.send(Message::text(frame.to_string())).await
    }

    /// Comes back with the token, having everything up to `revision`.
    pub async fn resume(address: &str, token: &str, revision: i64) -> Self {
        Self::connect(address, json!({ "type": "hello", "token": token, "revision": revision })).await
    }

    pub fn token(&self) -> String {
        self.welcome["token"].as_str().unwrap().to_owned()
    }

    pub async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn say(&mut self, id: &str, text: &str) {
        self.send(json!({ "type": "message", "id": id, "text": text })).await;
    }

    pub async fn next(&mut self) -> Value {
        let text = next_text(&mut self.socket).await.expect("a frame, but the socket closed");
        serde_json::from_str(&text).unwrap()
    }

    /// The next frame of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        within(kind, async {
            loop {
                let frame = self.next().await;
                if frame["type"] == kind {
                    return frame;
                }
            }
        })
        .await
    }

    /// The next message of this author; other frames are passed over.
    pub async fn next_from(&mut self, author: &str) -> Value {
        within(author, async {
            loop {
                let frame = self.next_of("message").await;
                if frame["author"] == author {
                    return frame;
                }
            }
        })
        .await
    }
}
