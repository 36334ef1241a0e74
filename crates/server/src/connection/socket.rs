//! A WebSocket with bounds: frames in are small and few, writes have a deadline, an end has a reason.

use std::time::Duration;

use deskbell_protocol::entity::ActivityKind;
use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::wire::{Fault, Wire};
use crate::limits::{READ_BUFFER, WRITE};

/// RFC 6455 §5.5: a close frame's reason has at most 123 bytes.
const REASON_BYTES: usize = 123;
/// After its own goodbye this side reads on for so long, or the kernel would reset the connection and the reason would
/// be lost; and so much.
const LINGER: (Duration, u64) = (Duration::from_secs(2), 256 * 1024);

/// A ping that is so late was not late by the other side's fault.
const OVERSLEPT: Duration = Duration::from_secs(5);

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// Ping or pong: the other side is alive.
    Alive,
}

/// Why a socket ended.
#[derive(Debug)]
pub enum End {
    /// The other side closed, or vanished in good order.
    Closed {
        /// RFC 6455 §7.4; 1005 when none was given, 1006 when there was no goodbye.
        code: u16,
        /// The reason given.
        reason: String,
    },
    /// It broke.
    Failed {
        /// How.
        error: String,
        /// The same in Chinese.
        error_zh: String,
    },
    /// The other side broke the WebSocket protocol and is told so.
    Violated {
        /// RFC 6455 §7.4.
        code: u16,
        /// How.
        error: String,
        /// The same in Chinese.
        error_zh: String,
    },
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
            Self::Failed { error, error_zh } | Self::Violated { error, error_zh, .. } => {
                ActivityKind::Failed { error: error.clone(), error_zh: error_zh.clone() }
            }
            Self::Refused(refusal) => ActivityKind::Refused { refusal: refusal.clone(), origin: None },
            Self::Stopping => ActivityKind::Closed { code: 1001, reason: "The desk is stopping.".to_owned() },
        }
    }

    pub(super) fn refused(code: Code, sentence: &str) -> Self {
        Self::Refused(Refusal::new(code, sentence))
    }
}

/// A WebSocket whose every wait ends.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<Wire<TcpStream>>,
    last_heard: Instant,
    next_ping: Instant,
    ping: Duration,
    silence: Duration,
    write: Duration,
}

impl Socket {
    /// Takes over a TCP stream after its handshake; `read` is what was read beyond it.
    pub(crate) async fn new(stream: TcpStream, read: Vec<u8>, limits: &Limits) -> Self {
        let bytes = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let frame = bytes(limits.frame_bytes);
        // tungstenite's defaults are for trusted peers: 128 KiB of buffer a connection, 64 MiB messages.
        let config = WebSocketConfig::default()
            .read_buffer_size((frame / 64).clamp(READ_BUFFER.0, READ_BUFFER.1))
            .write_buffer_size(0)
            .max_write_buffer_size(bytes(limits.outbox_bytes).max(frame).saturating_mul(2))
            .max_message_size(Some(frame.max(bytes(limits.message_bytes))))
            .max_frame_size(Some(frame));
        let wire = Wire::new(stream, &read, limits);
        // Boxed: its future is large and would stay in the task.
        let taking = Box::pin(WebSocketStream::from_partially_read(wire, read, Role::Server, Some(config)));
        let (ping, silence) = (limits.ping(), limits.silence());
        // Longer where frames are allowed that take longer.
        let write = WRITE + Duration::from_secs(u64::from(limits.frame_bytes) / (256 * 1024));
        let now = Instant::now();
        Self { stream: taking.await, last_heard: now, next_ping: now + ping, ping, silence, write }
    }

    /// Counts a message that was received whole; false when there were too many in a short time.
    pub fn count_message(&mut self) -> bool {
        self.stream.get_mut().count_message()
    }

