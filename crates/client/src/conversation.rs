//! What a client knows, and what each frame of the desk makes of it. No I/O and no clock: the same frames, the same events.
//! For whoever brings a connection of their own; [`start`](crate::start) has one.

use std::collections::VecDeque;
use std::time::Duration;

use deskbell_protocol::Revision;
use deskbell_protocol::customer::{ClientFrame, CustomerMessage, Hello, ServerFrame};
use deskbell_protocol::entity::{Author, Control};

use crate::{Event, Place, Unacknowledged};

/// A conversation as this client has it.
#[derive(Debug)]
pub struct Conversation {
    token: Option<String>,
    epoch: Option<String>,
    /// Everything up to here was told.
    revision: Revision,
    outbox: VecDeque<Unacknowledged>,
    phase: Phase,
}

/// How far the present connection is.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Hello was said.
    Greeting,
    /// Welcomed; history comes.
    History { greeting: Option<String>, control: Control },
    /// Everything is here; what comes is new.
    Live,
}

/// What a frame leads to besides events.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The next frame.
    Go,
    /// The first message of the outbox may leave.
    Send,
    /// Wait so long before sending again.
    Pause(Duration),
    /// Something was lost, or is not as it should be: the connection must be made anew.
    Repair(String),
}

impl Conversation {
    /// Where a client was, not connected.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let Place { token, epoch, revision, outbox } = place;
        Self { token, epoch, revision, outbox: outbox.into(), phase: Phase::Greeting }
    }

    /// What to keep.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            token: self.token.clone(),
            epoch: self.epoch.clone(),
            revision: self.revision,
            outbox: self.outbox.iter().cloned().collect(),
        }
    }

    /// The first frame of a new connection, which begins here.
    pub fn hello(&mut self, who: &Hello) -> ClientFrame {
        self.phase = Phase::Greeting;
        ClientFrame::Hello(Hello {
            token: self.token.clone(),
            revision: self.revision,
            epoch: self.epoch.clone(),
            ..who.clone()
        })
    }

    /// Puts a message behind those that wait. Ids are unique in the conversation.
    pub fn queue(&mut self, message: Unacknowledged) {
        self.outbox.push_back(message);
    }

    /// How many messages are not acknowledged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Whether the history is complete and messages may leave.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// The message to send now, if there is one. It stays until it is acknowledged.
    #[must_use]
    pub fn first(&self) -> Option<ClientFrame> {
        let Unacknowledged { id, text } = self.outbox.front()?.clone();
        Some(ClientFrame::Message { id, text })
    }

    /// Takes a frame in; what happened is added to `events`. After [`Next::Repair`] the frames of this connection are of no
    /// use any more.
    pub fn take(&mut self, frame: ServerFrame, events: &mut Vec<Event>) -> Next {
        match frame {
            ServerFrame::Welcome { token, epoch, resumed, greeting, control, revision } => {
                if self.phase != Phase::Greeting {
                    return Next::Repair("The desk welcomed twice.".to_owned());
                }
                // Or a place whose token was lost: what was told is of another conversation then, too.
                let had = self.token.is_some() || self.revision > Revision(0);
                let same = resumed && self.epoch.as_ref().is_none_or(|known| *known == epoch);
                // A database of an older backup knows less than this client: that is another history too.
                if !same || revision < self.revision {
                    self.revision = Revision(0);
                    if had {
                        events.push(Event::Reset);
                    }
                }
                self.token = Some(token);
                self.epoch = Some(epoch);
                self.phase = Phase::History { greeting, control };
                Next::Go
            }
            ServerFrame::Message(message) => self.message(message, events),
            ServerFrame::Ack { id, seq, revision, at } => {
                // The same acknowledgement again, of a message that is in the history, changes nothing.
                if revision > self.revision && !self.follows(revision) {
                    return gap(self.revision, revision);
                }
                self.revision = self.revision.max(revision);
                if self.done(&id) {
                    events.push(Event::Acknowledged { id, seq, revision, at });
                }
                Next::Send
            }
            ServerFrame::CaughtUp { revision } => {
                let Phase::History { greeting, control } = std::mem::replace(&mut self.phase, Phase::Live)
                else {
                    return Next::Repair("The desk ended a history that it had not begun.".to_owned());
                };
                self.revision = self.revision.max(revision);
                events.push(Event::Online { greeting, control });
                Next::Send
            }
            ServerFrame::Error { code, message, id, retry_after_ms } => match retry_after_ms {
                Some(wait) => Next::Pause(Duration::from_millis(wait.into())),
                None => {
                    let was_waiting = id.as_ref().is_some_and(|id| self.done(id));
                    events.push(Event::Refused { id, code, message });
                    if was_waiting { Next::Send } else { Next::Go }
                }
            },
            ServerFrame::Typing { author } => tell(events, Event::Typing(author)),
            ServerFrame::Read { seq } => tell(events, Event::Read(seq)),
            ServerFrame::Control { control } => tell(events, Event::Control(control)),
        }
    }

    fn message(&mut self, message: CustomerMessage, events: &mut Vec<Event>) -> Next {
        if message.revision <= self.revision {
            return Next::Go;
        }
        if !self.follows(message.revision) {
            return gap(self.revision, message.revision);
        }
        self.revision = message.revision;
        // An own message in the history is its acknowledgement: it must not be sent again.
        let own = message.id.clone().filter(|id| message.author == Author::Customer && self.done(id));
        let acknowledged = own.map(|id| Event::Acknowledged {
            id,
            seq: message.seq,
            revision: message.revision,
            at: message.at,
        });
        events.push(Event::Message(message));
        let sends = acknowledged.is_some();
        events.extend(acknowledged);
        if sends { Next::Send } else { Next::Go }
    }

    /// Live frames come one by one; in the history, a message that was changed stands at its last revision only.
    fn follows(&self, revision: Revision) -> bool {
        !self.is_live() || revision == self.revision.next()
    }

    fn done(&mut self, id: &str) -> bool {
        let before = self.outbox.len();
        self.outbox.retain(|message| message.id != id);
        self.outbox.len() < before
    }
}

