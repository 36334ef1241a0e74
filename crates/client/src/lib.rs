//! The reference client of `deskbell.v1` (docs/protocol.md). Whatever happens to its connection, a message that was
//! given to it arrives once and in order, and everything that the desk has for it is heard once and in order.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (client, mut events) = deskbell_client::start(deskbell_client::Options::to("127.0.0.1:8080"), None);
//! client.say("When will my desk arrive?").await?;
//! while let Some(event) = events.next().await {
//!     println!("{event:?}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! How: a message stays in the outbox until its acknowledgement, and is sent again with the same id on the next connection;
//! the next leaves when the one before is acknowledged, so that a refusal that passes cannot change the order. A
//! connection resumes from the last revision that is complete. A gap between revisions, an acknowledgement that does not
//! come, or silence, ends the connection; the next one repairs it. Connections are tried again after a random part of a
//! time that doubles up to half a minute. Everything is bounded: who does not take events is not read from.
#![deny(missing_docs)]

mod backoff;
mod connection;
pub mod conversation;
mod pace;
mod run;

use std::net::IpAddr;
use std::sync::Arc;

use deskbell_protocol::customer::{CustomerMessage, Hello};
use deskbell_protocol::entity::{Author, Control};
use deskbell_protocol::{Code, Revision, Seq, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Events that may wait to be taken.
const EVENTS: usize = 256;
/// Requests of the handle that may wait.
const REQUESTS: usize = 16;

/// Where randomness comes from: a fresh number each time it is asked.
pub type Randomness = Box<dyn FnMut() -> u64 + Send + Sync>;

/// How a client connects.
pub struct Options {
    /// `HOST:PORT` of the desk.
    pub address: String,
    /// The page's path, of no meaning to the desk.
    pub path: String,
    /// Who this is: `locale`, `page`, `name`, `email`. What belongs to the connection is filled in.
    pub hello: Hello,
    /// The local address to connect from; `None` leaves it to the system.
    pub from: Option<IpAddr>,
    /// Messages that may wait for their acknowledgement; [`Client::say`] waits when there are as many.
    pub outbox: usize,
    /// Messages at once, and a second from then on: below what the desk allows.
    pub pace: (u32, u32),
    /// For waiting times and ids.
    pub randomness: Randomness,
}

impl Options {
    /// The usual ones, to a desk at `HOST:PORT`.
    #[must_use]
    pub fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            path: "/".to_owned(),
            hello: Hello::default(),
            from: None,
            outbox: 1000,
            pace: (200, 50),
            randomness: Box::new(system_randomness),
        }
    }
}

fn system_randomness() -> u64 {
    // Without randomness everyone waits as long as allowed, which is what matters least to the desk.
    getrandom::u64().unwrap_or(u64::MAX)
}

/// What a client must keep to go on later, even in another process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The only key to the conversation.
    pub token: Option<String>,
    /// Which database `revision` belongs to.
    pub epoch: Option<String>,
    /// Everything up to here was told as events.
    pub revision: Revision,
    /// What was not acknowledged, oldest first.
    pub outbox: Vec<Unacknowledged>,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unacknowledged {
    /// The client's id for it.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Connected, and the history is complete.
    Online {
        /// To show while there is no message.
        greeting: Option<String>,
        /// Who answers.
        control: Control,
    },
    /// Not connected; it is tried again by itself.
    Offline {
        /// Why, in a sentence.
        why: String,
    },
    /// Drop everything that was told: this is another conversation, or another database. All of it follows.
    Reset,
    /// A message, new or changed: put it at its `seq`.
    Message(CustomerMessage),
    /// A message of this client is durable.
    Acknowledged {
        /// The client's id.
        id: String,
        /// Its place.
        seq: Seq,
        /// The revision that it made.
        revision: Revision,
        /// When the desk took it.
        at: Timestamp,
    },
    /// A message, or with no id something else, was refused for good.
    Refused {
        /// The client's id.
        id: Option<String>,
        /// For programs.
        code: Code,
        /// For people.
        message: String,
    },
    /// Someone is writing. Lapses after 6 s.
    Typing(Author),
    /// The agent has seen everything up to here.
    Read(Seq),
    /// Who answers has changed.
    Control(Control),
}

/// The client is gone: it was closed, or nobody takes its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client has ended")]
pub struct Ended;

pub(crate) enum Request {
    Say { id: Option<String>, text: String, queued: oneshot::Sender<String> },
    Tell(Tell),
    Place(oneshot::Sender<Place>),
    Close(oneshot::Sender<Place>),
}

/// What is told once and forgotten when there is no connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tell {
    Typing,
    Read(Seq),
    RequestHuman,
}

/// A running client. Clones share it; when all are gone, it goes on until its events are dropped.
#[derive(Debug, Clone)]
pub struct Client {
    requests: mpsc::Sender<Request>,
    /// One permit for each message that fits into the outbox.
    room: Arc<Semaphore>,
}

/// What happens to a client, in order.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event; `None` when the client has ended. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

/// Starts a client, where it was if it was somewhere.
#[must_use]
pub fn start(options: Options, place: Option<Place>) -> (Client, Events) {
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (told, events) = mpsc::channel(EVENTS);
    let place = place.unwrap_or_default();
    let room = Arc::new(Semaphore::new(options.outbox.saturating_sub(place.outbox.len())));
    tokio::spawn(run::run(options, place, Arc::clone(&room), asked, told));
    (Client { requests, room }, Events { events })
}

impl Client {
    /// Puts a message in the outbox; its id. Waits while the outbox is full.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn say(&self, text: &str) -> Result<String, Ended> {
        self.queue(None, text).await
    }

    /// Puts a message in the outbox under an id of the caller's, 1 to 64 bytes, unique in the conversation.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn say_as(&self, id: &str, text: &str) -> Result<(), Ended> {
        self.queue(Some(id.to_owned()), text).await.map(drop)
    }

    /// Shows that the customer types. Nothing when there is no connection.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn typing(&self) -> Result<(), Ended> {
        self.ask(Request::Tell(Tell::Typing)).await
    }

    /// Tells that the customer has seen everything up to `seq`. Nothing when there is no connection.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn read(&self, seq: Seq) -> Result<(), Ended> {
        self.ask(Request::Tell(Tell::Read(seq))).await
    }

    /// Asks for a person. Nothing when there is no connection.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn request_human(&self) -> Result<(), Ended> {
        self.ask(Request::Tell(Tell::RequestHuman)).await
    }

    /// What to keep in order to go on later. Events that wait to be taken are counted as told.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn place(&self) -> Result<Place, Ended> {
        let (answer, place) = oneshot::channel();
        self.ask(Request::Place(answer)).await?;
        place.await.map_err(|_| Ended)
    }

    /// Ends the connection and the client; what is to be kept.
    ///
    /// # Errors
    /// [`Ended`]
    pub async fn close(&self) -> Result<Place, Ended> {
        let (answer, place) = oneshot::channel();
        self.ask(Request::Close(answer)).await?;
        place.await.map_err(|_| Ended)
    }

    async fn queue(&self, id: Option<String>, text: &str) -> Result<String, Ended> {
        // Given back by the task when the message is done with.
        self.room.acquire().await.map_err(|_| Ended)?.forget();
        let (queued, id_of_it) = oneshot::channel();
        self.ask(Request::Say { id, text: text.to_owned(), queued }).await?;
        id_of_it.await.map_err(|_| Ended)
    }

    async fn ask(&self, request: Request) -> Result<(), Ended> {
        self.requests.send(request).await.map_err(|_| Ended)
    }
}