    /// The next frame, unless `reading` is false; meanwhile the other side is pinged, and given up when it is silent.
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// The [`End`] of this socket.
    pub async fn receive(&mut self, reading: bool) -> Result<Incoming, End> {
        let message = loop {
            tokio::select! {
                // What has come counts before it is asked whether anything has.
                biased;
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
            Message::Binary(bytes) => Ok(Incoming::Binary(bytes.to_vec())),
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
        if !reading || now.duration_since(self.next_ping) > OVERSLEPT {
            // Nobody listened, or this process itself stood still: silence proves nothing.
            self.last_heard = now;
        }
        let silent = now.duration_since(self.last_heard);
        if silent >= self.silence {
            let sentence = format!("Nothing was heard for {} seconds.", self.silence.as_secs());
            return Err(End::refused(Code::TimedOut, &sentence));
        }
        self.next_ping = now + self.ping.min(self.silence.saturating_sub(silent));
        self.write(Message::Ping(tokio_tungstenite::tungstenite::Bytes::new())).await?;
        self.flush().await
    }

    /// Queues a text frame; [`Socket::flush`] sends what is queued in one write.
    ///
    /// # Errors
    /// The [`End`] of this socket.
    pub async fn send(&mut self, text: &str) -> Result<(), End> {
        self.write(Message::text(text)).await
    }

    /// Queues a binary frame.
    ///
    /// # Errors
    /// The [`End`] of this socket.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        self.write(Message::binary(bytes)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(self.write, self.stream.feed(message)).await {
            Ok(written) => written.map_err(end_of),
            Err(_elapsed) => Err(too_slow()),
        }
    }

    /// Sends what is queued.
    ///
    /// # Errors
    /// The [`End`] of this socket.
    pub async fn flush(&mut self) -> Result<(), End> {
        match tokio::time::timeout(self.write, self.stream.flush()).await {
            Ok(flushed) => flushed.map_err(end_of),
            Err(_elapsed) => Err(too_slow()),
        }
    }

    /// Says goodbye where this side ends it. Never waits long.
    pub async fn close(mut self, end: &End) {
        let (code, reason) = match end {
            End::Failed { .. } | End::Closed { code: 1006, .. } => return,
            // It was answered in kind.
            End::Closed { .. } => return self.linger().await,
            End::Stopping => (CloseCode::Away, "The desk is stopping; connect again later.".to_owned()),
            End::Violated { code, error, .. } => (CloseCode::from(*code), error.clone()),
            // The code first: a long sentence is cut.
            End::Refused(Refusal { code, message, .. }) => {
                (close_code(*code), format!("{}: {message}", code.as_str()))
            }
        };
        let reason = deskbell_protocol::limits::cut(&reason, REASON_BYTES).to_owned();
        let frame = CloseFrame { code, reason: reason.into() };
        let sent = tokio::time::timeout(LINGER.0, self.stream.send(Message::Close(Some(frame)))).await;
        if matches!(sent, Ok(Ok(()))) {
            self.linger().await;
        }
    }

    /// This side is done, and waits a little for the other to see that.
    async fn linger(mut self) {
        let stream = self.stream.get_mut().stream();
        let last = async {
            let _gone = stream.shutdown().await;
            // Not as frames: whoever is refused may go on sending anything.
            let _told = tokio::io::copy(&mut stream.take(LINGER.1), &mut tokio::io::sink()).await;
        };
        let _gone = tokio::time::timeout(LINGER.0, last).await;
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
        Code::TooSlow | Code::Overloaded | Code::StoreFailed | Code::TooManyConnections => CloseCode::Again,
        Code::ShuttingDown => CloseCode::Away,
        Code::Internal => CloseCode::Error,
        _ => CloseCode::Policy,
    }
}

fn end_of(error: Error) -> End {
    let failed = |error, error_zh| End::Failed { error, error_zh };
    let violated = |code: CloseCode, error, error_zh| End::Violated { code: code.into(), error, error_zh };
    let fault = |fault: Fault| {
        let code = if fault == Fault::NotText { CloseCode::Invalid } else { CloseCode::Protocol };
        violated(code, fault.to_string(), fault.in_chinese().to_owned())
    };
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => End::Closed { code: 1006, reason: String::new() },
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            failed("The connection ended without a goodbye.".to_owned(), "连接没有告别就断开了。".to_owned())
        }
        Error::Capacity(_) => End::refused(Code::TooLong, "The frame or the message is too long."),
        Error::WriteBufferFull(_) => too_slow(),
        Error::Protocol(error) => violated(
            CloseCode::Protocol,
            format!("The client broke the WebSocket protocol: {error}."),
            format!("客户端违反了 WebSocket 协议：{error}。"),
        ),
        Error::Utf8(_) => fault(Fault::NotText),
        Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
            Some(Fault::Exceeded(sentence)) => End::refused(Code::RateLimited, sentence),
            Some(broken) => fault(*broken),
            None => failed(format!("The connection broke: {error}."), format!("连接中断：{error}。")),
        },
        error => failed(format!("The connection broke: {error}."), format!("连接中断：{error}。")),
    }
}
