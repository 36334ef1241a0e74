//! A client without manners: a TCP connection, bytes as they are, frames made by hand.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::within;

/// First bytes of frames: FIN and opcode (RFC 6455 §5.2).
pub mod first {
    pub const TEXT: u8 = 0x81;
    pub const BINARY: u8 = 0x82;
    pub const CLOSE: u8 = 0x88;
    pub const PING: u8 = 0x89;
    pub const TEXT_BEGINS: u8 = 0x01;
    pub const CONTINUES: u8 = 0x00;
    pub const ENDS: u8 = 0x80;
}

/// An address that is not this machine's usual one, to be a stranger from.
pub const STRANGER: &str = "127.0.0.2";

/// A TCP connection from a local address.
pub async fn connect(address: &str, from: Option<&str>) -> std::io::Result<TcpStream> {
    let to: SocketAddr = address.parse().unwrap();
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0))?;
    }
    let stream = socket.connect(to).await?;
    // What is written apart shall arrive apart.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What an HTTP client gets: everything until the other side closes.
pub async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _end = within("the end of the connection", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request for a WebSocket; `more` are further headers, each with its line end.
pub fn request(address: &str, more: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// Makes [`request`] one for JSON frames.
pub const V1: &str = "Sec-WebSocket-Protocol: deskbell.v1\r\n";

/// A masked frame of a client with its right length.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len());
    // A mask of zeros is a mask, and changes nothing.
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// As [`frame`], with a mask that changes every byte.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let mut frame = header(first, payload.len());
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The first bytes of a masked frame, up to its mask.
pub fn header(first: u8, length: usize) -> Vec<u8> {
    let mut header = vec![first];
    match length {
        0..126 => header.push(0x80 | u8::try_from(length).unwrap()),
        126..65_536 => {
            header.push(0x80 | 126);
            header.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            header.push(0x80 | 127);
            header.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    header
}

/// A WebSocket by hand.
pub struct Raw {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Raw {
    /// Shakes hands from a local address; `Err` is the answer that was no handshake.
    pub async fn try_open(address: &str, from: Option<&str>, more: &str) -> Result<Self, String> {
        let mut stream = connect(address, from).await.map_err(|error| error.to_string())?;
        let _refused = stream.write_all(request(address, more).as_bytes()).await;
        let mut raw = Self { stream, read: Vec::new() };
        loop {
            if let Some(end) = raw.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&raw.read[..end]).into_owned();
                if head.starts_with("HTTP/1.1 101") {
                    raw.read.drain(..end + 4);
                    return Ok(raw);
                }
            }
            if !raw.more().await {
                return Err(String::from_utf8_lossy(&raw.read).into_owned());
            }
        }
    }

    pub async fn open(address: &str, from: Option<&str>, more: &str) -> Self {
        Self::try_open(address, from, more).await.unwrap_or_else(|answer| panic!("{answer}"))
    }

    /// A JSON customer after its hello; the history is not read.
    pub async fn hello(address: &str, from: Option<&str>, hello: &str) -> Self {
        let mut raw = Self::open(address, from, V1).await;
        raw.send(&frame(first::TEXT, hello.as_bytes())).await;
        raw
    }

    async fn more(&mut self) -> bool {
        let read = within("bytes", self.stream.read_buf(&mut self.read)).await;
        matches!(read, Ok(1..))
    }

    /// Sends bytes. That the other side has closed is seen by reading.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        within("room to write", self.stream.write_all(bytes)).await.is_ok()
    }

    /// The next frame: its first byte and its payload; `None` at the end.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = next_frame(&mut self.read) {
                return Some(frame);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next text frame, as JSON.
    pub async fn json(&mut self) -> serde_json::Value {
        loop {
            let (first, payload) = self.frame().await.expect("a frame, but the socket has ended");
            if first == first::TEXT {
                return serde_json::from_slice(&payload).unwrap();
            }
        }
    }

    /// Code and reason of the close frame that must come.
    pub async fn close(&mut self) -> (u16, String) {
        loop {
            let (first, payload) = self.frame().await.expect("a close frame, but the socket has ended");
            if first == first::CLOSE {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                return (code, String::from_utf8(payload[2..].to_vec()).unwrap());
            }
        }
    }

    /// Sends bytes in pieces of so many (0: all in one) and reads at the same time, to the end of the connection: all
    /// frames that came.
    pub async fn exchange(mut self, bytes: &[u8], piece: usize) -> Vec<(u8, Vec<u8>)> {
        let (mut from, mut to) = self.stream.split();
        let write = async {
            for piece in bytes.chunks(if piece == 0 { bytes.len() } else { piece }) {
                // That the other side has closed is seen by reading.
                if to.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        };
        let read = async {
            let mut frames = Vec::new();
            loop {
                while let Some(frame) = next_frame(&mut self.read) {
                    frames.push(frame);
                }
                if !matches!(from.read_buf(&mut self.read).await, Ok(1..)) {
                    return frames;
                }
            }
        };
        tokio::select! {
            frames = read => frames,
            () = write => unreachable!(),
        }
    }

    /// Sends the same bytes until the other side has had enough; how often.
    pub async fn flood(&mut self, bytes: &[u8], most: usize) -> usize {
        for sent in 0..most {
            if self.stream.write_all(bytes).await.is_err() {
                return sent;
            }
        }
        most
    }
}

/// Takes the first frame, if it is there whole.
fn next_frame(bytes: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (from, to) = payload(bytes)?;
    if bytes.len() < to {
        return None;
    }
    let frame: Vec<u8> = bytes.drain(..to).collect();
    Some((frame[0], frame[from..].to_vec()))
}

/// Where the first frame's payload begins and ends.
fn payload(bytes: &[u8]) -> Option<(usize, usize)> {
    let (from, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap()),
        short => (2, usize::from(short)),
    };
    Some((from, from + length))
}
