//! What the chain is asked about who is here.

use deskbell_protocol::responder::Question;
use deskbell_protocol::settings::Language;
use deskbell_protocol::{ConnectionId, ConversationId, Seq};

use super::{Hub, Inner};

impl Hub {
    /// What the chain is asked when this socket's customer writes. The message counts as being on its way.
    pub(crate) fn question(&self, connection: ConnectionId, text: String, language: Language) -> Question {
        let mut inner = self.lock();
        let mut question = inner.about(connection, language);
        question.text = text;
        let Some(id) = inner.connections.get(&connection).map(|live| live.conversation) else {
            return question;
        };
        let Some(present) = inner.conversations.get_mut(&id) else { return question };
        let (visit, spoken_visit, has_written) = match &present.known {
            Some((state, _)) => (state.visit, state.spoken_visit, state.last_customer_seq > Seq(0)),
            None => (1, 0, present.visitor.is_none()),
        };
        // The first message of a visit is the first that comes, not each that comes before the first is stored.
        if present.asked_visit != visit {
            question.first_message = !has_written;
            question.returning = has_written && present.known.is_some() && spoken_visit < visit;
        }
        present.asked_visit = visit;
        question
    }

    /// A question without words by the customer of a conversation, as far as it is known here.
    pub(crate) fn asker(&self, conversation: ConversationId) -> Question {
        let inner = self.lock();
        let known = inner.conversations.get(&conversation).and_then(|present| present.known.as_ref());
        known.map(|(_, customer)| Question::of(customer, String::new())).unwrap_or_default()
    }

    /// What the chain is told of this socket's customer, who says nothing.
    pub(crate) fn about(&self, connection: ConnectionId, language: Language) -> Question {
        self.lock().about(connection, language)
    }
}

impl Inner {
    fn about(&self, connection: ConnectionId, language: Language) -> Question {
        let mut question = Question { language, ..Question::default() };
        let Some(live) = self.connections.get(&connection) else { return question };
        question.page.clone_from(&live.info.page);
        let Some(present) = self.conversations.get(&live.conversation) else { return question };
        let visitor = present.visitor.as_ref().map(|visitor| &visitor.customer);
        if let Some(customer) = present.known.as_ref().map(|(_, customer)| &**customer).or(visitor) {
            question.name.clone_from(&customer.name);
        }
        question
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deskbell_protocol::entity::Customer;

    use super::super::presence::tests::{hub, socket};
    use super::*;

    #[test]
    fn only_one_message_is_the_first_however_many_are_on_their_way() {
        let hub = hub();
        let (first, second) = (socket(&hub), socket(&hub));
        let customer = Customer { name: Some("Ada".to_owned()), ..Customer::default() };
        hub.join_new(first.clone(), Arc::default(), Some([7; 32]), None, customer);
        hub.join_visitor(&second, &Arc::default(), &[7; 32]).unwrap();
        assert_eq!(hub.about(first.id, Language::En).name.as_deref(), Some("Ada"));
        let asked = |connection| hub.question(connection, "hi".to_owned(), Language::En).first_message;
        assert!(asked(first.id), "to ask for a person is no message");
        assert!(!asked(first.id) && !asked(second.id));
    }
}