fn tell(events: &mut Vec<Event>, event: Event) -> Next {
    events.push(event);
    Next::Go
}

fn gap(had: Revision, came: Revision) -> Next {
    Next::Repair(format!("Something was lost between revisions {had} and {came}."))
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::{Code, Seq, Timestamp};

    use super::*;

    fn welcome(epoch: &str, resumed: bool, revision: i64) -> ServerFrame {
        ServerFrame::Welcome {
            token: "t".to_owned(),
            epoch: epoch.to_owned(),
            revision: Revision(revision),
            resumed,
            greeting: None,
            control: Control::Automatic,
        }
    }

    fn message(revision: i64, id: Option<&str>) -> ServerFrame {
        ServerFrame::Message(CustomerMessage {
            seq: Seq(revision),
            revision: Revision(revision),
            author: if id.is_some() { Author::Customer } else { Author::Agent },
            text: "x".to_owned(),
            at: Timestamp(0),
            name: None,
            id: id.map(str::to_owned),
            change: None,
        })
    }

    fn ack(id: &str, revision: i64) -> ServerFrame {
        let (seq, revision) = (Seq(revision), Revision(revision));
        ServerFrame::Ack { id: id.to_owned(), seq, revision, at: Timestamp(0) }
    }

    fn caught_up(revision: i64) -> ServerFrame {
        ServerFrame::CaughtUp { revision: Revision(revision) }
    }

    fn waiting(id: &str) -> Unacknowledged {
        Unacknowledged { id: id.to_owned(), text: "hi".to_owned() }
    }

    /// A client that had everything up to revision 5 of epoch `e`, with `a` and `b` not acknowledged.
    fn conversation() -> Conversation {
        let mut conversation = Conversation::new(Place {
            token: Some("t".to_owned()),
            epoch: Some("e".to_owned()),
            revision: Revision(5),
            outbox: vec![waiting("a"), waiting("b")],
        });
        conversation.hello(&Hello::default());
        conversation
    }

    fn take(conversation: &mut Conversation, frames: Vec<ServerFrame>) -> (Vec<Event>, Next) {
        let mut events = Vec::new();
        let mut next = Next::Go;
        for frame in frames {
            next = conversation.take(frame, &mut events);
        }
        (events, next)
    }

    #[test]
    fn what_is_in_the_history_is_not_sent_again() {
        let mut conversation = conversation();
        let frames = vec![welcome("e", true, 7), message(6, Some("a")), message(7, None), caught_up(7)];
        let (events, next) = take(&mut conversation, frames);
        assert!(matches!(&events[1], Event::Acknowledged { id, .. } if id == "a"), "{events:?}");
        assert_eq!(next, Next::Send);
        assert!(
            matches!(conversation.first(), Some(ClientFrame::Message { id, .. }) if id == "b"),
            "{conversation:?}"
        );
        assert_eq!(conversation.place().revision, Revision(7));
    }

    #[test]
    fn a_gap_in_live_frames_is_repaired_from_the_last_complete_revision() {
        let mut conversation = conversation();
        let (events, next) = take(
            &mut conversation,
            vec![welcome("e", true, 5), caught_up(5), message(6, None), message(8, None)],
        );
        assert!(matches!(next, Next::Repair(_)), "{next:?}");
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Message(_))).count(), 1);
        let ClientFrame::Hello(hello) = conversation.hello(&Hello::default()) else { panic!() };
        assert_eq!(hello.revision, Revision(6));
        let (_, next) = take(&mut conversation, vec![welcome("e", true, 8), caught_up(6), ack("a", 8)]);
        assert!(matches!(next, Next::Repair(_)), "an acknowledgement counts too: {next:?}");
        assert_eq!(conversation.waiting(), 2);
    }

    #[test]
    fn a_history_may_skip_the_revisions_of_messages_that_were_changed_since() {
        let mut conversation = conversation();
        let (events, next) = take(
            &mut conversation,
            vec![welcome("e", true, 9), message(7, None), message(9, None), caught_up(9), message(10, None)],
        );
        assert_eq!((events.len(), next), (4, Next::Go));
    }

    #[test]
    fn what_was_told_before_is_not_told_again() {
        let mut conversation = conversation();
        let history = [welcome("e", true, 5), message(4, None), message(5, None), caught_up(5)];
        let live = [message(4, None), ack("gone", 3), message(6, None)];
        let frames = history.into_iter().chain(live).collect();
        let (events, _) = take(&mut conversation, frames);
        let told: Vec<_> = events.iter().filter(|e| !matches!(e, Event::Online { .. })).collect();
        assert!(matches!(told[..], [Event::Message(_)]), "{told:?}");
    }

    #[test]
    fn another_epoch_or_conversation_or_an_older_history_begins_anew_and_keeps_the_outbox() {
        for first in [welcome("other", true, 9), welcome("e", false, 0), welcome("e", true, 2)] {
            let mut conversation = conversation();
            let (events, _) = take(&mut conversation, vec![first, message(1, None), caught_up(1)]);
            assert!(
                matches!(events[..], [Event::Reset, Event::Message(_), Event::Online { .. }]),
                "{events:?}"
            );
            assert_eq!((conversation.waiting(), conversation.place().revision), (2, Revision(1)));
        }
    }

    #[test]
    fn a_place_without_its_token_begins_anew_and_says_so() {
        let place = Place { epoch: Some("e".to_owned()), revision: Revision(5), ..Place::default() };
        let mut conversation = Conversation::new(place);
        conversation.hello(&Hello::default());
        let (events, _) =
            take(&mut conversation, vec![welcome("e2", false, 0), caught_up(0), message(1, None)]);
        assert!(matches!(events[..], [Event::Reset, Event::Online { .. }, Event::Message(_)]), "{events:?}");
    }

    #[test]
    fn a_refusal_that_passes_keeps_the_message_and_one_for_good_drops_it() {
        let mut conversation = conversation();
        let error = |retry_after_ms| ServerFrame::Error {
            code: Code::StoreFailed,
            message: "No.".to_owned(),
            id: Some("a".to_owned()),
            retry_after_ms,
        };
        let (events, next) =
            take(&mut conversation, vec![welcome("e", true, 5), caught_up(5), error(Some(1000))]);
        assert_eq!((events.len(), next), (1, Next::Pause(Duration::from_secs(1))));
        let (events, next) = take(&mut conversation, vec![error(None)]);
        assert!(matches!(&events[..], [Event::Refused { id: Some(id), .. }] if id == "a"));
        assert_eq!((next, conversation.waiting()), (Next::Send, 1));
    }
}
