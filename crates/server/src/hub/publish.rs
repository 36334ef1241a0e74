//! From commits to those who must hear of them. Runs on the writer's thread: no waiting here.

use std::sync::Arc;

use deskbell_desk::{Responder, State};
use deskbell_protocol::agent::Update;
use deskbell_protocol::customer::{CustomerMessage, ServerFrame};
use deskbell_protocol::entity::{ActivityKind, Author, ChangeKind, Message, SourceKind};
use deskbell_protocol::settings::Language;
use deskbell_protocol::{Code, ConnectionId, ConversationId, Refusal, Seq, limits};
use deskbell_store::{Committed, Found, Outcome, Publish, Refused, Tally};

use super::{Hub, Inner};
use crate::activity::Place;
use crate::holds::Held;
use crate::outbox::{Item, Rendered};

/// Carries outcomes from the store to the hub.
pub(crate) struct Publisher {
    pub(crate) hub: Arc<Hub>,
}

impl Publish for Publisher {
    fn publish(&mut self, outcomes: Vec<Outcome>, tally: Tally) {
        let mut inner = self.hub.lock();
        inner.tally = tally;
        for outcome in outcomes {
            match outcome {
                Outcome::Committed(committed) => {
                    self.hub.holds.set(committed.conversation, Held::of(&committed.state));
                    if inner.standing.leaves(committed.state.held.as_ref()) {
                        self.hub.left.notify_one();
                    }
                    self.hub.slow.set(committed.conversation, asked(&committed.state));
                    inner.committed(*committed);
                }
                Outcome::Refused(refused) => inner.refused(refused),
            }
        }
        inner.tell_counts();
    }

    fn erased(&mut self, conversation: ConversationId, tally: Tally) {
        let mut inner = self.hub.lock();
        inner.tally = tally;
        self.hub.holds.set(conversation, None);
        self.hub.slow.set(conversation, None);
        inner.activity.forget(conversation);
        let refusal = Refusal::new(Code::NoSuchConversation, "This conversation was erased.");
        inner.dismiss(conversation, &refusal);
        inner.tell(Update::Gone { conversation });
        inner.tell_counts();
    }

    fn replaced(&mut self, found: &Found) {
        let responder = Arc::new(Responder::new(found.rules.clone(), found.answers.clone()));
        let mut inner = self.hub.lock();
        let refusal =
            Refusal::new(Code::ShuttingDown, "The desk's data was restored from a backup; connect again.");
        let all: Vec<_> = inner.conversations.keys().copied().collect();
        for conversation in all {
            inner.dismiss(conversation, &refusal);
        }
        inner.visitor_tokens.clear();
        inner.activity.clear();
        inner.tally = found.tally;
        inner.epoch = Arc::clone(&found.epoch);
        // Ids that were given away here are not given again, so that no console mistakes one for another.
        inner.next_conversation = inner.next_conversation.max(found.next_conversation);
        inner.reserved_until = deskbell_store::reserved_until(found.next_conversation);
        inner.standing.restored(found, responder);
        self.hub.holds.begin(found);
        self.hub.slow.begin(found);
        inner.tell(Update::Settings { settings: Box::new(found.settings.clone()) });
        inner.tell(Update::Resync {});
        inner.tell_counts();
    }
}

impl Inner {
    /// Ends all sockets of a conversation and forgets it.
    fn dismiss(&mut self, id: ConversationId, refusal: &Refusal) {
        self.push(id, None, &Item::Leave(refusal.clone()));
        let Some(present) = self.conversations.remove(&id) else { return };
        for connection in present.connections {
            self.connections.remove(&connection);
        }
    }

    fn refused(&mut self, refused: Refused) {
        if let Some(connection) = refused.connection {
            self.push_to(connection, Item::Refused { id: refused.client_id, refusal: refused.refusal });
            // What was not stored was not the first message: the next may be.
            if let Some(present) = self.conversations.get_mut(&refused.conversation) {
                present.asked_visit = 0;
            }
        }
        self.settle(refused.conversation);
    }

