//! Strings that break what was not made for them: npm's `blns` and `big-list-of-naughty-strings`, and our own.

use std::collections::{BTreeMap, BTreeSet};

use deskbell_protocol::agent::{Filter, Request, Response};
use deskbell_protocol::entity::Conversation;
use deskbell_protocol::limits::{FACT_BYTES, cut};
use deskbell_protocol::settings::{Hold, Limits};
use serde_json::json;

use crate::agent::Agent;
use crate::customer::V1;
use crate::root;
use crate::server::Server;

/// What page scripts find out: see the file.
pub const WATCH: &str = include_str!("naughty.js");

/// All strings, each once and none empty. `canary` is an address: whoever follows a link or loads a picture of the list
/// connects to it.
pub fn strings(canary: &str) -> Vec<String> {
    let mut known = BTreeSet::new();
    let lists = [
        "tests/clients/node_modules/blns/resources/blns.json",
        "tests/clients/node_modules/big-list-of-naughty-strings/blns.json",
        "tests/data/naughty.json",
    ];
    let read = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(root().join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}; `cargo xtask test` installs it"));
        serde_json::from_str(&text).unwrap()
    };
    lists
        .into_iter()
        .flat_map(read)
        .map(|text| text.replace("127.0.0.1:CANARY", canary))
        .chain(long())
        .filter(|text| !text.is_empty() && known.insert(text.clone()))
        .collect()
}

/// Those that would only fill a file.
fn long() -> [String; 6] {
    [
        marks(10_000),
        "W".repeat(16_000),
        "/path".repeat(3_000),
        "字".repeat(5_000),
        "لا".repeat(3_000),
        format!("{}end", "line\n".repeat(2_000)),
    ]
}

/// A letter below so many marks.
pub fn marks(count: usize) -> String {
    format!("a{}b", "\u{301}".repeat(count))
}

/// Whether the desk takes it as a message: white space alone is none.
pub fn is_message(text: &str) -> bool {
    !text.trim().is_empty()
}

/// A name, a page or a locale as the desk keeps it: without white space around it, cut to its bounds.
pub fn fact(text: &str) -> Option<&str> {
    Some(cut(text.trim(), FACT_BYTES)).filter(|fact| !fact.is_empty())
}

/// What a page tells of a text: its UTF-16 units, counted and hashed (FNV-1a), so that nothing can happen to it on its way
/// to the test.
pub fn digest(text: &str) -> (usize, u32) {
    let hash = text
        .encode_utf16()
        .fold(0x811C_9DC5_u32, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193));
    (text.encode_utf16().count(), hash)
}

/// Room for the longest, and no automatic replies between.
pub fn roomy() -> (Limits, Hold) {
    let limits = Limits {
        message_bytes: 65_536,
        frame_bytes: 1_048_576,
        outbox_bytes: 16 * 1024 * 1024,
        outbox_frames: 4096,
        frames_burst: 100_000,
        bytes_burst: 1 << 30,
        ..Limits::default()
    };
    (limits, Hold::Ask)
}

/// A server with room.
pub async fn server() -> (Server, Agent) {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| (settings.limits, settings.hold) = roomy()).await;
    (server, agent)
}

/// A customer who is called so, is there, and speaks so.
pub async fn called(address: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "name": text, "page": text, "locale": text, "email": text });
    V1::connect(address, hello).await
}

/// Says all of this; where each stands.
pub async fn say_all(customer: &mut V1, texts: &[String]) -> BTreeMap<i64, String> {
    let mut said = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        customer.say(&number.to_string(), text).await;
        let ack = customer.next_of("ack").await;
        said.insert(ack["seq"].as_i64().unwrap(), text.clone());
    }
    said
}

/// The conversation that was written to last.
pub async fn newest(agent: &mut Agent) -> Conversation {
    let request = Request::Conversations { filter: Filter::Open, before: None, limit: 1 };
    match agent.ask(request).await {
        Response::Conversations { mut conversations, .. } => conversations.remove(0),
        response => panic!("{response:?}"),
    }
}
