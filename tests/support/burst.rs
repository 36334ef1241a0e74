//! Customers who write as fast as they may, and who remember what was acknowledged.
//!
//! A [`Ledger`] is one customer over any number of connections and desks: [`Ledger::write`] resumes, sends again what was
//! not acknowledged, and goes on until the socket breaks; [`Ledger::check`] asks a desk for the whole history and counts
//! what is lost, twice there or out of order.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::{AddAssign, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::customer::{V1, next_text_in};
use crate::within;

/// How long the next frame may take: longer than the desk is ever stopped for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Messages on their way at once.
const IN_FLIGHT: usize = 16;
/// Messages on one connection: within the burst that the limits allow.
pub const MESSAGES: u64 = 300;

/// An acknowledged message.
#[derive(Debug, Clone, Copy)]
pub struct Acknowledged {
    /// Its number, which is also its client id.
    pub number: u64,
    /// Its place.
    pub seq: i64,
    /// The revision after it.
    pub revision: i64,
    /// What [`Watching::stamp`] said when the acknowledgement came.
    pub stamp: u64,
}

/// What a check found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged and not there, or not where the acknowledgement said.
    pub lost: u64,
    /// There more than once.
    pub duplicated: u64,
    /// Behind one that was sent later.
    pub reordered: u64,
    /// Customers' messages whose automatic reply is not the next message.
    pub unanswered: u64,
}

impl AddAssign for Found {
    fn add_assign(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.unanswered += other.unanswered;
    }
}

impl Found {
    /// Whether the promise held.
    pub fn is_whole(&self) -> bool {
        self.lost + self.duplicated + self.reordered + self.unanswered == 0
    }
}

/// Counts acknowledgements over all customers and tells when there are enough.
#[derive(Debug, Default)]
pub struct Watching {
    count: AtomicU64,
    changed: Notify,
    /// The file whose length stamps acknowledgements.
    stamped_by: Option<std::path::PathBuf>,
}

impl Watching {
    /// Stamps each acknowledgement with the length that this file has when it comes.
    pub fn stamped_by(file: &std::path::Path) -> Self {
        Self { stamped_by: Some(file.to_owned()), ..Self::default() }
    }

    fn stamp(&self) -> u64 {
        self.stamped_by.as_ref().map_or(0, |file| std::fs::metadata(file).unwrap().len())
    }

    /// Another one came.
    pub fn one_more(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until there were this many.
    pub async fn reached(&self, wanted: u64) {
        within("acknowledgements", async {
            while self.count() < wanted {
                self.changed.notified().await;
            }
        })
        .await;
    }
}

/// One customer.
#[derive(Debug, Default)]
pub struct Ledger {
    token: Option<String>,
    next: u64,
    waiting: VecDeque<u64>,
    /// In the order of the acknowledgements.
    pub acknowledged: Vec<Acknowledged>,
}

impl Ledger {
    /// Connects, sends again what was not acknowledged and then up to `messages` new ones. Returns when all are
    /// acknowledged (true) or the socket broke (false).
    pub async fn write(&mut self, address: &str, messages: u64, watching: &Arc<Watching>) -> bool {
        let Some(mut client) = self.connect(address).await else { return false };
        let last = self.next + messages;
        let mut resend = std::mem::take(&mut self.waiting);
        loop {
            while self.waiting.len() < IN_FLIGHT {
                let number = match resend.pop_front() {
                    Some(number) => number,
                    None if self.next < last => {
                        self.next += 1;
                        self.next
                    }
                    None => break,
                };
                self.waiting.push_back(number);
                let frame =
                    json!({ "type": "message", "id": number.to_string(), "text": format!("m{number}") });
                if client.try_send(frame).await.is_err() {
                    self.waiting.extend(resend);
                    return false;
                }
            }
            if self.waiting.is_empty() {
                return true;
            }
            let Some(text) = next_text_in(PATIENCE, &mut client.socket).await else {
                self.waiting.extend(resend);
                return false;
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            self.note(&frame, watching);
        }
    }

    /// Numbers that were sent and not acknowledged.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn note(&mut self, frame: &Value, watching: &Arc<Watching>) {
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["type"] != "ack" {
            return;
        }
        let number: u64 = frame["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(self.waiting.pop_front(), Some(number), "acknowledgements come in order");
        let place = |name: &str| frame[name].as_i64().unwrap();
        let (seq, revision) = (place("seq"), place("revision"));
        self.acknowledged.push(Acknowledged { number, seq, revision, stamp: watching.stamp() });
        watching.one_more();
    }

    async fn connect(&mut self, address: &str) -> Option<V1> {
        let revision = self.acknowledged.last().map_or(0, |ack| ack.revision);
        let hello = json!({ "type": "hello", "token": self.token, "revision": revision });
        let client = V1::try_connect(address, hello).await?;
        // Another one when the desk did not know the old one: then nothing of this customer was stored.
        self.token = Some(client.token());
        Some(client)
    }

    /// Compares what a desk has with what was acknowledged up to a stamp.
    pub async fn check(&self, address: &str, until: u64) -> Found {
        let promised: Vec<_> = self.acknowledged.iter().filter(|ack| ack.stamp <= until).collect();
        let mut found = Found { acknowledged: promised.len() as u64, ..Found::default() };
        let Some(token) = &self.token else { return found };
        let client = V1::resume(address, token, 0).await;
        let mut places: HashMap<u64, i64> = HashMap::new();
        let mut last = 0;
        for (index, message) in client.history.iter().enumerate() {
            if message["author"] != "customer" {
                continue;
            }
            let number: u64 = message["id"].as_str().unwrap().parse().unwrap();
            assert_eq!(message["text"], format!("m{number}"));
            if places.insert(number, message["seq"].as_i64().unwrap()).is_some() {
                found.duplicated += 1;
            } else if number < last {
                found.reordered += 1;
            }
            last = last.max(number);
            let answered = client.history.get(index + 1).is_some_and(|next| next["author"] == "automatic");
            found.unanswered += u64::from(!answered);
        }
        found.lost += promised.iter().filter(|ack| places.get(&ack.number) != Some(&ack.seq)).count() as u64;
        found
    }
}

/// Checks all customers at a desk.
pub async fn check_all(ledgers: &[Ledger], address: &str, until: u64) -> Found {
    let mut all = Found::default();
    for ledger in ledgers {
        all += ledger.check(address, until).await;
    }
    all
}

/// All customers write at once until their sockets break or all is acknowledged.
pub async fn write_all(
    ledgers: &mut [Ledger],
    address: &str,
    messages: u64,
    watching: &Arc<Watching>,
) -> bool {
    let writes = ledgers.iter_mut().map(|ledger| ledger.write(address, messages, watching));
    futures_util::future::join_all(writes).await.into_iter().all(|whole| whole)
}

/// Customers who have not written yet.
pub fn customers(many: usize) -> Vec<Ledger> {
    (0..many).map(|_| Ledger::default()).collect()
}

/// A random number; no test depends on which.
pub fn random(range: Range<u64>) -> u64 {
    range.start + RandomState::new().hash_one(0) % (range.end - range.start)
}
