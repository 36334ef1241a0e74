//! Sockets, and the conversations that have some.

use std::sync::Arc;

use deskbell_desk::{Greeting, State};
use deskbell_protocol::agent::Update;
use deskbell_protocol::entity::{ActivityKind, Connection, Conversation, Customer};
use deskbell_protocol::responder::Question;
use deskbell_protocol::settings::Language;
use deskbell_protocol::{Code, ConnectionId, ConversationId, Refusal, Seq};
use deskbell_store::Visitor;

use super::{Hub, Inner};
use crate::activity::Place;
use crate::clock::now;
use crate::identity::Hash;
use crate::outbox::{Item, Outbox};

/// A customer's socket.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) conversation: ConversationId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) info: Connection,
}

/// A conversation with sockets, or with commands of a visitor under way.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Oldest first.
    pub(super) connections: Vec<ConnectionId>,
    /// Set while there is no row.
    pub(super) visitor: Option<Arc<Visitor>>,
    /// A visitor's commands on their way to the store.
    pub(super) pending: usize,
    /// The newest committed state.
    pub(super) known: Option<(Arc<State>, Arc<Customer>)>,
    /// Up to where everything was written to a socket, since there are sockets.
    pub(super) delivered: Seq,
}

impl Hub {
    /// A number for a socket that was accepted.
    pub(crate) fn next_connection(&self) -> ConnectionId {
        let mut inner = self.lock();
        inner.last_connection = ConnectionId(inner.last_connection.0.saturating_add(1));
        inner.last_connection
    }

    /// What the chain is asked when this socket's customer writes.
    pub(crate) fn question(&self, connection: ConnectionId, text: String, language: Language) -> Question {
        let inner = self.lock();
        let mut question = Question { text, language, ..Question::default() };
        let Some(live) = inner.connections.get(&connection) else { return question };
        question.page.clone_from(&live.info.page);
        let Some(present) = inner.conversations.get(&live.conversation) else { return question };
        if let Some((state, customer)) = &present.known {
            question.name.clone_from(&customer.name);
            question.first_message = state.last_customer_seq.0 == 0;
            question.returning = !question.first_message && state.spoken_visit < state.visit;
        } else if let Some(visitor) = &present.visitor {
            question.name.clone_from(&visitor.customer.name);
            question.first_message = true;
        }
        question
    }

    /// A question without words by the customer of a conversation, as far as it is known here.
    pub(crate) fn asker(&self, conversation: ConversationId) -> Question {
        let inner = self.lock();
        let known = inner.conversations.get(&conversation).and_then(|present| present.known.as_ref());
        known.map(|(_, customer)| Question::of(customer, String::new())).unwrap_or_default()
    }

    /// Registers a socket with a new visitor.
    pub(crate) fn join_new(
        &self,
        info: Connection,
        outbox: Arc<Outbox>,
        token_hash: Option<Hash>,
        greeting: Option<Greeting>,
        customer: Customer,
    ) -> ConversationId {
        let mut inner = self.lock();
        let id = inner.next_conversation;
        inner.next_conversation = ConversationId(id.0.saturating_add(1));
        if let Some(hash) = token_hash {
            inner.visitor_tokens.insert(hash, id);
        }
        let visitor = Visitor { token_hash, greeting, customer, since: now() };
        let present = Present { visitor: Some(Arc::new(visitor)), ..Present::default() };
        inner.conversations.insert(id, present);
        inner.join(id, info, outbox);
        id
    }

    /// Registers a socket with a visitor who is here and has no row; the greeting that was shown comes back.
    ///
    /// # Errors
    /// [`Code::TooManyConnections`]
    pub(crate) fn join_visitor(
        &self,
        info: &Connection,
        outbox: &Arc<Outbox>,
        token_hash: &Hash,
    ) -> Result<Option<(ConversationId, Option<Greeting>)>, Refusal> {
        let mut inner = self.lock();
        let Some((id, greeting)) = inner.visitor_of(token_hash) else { return Ok(None) };
        inner.check_room(id)?;
        inner.join(id, info.clone(), Arc::clone(outbox));
        Ok(Some((id, greeting)))
    }

    /// Registers a socket with a stored conversation.
    ///
    /// # Errors
    /// [`Code::TooManyConnections`], or [`Code::ShuttingDown`] when that was in another database than this one.
    pub(crate) fn join_stored(
        &self,
        id: ConversationId,
        info: Connection,
        outbox: Arc<Outbox>,
        epoch: &str,
    ) -> Result<(), Refusal> {
        let mut inner = self.lock();
        if *inner.epoch != *epoch {
            return Err(Refusal::new(Code::ShuttingDown, "The desk's data was restored; connect again."));
        }
        inner.check_room(id)?;
        inner.join(id, info, outbox);
        Ok(())
    }

