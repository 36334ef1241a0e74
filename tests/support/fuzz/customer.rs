//! A customer with the rules of the reference client and a socket by hand, so that an input decides when what is sent,
//! and what the customer saw is checked against what the desk has.

use std::collections::BTreeMap;

use deskbell_client::conversation::{Conversation, Next};
use deskbell_client::{Event, Place, Unacknowledged};
use deskbell_protocol::customer::{ClientFrame, CustomerMessage, Hello, ServerFrame};
use deskbell_protocol::entity::{Author, Message};
use deskbell_protocol::{Revision, Seq};

use super::world::World;
use crate::raw::{Raw, V1, first, frame};

/// What a customer sees at one place: the revision and the text.
pub(super) type View = BTreeMap<Seq, (Revision, String)>;

/// A customer.
pub(super) struct Customer {
    pub(super) name: String,
    pub(super) known: Conversation,
    pub(super) view: View,
    socket: Option<Raw>,
    /// What was given to the client, by its id.
    said: BTreeMap<String, String>,
    /// What is done with: acknowledged or refused.
    done: BTreeMap<String, Option<Seq>>,
}

impl Customer {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            known: Conversation::new(Place::default()),
            view: View::new(),
            socket: None,
            said: BTreeMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// Connects anew and hears everything there is. False when the desk does not let this customer in.
    pub(super) async fn connect(&mut self, world: &World) -> bool {
        self.cut();
        let who = Hello { name: Some(self.name.clone()), ..Hello::default() };
        let hello = self.known.hello(&who);
        let mut raw = Raw::open(&world.address, None, V1).await;
        raw.send(&text(&hello)).await;
        self.socket = Some(raw);
        while !self.known.is_live() {
            if self.hear().await.is_none() {
                self.cut();
                return false;
            }
        }
        true
    }

    /// Ends the connection without a word.
    pub(super) fn cut(&mut self) {
        self.socket = None;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Gives the client something to say.
    pub(super) fn queue(&mut self, message: &str) {
        let id = format!("m{}", self.said.len());
        self.said.insert(id.clone(), message.to_owned());
        self.known.queue(Unacknowledged { id, text: message.to_owned() });
    }

    /// Sends the first of what waits, and does not wait for what becomes of it.
    pub(super) async fn send(&mut self) {
        if let (Some(message), Some(raw)) = (self.known.first(), &mut self.socket) {
            raw.send(&text(&message)).await;
        }
    }

    /// Sends frames of other kinds.
    pub(super) async fn tell(&mut self, frame: &ClientFrame) {
        if let Some(raw) = &mut self.socket {
            raw.send(&text(frame)).await;
        }
    }

    /// Sends everything that waits, one after the other, as the reference client does.
    pub(super) async fn deliver(&mut self) {
        while self.is_connected() && self.known.waiting() > 0 {
            self.send().await;
            loop {
                match self.hear().await {
                    None => return self.cut(),
                    Some(Next::Send) => break,
                    Some(Next::Pause(_)) => return,
                    Some(_) => {}
                }
            }
        }
    }

    /// Hears everything up to a revision.
    pub(super) async fn catch_up(&mut self, revision: Revision) {
        while self.is_connected() && self.known.place().revision < revision {
            if self.hear().await.is_none() {
                self.cut();
            }
        }
    }

    /// Takes one frame in; `None` when the desk has closed.
    async fn hear(&mut self) -> Option<Next> {
        let (kind, payload) = self.socket.as_mut()?.frame().await?;
        if kind != first::TEXT {
            return (kind != first::CLOSE).then_some(Next::Go);
        }
        let frame: ServerFrame = serde_json::from_slice(&payload)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&payload)));
        let mut events = Vec::new();
        let next = self.known.take(frame, &mut events);
        if let Next::Repair(why) = &next {
            panic!("the desk left a gap: {why}");
        }
        for event in events {
            self.see(event);
        }
        Some(next)
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Reset => self.view.clear(),
            Event::Message(CustomerMessage { seq, revision, text, .. }) => self.put(seq, revision, text),
            Event::Acknowledged { id, seq, revision, .. } => {
                self.finish(&id, Some(seq));
                // In the history the message itself came before.
                if !self.view.contains_key(&seq) {
                    let text = self.said[&id].clone();
                    self.put(seq, revision, text);
                }
            }
            Event::Refused { id: Some(id), .. } if self.said.contains_key(&id) => self.finish(&id, None),
            _ => {}
        }
    }

    /// Each change of a place has a higher revision than everything before it.
    fn put(&mut self, seq: Seq, revision: Revision, text: String) {
        let last = self.view.values().map(|(revision, _)| *revision).max().unwrap_or_default();
        assert!(revision > last, "revision {revision} came after {last}");
        self.view.insert(seq, (revision, text));
    }

    fn finish(&mut self, id: &str, place: Option<Seq>) {
        assert!(self.said.contains_key(id), "{id} was never said");
        let before = self.done.insert(id.to_owned(), place);
        assert_eq!(before, None, "{id} was acknowledged twice");
    }

    /// Connects, says what waits, and has what the desk has: nothing is missing, nothing is there twice.
    pub(super) async fn check(&mut self, world: &World) {
        assert!(self.connect(world).await, "{} was not let in", self.name);
        self.deliver().await;
        let Some(conversation) = world.named(&self.name).await.filter(|found| found.stored) else {
            assert!(self.view.is_empty(), "{:?} is nowhere", self.view);
            return;
        };
        self.catch_up(conversation.revision).await;
        let thread = world.thread(conversation.id).await;
        assert_eq!(self.view, seen(&thread), "{}", self.name);
        for (id, place) in self.done.iter().filter_map(|(id, place)| place.map(|place| (id, place))) {
            // A restored database may have forgotten it, and then has another message there, or none.
            let there: Vec<_> = thread.iter().filter(|m| is_of(m, id)).collect();
            assert!(there.len() <= 1, "{id} is there twice: {there:?}");
            assert!(there.iter().all(|m| m.seq == place && m.text == self.said[id]), "{id}: {there:?}");
        }
    }

    /// How many of this customer's messages are acknowledged and not there, which only a restored database may do.
    pub(super) fn lost(&self, thread: &[Message]) -> usize {
        let acknowledged = self.done.iter().filter(|(_, place)| place.is_some());
        acknowledged.filter(|(id, _)| !thread.iter().any(|m| is_of(m, id))).count()
    }
}

fn is_of(message: &Message, id: &str) -> bool {
    message.author == Author::Customer && message.client_id.as_deref() == Some(id)
}

/// What a customer sees of a thread.
pub(super) fn seen(thread: &[Message]) -> View {
    thread
        .iter()
        .filter(|message| message.author.is_visible_to_customer())
        .map(|message| (message.seq, (message.revision, message.text.clone())))
        .collect()
}

/// A frame as it is sent.
pub(super) fn text(content: &ClientFrame) -> Vec<u8> {
    frame(first::TEXT, serde_json::to_string(content).unwrap().as_bytes())
}
