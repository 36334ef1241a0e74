//! What strangers do to a desk, each without end, from [`STRANGER`]. Dropping an attack ends it.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::io::AsyncWriteExt as _;

use crate::raw::{Raw, STRANGER, V1, connect, first, frame, header, request};

/// Strangers at once.
const STRANGERS: usize = 60;

/// A kind of attack: what it is called, and one stranger's part in it.
pub struct Attack {
    pub name: &'static str,
    one: fn(String) -> BoxFuture<'static, ()>,
}

macro_rules! attack {
    ($name:literal, $one:path) => {
        Attack { name: $name, one: |address| Box::pin(forever(address, |address| Box::pin($one(address)))) }
    };
}

/// All kinds.
pub const ATTACKS: &[Attack] = &[
    attack!("connections", connections),
    attack!("silent TCP", silent),
    attack!("slowloris", slowloris),
    attack!("header flood", headers),
    attack!("new conversations", conversations),
    attack!("messages", messages),
    attack!("pings", pings),
    attack!("endless fragments", fragments),
    attack!("oversized frames", oversized),
    attack!("malformed frames", malformed),
    attack!("slow readers", slow_reader),
];

impl Attack {
    /// All strangers at once, without end.
    pub async fn run(&self, address: &str) {
        join_all((0..STRANGERS).map(|_| (self.one)(address.to_owned()))).await;
    }
}

async fn forever(address: String, act: fn(String) -> BoxFuture<'static, ()>) {
    loop {
        act(address.clone()).await;
        tokio::task::yield_now().await;
    }
}

async fn connections(address: String) {
    let _opened = connect(&address, Some(STRANGER)).await;
}

async fn silent(address: String) {
    if let Ok(mut stream) = connect(&address, Some(STRANGER)).await {
        let _end = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
}

async fn slowloris(address: String) {
    let Ok(mut stream) = connect(&address, Some(STRANGER)).await else { return };
    let head = request(&address, "X-Slow: ");
    let _sent = stream.write_all(head.trim_end().as_bytes()).await;
    while stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn headers(address: String) {
    let more: String = (0..3000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let _refused = Raw::try_open(&address, Some(STRANGER), &more).await;
}

async fn conversations(address: String) {
    let Ok(mut raw) = Raw::try_open(&address, Some(STRANGER), V1).await else { return };
    raw.send(&frame(first::TEXT, br#"{"type":"hello"}"#)).await;
    raw.send(&frame(first::TEXT, br#"{"type":"message","id":"a","text":"hi"}"#)).await;
    let _answer = raw.frame().await;
}

async fn messages(address: String) {
    flood(address, frame(first::TEXT, b"spam")).await;
}

async fn pings(address: String) {
    flood(address, frame(first::PING, b"").repeat(100)).await;
}

async fn fragments(address: String) {
    let Ok(mut raw) = Raw::try_open(&address, Some(STRANGER), "").await else { return };
    raw.send(&frame(first::TEXT_BEGINS, b"")).await;
    raw.flood(&frame(first::CONTINUES, b"").repeat(100), usize::MAX).await;
}

async fn oversized(address: String) {
    flood(address, header(first::TEXT, 1 << 30)).await;
}

async fn malformed(address: String) {
    flood(address, frame(0xF3, b"\xFF\xFE")).await;
}

/// Asks for answers and does not take them.
async fn slow_reader(address: String) {
    let Ok(mut raw) = Raw::try_open(&address, Some(STRANGER), V1).await else { return };
    raw.send(&frame(first::TEXT, br#"{"type":"hello"}"#)).await;
    let mut number = 0;
    loop {
        number += 1;
        let text = "x".repeat(8_000);
        let message = serde_json::json!({ "type": "message", "id": number.to_string(), "text": text });
        let bytes = frame(first::TEXT, message.to_string().as_bytes());
        let sent = tokio::time::timeout(Duration::from_secs(15), raw.stream.write_all(&bytes)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

async fn flood(address: String, bytes: Vec<u8>) {
    if let Ok(mut raw) = Raw::try_open(&address, Some(STRANGER), "").await {
        raw.flood(&bytes, usize::MAX).await;
    }
}