    /// A socket is gone. When its conversation is stored: up to where everything was written to its sockets.
    pub(crate) fn leave(&self, connection: ConnectionId, why: ActivityKind) -> Option<Seq> {
        let mut inner = self.lock();
        let live = inner.connections.remove(&connection)?;
        let id = live.conversation;
        let place =
            Place { connection: Some(connection), conversation: Some(id), address: Some(live.info.address) };
        inner.note(why, place);
        let mut delivered = None;
        if let Some(present) = inner.conversations.get_mut(&id) {
            present.connections.retain(|other| *other != connection);
            delivered = present.visitor.is_none().then_some(present.delivered);
        }
        inner.tell_conversation(id);
        inner.drop_if_gone(id);
        inner.tell_counts();
        delivered
    }
}

impl Inner {
    fn visitor_of(&self, token_hash: &Hash) -> Option<(ConversationId, Option<Greeting>)> {
        let id = *self.visitor_tokens.get(token_hash)?;
        let visitor = self.conversations.get(&id)?.visitor.as_ref()?;
        Some((id, visitor.greeting.clone()))
    }

    /// Whether a conversation may have another socket.
    fn check_room(&self, id: ConversationId) -> Result<(), Refusal> {
        let limit = self.standing.settings.limits.connections_per_conversation;
        let here = self.conversations.get(&id).map_or(0, |present| present.connections.len());
        if here < usize::try_from(limit).unwrap_or(usize::MAX) {
            return Ok(());
        }
        let sentence =
            format!("This conversation is open in {here} places already; close one and try again.");
        Err(Refusal::new(Code::TooManyConnections, sentence))
    }

    fn join(&mut self, id: ConversationId, info: Connection, outbox: Arc<Outbox>) {
        let connection = info.id;
        self.conversations.entry(id).or_default().connections.push(connection);
        self.connections.insert(connection, Live { conversation: id, outbox, info });
        self.tell_conversation(id);
        self.tell_counts();
    }

    /// A visitor's command has its outcome.
    pub(super) fn settle(&mut self, id: ConversationId) {
        if let Some(present) = self.conversations.get_mut(&id) {
            present.pending = present.pending.saturating_sub(1);
        }
        self.drop_if_gone(id);
    }

    /// Forgets a conversation without sockets and commands under way. A visitor without a word leaves no trace.
    pub(super) fn drop_if_gone(&mut self, id: ConversationId) {
        let Some(present) = self.conversations.get(&id) else { return };
        if !present.connections.is_empty() || present.pending > 0 {
            return;
        }
        let Some(present) = self.conversations.remove(&id) else { return };
        if let Some(visitor) = present.visitor {
            self.forget_token(&visitor);
            self.tell(Update::Gone { conversation: id });
        }
    }

    pub(super) fn forget_token(&mut self, visitor: &Visitor) {
        if let Some(hash) = &visitor.token_hash {
            self.visitor_tokens.remove(hash);
        }
    }

    /// Queues an item for every socket of a conversation but one.
    pub(super) fn push(&self, id: ConversationId, except: Option<ConnectionId>, item: &Item) {
        let Some(present) = self.conversations.get(&id) else { return };
        for connection in &present.connections {
            if Some(*connection) != except
                && let Some(live) = self.connections.get(connection)
            {
                live.outbox.push(item.clone());
            }
        }
    }

    /// The live sockets of a conversation, oldest first.
    pub(super) fn sockets(&self, id: ConversationId) -> Vec<Connection> {
        let Some(present) = self.conversations.get(&id) else { return Vec::new() };
        present
            .connections
            .iter()
            .filter_map(|connection| self.connections.get(connection))
            .map(|live| live.info.clone())
            .collect()
    }

    /// A conversation that has sockets, as consoles see it; `None` until its state is known.
    pub(super) fn describe(&self, id: ConversationId) -> Option<Conversation> {
        let present = self.conversations.get(&id)?;
        match (&present.known, &present.visitor) {
            (Some((state, customer)), _) => Some(self.described(id, state, customer)),
            (None, Some(visitor)) => Some(self.described(id, &State::new(visitor.since), &visitor.customer)),
            (None, None) => None,
        }
    }

    /// A conversation in this state, with what is known here about its sockets.
    pub(super) fn described(&self, id: ConversationId, state: &State, customer: &Customer) -> Conversation {
        let delivered = self.conversations.get(&id).map_or(Seq(0), |present| present.delivered);
        let mut conversation = describe(id, state, customer, self.sockets(id));
        // What was read was delivered; what the store knows may be older than what is known here, or newer.
        conversation.delivered_seq =
            delivered.min(state.last_seq).max(state.delivered_seq).max(state.customer_read_seq);
        conversation
    }

