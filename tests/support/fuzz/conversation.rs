//! The reference client, fed with any frames of a desk that may be broken: it never panics, never tells anything twice,
//! and tells of a gap instead of passing over it.

use std::collections::BTreeSet;

use deskbell_client::conversation::{Conversation, Next};
use deskbell_client::{Event, Place, Unacknowledged};
use deskbell_protocol::Revision;
use deskbell_protocol::customer::{Hello, ServerFrame};

use super::Target;

/// The target. An input is lines: the first may be a place to go on from; then `hello` connects, `say ID TEXT` queues, and
/// everything else is a frame.
pub struct Conversations;

impl Target for Conversations {
    const NAME: &'static str = "conversation";

    fn new() -> Self {
        Self
    }

    fn run(&mut self, input: &[u8]) {
        let mut lines = input.split(|byte| *byte == b'\n').peekable();
        let place = lines.peek().and_then(|line| serde_json::from_slice::<Place>(line).ok());
        if place.is_some() {
            lines.next();
        }
        let mut watched = Watched::new(place.unwrap_or_default());
        for line in lines {
            watched.take(line);
        }
        let place = watched.client.place();
        let kept = serde_json::to_string(&place).unwrap();
        assert_eq!(serde_json::from_str::<Place>(&kept).unwrap(), place);
    }
}

/// A client, and what it told.
struct Watched {
    client: Conversation,
    /// The last revision told since the beginning or the last reset.
    told: Revision,
    /// Ids of messages that wait.
    waiting: Vec<String>,
    /// Ids that were ever queued.
    queued: BTreeSet<String>,
    /// The connection is over, as the client asked.
    over: bool,
}

impl Watched {
    fn new(place: Place) -> Self {
        let waiting: Vec<_> = place.outbox.iter().map(|message| message.id.clone()).collect();
        let queued = waiting.iter().cloned().collect();
        let told = place.revision;
        Self { client: Conversation::new(place), told, waiting, queued, over: true }
    }

    fn take(&mut self, line: &[u8]) {
        if line == b"hello" {
            self.client.hello(&Hello::default());
            self.over = false;
        } else if let Some(said) = line.strip_prefix(b"say ") {
            self.say(&String::from_utf8_lossy(said));
        } else if let Ok(frame) = serde_json::from_slice::<ServerFrame>(line) {
            let again = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<ServerFrame>(&again).unwrap(), frame);
            if !self.over {
                self.hear(frame);
            }
        }
    }

    /// Ids are the client's own, and it uses none twice.
    fn say(&mut self, said: &str) {
        let (id, text) = said.split_once(' ').unwrap_or((said, ""));
        if self.queued.insert(id.to_owned()) {
            self.client.queue(Unacknowledged { id: id.to_owned(), text: text.to_owned() });
            self.waiting.push(id.to_owned());
        }
    }

    fn hear(&mut self, frame: ServerFrame) {
        let (live, before) = (self.client.is_live(), self.client.place());
        let revision = match &frame {
            ServerFrame::Message(message) => Some(message.revision),
            ServerFrame::Ack { revision, .. } => Some(*revision),
            _ => None,
        };
        let gap = live && revision.is_some_and(|revision| revision > before.revision.next());
        let mut events = Vec::new();
        let next = self.client.take(frame, &mut events);
        for event in &events {
            self.see(event, live);
        }
        assert!(!gap || matches!(next, Next::Repair(_)), "it passed over a gap: {next:?}");
        let after = self.client.place();
        let reset = events.contains(&Event::Reset);
        assert!(reset || after.revision >= before.revision, "it went back");
        let waiting: Vec<_> = after.outbox.iter().map(|message| message.id.clone()).collect();
        assert_eq!(waiting, self.waiting, "the outbox lost or kept what it must not: {events:?}");
        if let Next::Repair(_) = next {
            assert_eq!(after.revision, before.revision, "a repair begins at what is complete");
            self.over = true;
        }
    }

    fn see(&mut self, event: &Event, live: bool) {
        match event {
            Event::Reset => self.told = Revision(0),
            Event::Message(message) => {
                assert!(message.revision > self.told, "{} was told before", message.revision);
                self.told = message.revision;
            }
            Event::Acknowledged { id, .. } => {
                let first = self.waiting.iter().position(|waiting| waiting == id);
                self.waiting.remove(first.unwrap_or_else(|| panic!("{id} did not wait, live: {live}")));
            }
            Event::Refused { id: Some(id), .. } => self.waiting.retain(|waiting| waiting != id),
            _ => {}
        }
    }
}