    fn committed(&mut self, committed: Committed) {
        let id = committed.conversation;
        self.know(&committed);
        let mut acknowledge = committed.acknowledge;
        let origin = acknowledge.as_ref().map(|(connection, _, _)| *connection);
        for message in committed.messages {
            // The sender gets the acknowledgement in the message's place, so that revisions arrive in order.
            if let Some((connection, client_id, receipt)) =
                acknowledge.take_if(|(_, _, receipt)| receipt.seq == message.seq)
            {
                self.push_to(connection, Item::Acknowledged { id: client_id, receipt });
            }
            self.deliver(id, message, origin);
        }
        // Nothing new: the same message was sent again.
        if let Some((connection, client_id, receipt)) = acknowledge {
            self.push_to(connection, Item::Acknowledged { id: client_id, receipt });
        }
        if let Some(changed) = committed.changed {
            let rendered = render_change(&changed, committed.customer.language);
            self.push(id, None, &Item::Message(Arc::new(rendered)));
            self.tell(Update::Message { conversation: id, message: Box::new(changed) });
        }
        if committed.control_changed {
            self.push(id, None, &Item::Control(committed.state.control));
        }
        self.tell_described(self.described(id, &committed.state, &committed.customer));
        self.settle(id);
    }

    /// The newest state; a visitor whose first message this was is now the store's.
    fn know(&mut self, committed: &Committed) {
        let Some(present) = self.conversations.get_mut(&committed.conversation) else { return };
        let read_before = present.known.as_ref().map(|(state, _)| state.agent_read_seq);
        present.known = Some((Arc::clone(&committed.state), Arc::clone(&committed.customer)));
        if committed.state.stored
            && let Some(visitor) = present.visitor.take()
        {
            self.forget_token(&visitor);
        }
        let read = committed.state.agent_read_seq;
        if read_before.is_some_and(|before| before < read) {
            self.push(committed.conversation, None, &Item::Read(read));
        }
    }

    fn deliver(&mut self, id: ConversationId, message: Message, origin: Option<ConnectionId>) {
        self.traffic.count(id, message.author, message.at);
        if message.author.is_visible_to_customer() {
            let own = message.author == Author::Customer;
            let except = origin.filter(|_| own);
            self.push(id, except, &Item::Message(Arc::new(render(&message))));
            let preview = limits::preview(&message.text);
            let seq = message.seq;
            let kind = if own {
                ActivityKind::Received { seq, preview }
            } else {
                ActivityKind::Sent { seq, author: message.author, preview }
            };
            let connection = origin.filter(|_| own);
            let address =
                connection.and_then(|c| self.connections.get(&c)).map(|live| live.info.address.clone());
            self.note(kind, Place { connection, conversation: Some(id), address });
        }
        self.tell(Update::Message { conversation: id, message: Box::new(message) });
    }

    fn push_to(&self, connection: ConnectionId, item: Item) {
        if let Some(live) = self.connections.get(&connection) {
            live.outbox.push(item);
        }
    }
}

/// A message as customers' clients get it.
pub(crate) fn customer_message(message: &Message) -> CustomerMessage {
    CustomerMessage {
        seq: message.seq,
        revision: message.revision,
        author: message.author,
        text: message.text.clone(),
        at: message.at,
        name: message.name.clone().filter(|_| message.author == Author::Agent),
        id: message.client_id.clone().filter(|_| message.author == Author::Customer),
        change: message.change.as_ref().map(|change| change.kind),
    }
}

/// The customer's message that a model or the webhook bot is to answer, and under which control.
fn asked(state: &State) -> Option<(Seq, i64)> {
    let held = state.held.as_ref().filter(|held| held.writing).map(|held| held.for_seq);
    let suggested = state.suggestion.as_ref().filter(|suggested| suggested.writing).map(|s| s.for_seq);
    held.or(suggested).map(|for_seq| (for_seq, state.control_version))
}

/// A correction or retraction. Plain-text clients cannot replace what they showed: they get a line that says so.
fn render_change(message: &Message, language: Language) -> Rendered {
    let retracted = message.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Retracted);
    let original = message.change.as_ref().map_or("", |change| change.original.as_str());
    let quoted = limits::preview(original);
    let line = match (language, retracted) {
        (Language::En, false) => format!("Correction: {}", message.text),
        (Language::ZhCn, false) => format!("更正：{}", message.text),
        (Language::En, true) => format!("Please disregard this message: “{quoted}”"),
        (Language::ZhCn, true) => format!("请忽略这条消息：“{quoted}”"),
    };
    Rendered { plain: Some(line.into()), ..render(message) }
}

fn render(message: &Message) -> Rendered {
    let is_greeting = message.source.as_ref().is_some_and(|source| source.kind == SourceKind::Greeting);
    let is_reply = matches!(message.author, Author::Automatic | Author::Agent) && !is_greeting;
    let frame = ServerFrame::Message(customer_message(message));
    Rendered {
        seq: message.seq,
        revision: message.revision,
        plain: is_reply.then(|| message.text.as_str().into()),
        json: serde_json::to_string(&frame).unwrap_or_default().into(),
    }
}