    /// What every map promises about the others. For tests.
    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        for (id, live) in &self.connections {
            assert!(self.conversations[&live.conversation].connections.contains(id));
        }
        for (id, present) in &self.conversations {
            assert!(!present.connections.is_empty() || present.pending > 0);
            assert!(present.connections.iter().all(|c| self.connections[c].conversation == *id));
        }
        for (hash, id) in &self.visitor_tokens {
            assert_eq!(self.conversations[id].visitor.as_ref().unwrap().token_hash.as_ref(), Some(hash));
        }
    }
}

/// A conversation as consoles see it.
fn describe(
    id: ConversationId,
    state: &State,
    customer: &Customer,
    connections: Vec<Connection>,
) -> Conversation {
    Conversation {
        id,
        stored: state.stored,
        status: state.status,
        control: state.control,
        hold: state.hold,
        revision: state.revision,
        last_seq: state.last_seq,
        needs_human: state.needs_human,
        held: state.held.clone(),
        discarded: state.discarded.clone(),
        suggestion: state.suggestion.clone(),
        labels: state.labels.clone(),
        unread: state.unread,
        waiting_since: state.waiting_since,
        agent_read_seq: state.agent_read_seq,
        delivered_seq: state.delivered_seq,
        customer_read_seq: state.customer_read_seq,
        last: state.last.clone(),
        messages: state.messages,
        created_at: state.created_at,
        last_activity_at: state.last_activity_at,
        customer: customer.clone(),
        connections,
    }
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::Timestamp;
    use deskbell_protocol::entity::ConnectionProtocol;
    use deskbell_protocol::settings::Settings;
    use deskbell_store::{Found, Tally};

    use super::*;

    fn hub() -> Hub {
        Hub::new(&Found {
            settings: Settings::default(),
            epoch: "e".into(),
            next_conversation: ConversationId(1),
            tally: Tally::default(),
            due: Vec::new(),
            asked: Vec::new(),
            rules: Vec::new(),
            answers: Vec::new(),
            lessons: 0,
        })
    }

    fn socket(hub: &Hub) -> Connection {
        Connection {
            id: hub.next_connection(),
            opened_at: Timestamp(0),
            address: "127.0.0.1:1".to_owned(),
            protocol: ConnectionProtocol::V1,
            page: None,
        }
    }

    #[test]
    fn a_visitor_without_a_word_leaves_no_trace() {
        let hub = hub();
        let hash = [7; 32];
        let first = socket(&hub);
        let id = hub.join_new(first.clone(), Arc::default(), Some(hash), None, Customer::default());
        let second = socket(&hub);
        let joined = hub.join_visitor(&second, &Arc::default(), &hash);
        assert_eq!(joined.map(|found| found.map(|(id, _)| id)), Ok(Some(id)));
        hub.lock().check_invariants();
        let closed = || ActivityKind::Closed { code: 1000, reason: String::new() };
        assert_eq!(hub.leave(first.id, closed()), None);
        hub.lock().check_invariants();
        assert_eq!(hub.visitors().len(), 1);
        assert_eq!(hub.leave(second.id, closed()), None);
        hub.lock().check_invariants();
        assert!(
            hub.visitors().is_empty()
                && hub.lock().conversations.is_empty()
                && hub.lock().visitor_tokens.is_empty()
        );
    }

    #[test]
    fn a_visitor_whose_message_is_under_way_is_known_by_token_until_its_outcome() {
        let hub = hub();
        let hash = [7; 32];
        let first = socket(&hub);
        let id = hub.join_new(first.clone(), Arc::default(), Some(hash), None, Customer::default());
        assert!(hub.begin(id, Some(first.id)).unwrap().0.is_some());
        hub.leave(first.id, ActivityKind::Failed { error: "reset".to_owned(), error_zh: "重置".to_owned() });
        hub.lock().check_invariants();
        assert!(hub.join_visitor(&socket(&hub), &Arc::default(), &hash).unwrap().is_some());
    }

    #[test]
    fn a_conversation_is_open_in_ten_places_at_most() {
        let hub = hub();
        let hash = [7; 32];
        let first = socket(&hub);
        let id = hub.join_new(first.clone(), Arc::default(), Some(hash), None, Customer::default());
        for _ in 1..10 {
            hub.join_visitor(&socket(&hub), &Arc::default(), &hash).unwrap();
        }
        let refused = hub.join_visitor(&socket(&hub), &Arc::default(), &hash).unwrap_err();
        assert_eq!(refused.code, Code::TooManyConnections);
        assert!(hub.join_stored(id, socket(&hub), Arc::default(), "e").is_err());
        hub.lock().check_invariants();
        hub.leave(first.id, ActivityKind::Closed { code: 1000, reason: String::new() });
        assert!(hub.join_visitor(&socket(&hub), &Arc::default(), &hash).unwrap().is_some());
    }
}
