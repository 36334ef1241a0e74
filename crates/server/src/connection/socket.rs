//! A WebSocket with bounds: frames in are small, writes have a deadline, an end has a reason.

use std::time::Duration;

use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::limits::FRAME_BYTES;
use deskbell_protocol::{Code, Refusal};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::limits::{OUTBOX_BYTES, PING, SILENCE, WRITE};

/// RFC 6455 §5.5: a close frame's reason has at most 123 bytes.
const REASON_BYTES: usize = 123;

/// What came in.
pub(super) enum Incoming {
    Text(String),
    /// A binary frame; nothing here speaks binary.
    Binary,
    /// Ping or pong: the other side is alive.
    Alive,
}

/// Why a socket ended.
#[derive(Debug)]
pub(super) enum End {
    /// The other side closed, or vanished in good order.
    Closed { code: u16, reason: String },
    /// It broke.
    Failed(String),
    /// This side closes, and tells why.
    Refused(Refusal),
    /// The desk is stopping.
    Stopping,
}

impl End {
    /// How the activity view shows it.
    pub(super) fn activity(&self) -> ActivityKind {
        match self {
            Self::Closed { code, reason } => ActivityKind::Closed { code: *code, reason: reason.clone() },
            Self::Failed(error) => ActivityKind::Failed { error: error.clone() },
            Self::Refused(refusal) => ActivityKind::Refused { refusal: refusal.clone(), origin: None },
            Self::Stopping => ActivityKind::Closed { code: 1001, reason: "The desk is stopping.".to_owned() },
        }
    }

    pub(super) fn refused(code: Code, sentence: &str) -> Self {
        Self::Refused(Refusal::new(code, sentence))
    }
}

/// A WebSocket whose every wait ends.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
    last_heard: Instant,
    next_ping: Instant,
}

impl Socket {
    /// Takes over a TCP stream after its handshake; `read` is what was read beyond it.
    pub(super) async fn new(stream: TcpStream, read: Vec<u8>) -> Self {
        // tungstenite's defaults are for trusted peers: 128 KiB of buffer a connection, 64 MiB messages.
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_write_buffer_size(OUTBOX_BYTES * 2)
            .max_message_size(Some(FRAME_BYTES))
            .max_frame_size(Some(FRAME_BYTES));
        // Boxed: its future is large and would stay in the task.
        let taking = Box::pin(WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)));
        let now = Instant::now();
        Self { stream: taking.await, last_heard: now, next_ping: now + PING }
    }

    /// The next frame, unless `reading` is false; meanwhile the other side is pinged, and given up when it is silent.
    /// Cancelling loses nothing.
    pub(super) async fn receive(&mut self, reading: bool) -> Result<Incoming, End> {
        let message = loop {
            tokio::select! {
                message = self.stream.next(), if reading => break message,
                () = tokio::time::sleep_until(self.next_ping) => self.tend(reading).await?,
            }
        };
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(end_of(error)),
            None => return Err(End::Closed { code: 1006, reason: String::new() }),
        };
        self.last_heard = Instant::now();
        match message {
            // Copied: a slice would keep the whole read buffer alive.
            Message::Text(text) => Ok(Incoming::Text(text.as_str().to_owned())),
            Message::Binary(_) => Ok(Incoming::Binary),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(Incoming::Alive),
            Message::Close(frame) => {
                // tungstenite has queued the answer; it leaves with the flush.
                let _gone = tokio::time::timeout(Duration::from_secs(1), self.stream.flush()).await;
                let (code, reason) = frame
                    .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                Err(End::Closed { code, reason })
            }
        }
    }

    async fn tend(&mut self, reading: bool) -> Result<(), End> {
        let now = Instant::now();
        if !reading {
            // Nobody listened, so silence proves nothing.
            self.last_heard = now;
        }
        let silent = now.duration_since(self.last_heard);
        if silent >= SILENCE {
            return Err(End::refused(Code::TimedOut, "Nothing was heard for 45 seconds."));
        }
        self.next_ping = now + PING.min(SILENCE.saturating_sub(silent));
        self.write(Message::Ping(tokio_tungstenite::tungstenite::Bytes::new())).await?;
        self.flush().await
    }

    /// Queues a text frame; [`Socket::flush`] sends what is queued in one write.
    pub(super) async fn send(&mut self, text: &str) -> Result<(), End> {
        self.write(Message::text(text)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(WRITE, self.stream.feed(message)).await {
            Ok(written) => written.map_err(end_of),
            Err(_elapsed) => Err(too_slow()),
        }
    }

    /// Sends what is queued.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        match tokio::time::timeout(WRITE, self.stream.flush()).await {
            Ok(flushed) => flushed.map_err(end_of),
            Err(_elapsed) => Err(too_slow()),
        }
    }

    /// Says goodbye where this side ends it. Never waits long.
    pub(super) async fn close(mut self, end: &End) {
        let (code, reason) = match end {
            End::Closed { .. } | End::Failed(_) => return,
            End::Stopping => (CloseCode::Away, "The desk is stopping; connect again later."),
            End::Refused(refusal) => (close_code(refusal.code), refusal.message.as_str()),
        };
        let reason = deskbell_protocol::limits::cut(reason, REASON_BYTES).to_owned();
        let frame = CloseFrame { code, reason: reason.into() };
        let goodbye = async {
            if self.stream.send(Message::Close(Some(frame))).await.is_ok() {
                // Reads until the answer, or the kernel would reset the connection and the reason would be lost.
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        let _gone = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
    }
}

pub(super) fn too_slow() -> End {
    End::refused(Code::TooSlow, "The connection reads too slowly; connect again and resume.")
}

/// RFC 6455 §7.4.1.
fn close_code(code: Code) -> CloseCode {
    match code {
        Code::TooLong => CloseCode::Size,
        Code::Malformed => CloseCode::Unsupported,
        Code::TooSlow | Code::Overloaded | Code::StoreFailed => CloseCode::Again,
        Code::ShuttingDown => CloseCode::Away,
        Code::Internal => CloseCode::Error,
        _ => CloseCode::Policy,
    }
}

fn end_of(error: Error) -> End {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => End::Closed { code: 1006, reason: String::new() },
        Error::Capacity(_) => End::refused(Code::TooLong, "A frame has at most 65,536 bytes."),
        Error::WriteBufferFull(_) => too_slow(),
        Error::Protocol(error) => End::Failed(format!("The client broke the WebSocket protocol: {error}.")),
        Error::Utf8(_) => End::Failed("The client sent text that is not UTF-8.".to_owned()),
        Error::Io(error) => End::Failed(format!("The connection broke: {error}.")),
        error => End::Failed(error.to_string()),
    }
}
