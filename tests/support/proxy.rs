//! A bad network between clients and the desk: cuts connections, swallows bytes, loses frames.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to one connection. Bytes count from its beginning, the handshake included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fate {
    /// Both directions end after so many bytes from the desk.
    pub cut_after: Option<usize>,
    /// Both directions end after so many bytes from the client.
    pub cut_after_sent: Option<usize>,
    /// From so many bytes on, nothing of the desk arrives, and nobody is told.
    pub deaf_after: Option<usize>,
    /// From so many bytes on, nothing of the client arrives, and nobody is told.
    pub mute_after: Option<usize>,
    /// The desk's frame of this number, from 0, is lost.
    pub lost_frame: Option<usize>,
}

/// Listens, and forwards with a fate for each connection. Ends when dropped.
pub struct Proxy {
    pub address: String,
    upstream: Arc<Mutex<String>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// `fate` is asked with the number of each connection, from 0.
    pub async fn start(upstream: &str, mut fate: impl FnMut(usize) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let upstream = Arc::new(Mutex::new(upstream.to_owned()));
        let target = Arc::clone(&upstream);
        let accepting = tokio::spawn(async move {
            for number in 0.. {
                let (client, _) = listener.accept().await.unwrap();
                let (fate, target) = (fate(number), target.lock().unwrap().clone());
                tokio::spawn(forward(client, target, fate));
            }
        });
        Self { address, upstream, accepting }
    }

    /// New connections go elsewhere.
    pub fn point_to(&self, upstream: &str) {
        upstream.clone_into(&mut self.upstream.lock().unwrap());
    }
}

async fn forward(client: TcpStream, upstream: String, fate: Fate) {
    let Ok(desk) = TcpStream::connect(&upstream).await else { return };
    client.set_nodelay(true).unwrap();
    desk.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_desk, to_desk) = desk.into_split();
    // Whichever ends first ends both.
    tokio::select! {
        () = pump(from_client, to_desk, fate.cut_after_sent, fate.mute_after, None) => {}
        () = pump(from_desk, to_client, fate.cut_after, fate.deaf_after, fate.lost_frame) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    cut_after: Option<usize>,
    lose_after: Option<usize>,
    lost_frame: Option<usize>,
) {
    let mut passed = 0;
    let mut frames = lost_frame.map(Frames::losing);
    let mut buffer = vec![0; 4096];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let room = cut_after.unwrap_or(usize::MAX) - passed;
        let lost = lose_after.is_some_and(|after| passed >= after);
        let chunk = &buffer[..read.min(room)];
        passed += chunk.len();
        let chunk = match &mut frames {
            Some(frames) => frames.pass(chunk),
            None => chunk.to_vec(),
        };
        if !lost && to.write_all(&chunk).await.is_err() {
            return;
        }
        if passed >= cut_after.unwrap_or(usize::MAX) {
            return;
        }
    }
}

/// A stream of a handshake's answer and unmasked frames, one of which is left out.
struct Frames {
    lost: usize,
    pending: Vec<u8>,
    handshake_over: bool,
    number: usize,
}

impl Frames {
    fn losing(lost: usize) -> Self {
        Self { lost, pending: Vec::new(), handshake_over: false, number: 0 }
    }

    fn pass(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.pending.extend_from_slice(chunk);
        let mut out = Vec::new();
        if !self.handshake_over {
            let Some(end) = self.pending.windows(4).position(|four| four == b"\r\n\r\n") else { return out };
            out.extend(self.pending.drain(..end + 4));
            self.handshake_over = true;
        }
        while let Some(length) = frame_length(&self.pending) {
            let frame: Vec<u8> = self.pending.drain(..length).collect();
            if self.number != self.lost {
                out.extend(frame);
            }
            self.number += 1;
        }
        out
    }
}

/// The length of the first frame if it is complete.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.get(1)? {
        126 => 4 + usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        127 => unreachable!("the desk sends no such frames here"),
        short => 2 + usize::from(short),
    };
    (bytes.len() >= length).then_some(length)
}
