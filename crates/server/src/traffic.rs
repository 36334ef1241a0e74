//! Numbers for the status line.

use std::collections::{HashMap, VecDeque};

use deskbell_protocol::entity::Author;
use deskbell_protocol::{ConversationId, Timestamp};

/// Seconds looked back on.
const WINDOW_SECONDS: i64 = 60;
/// Conversations remembered for the share that the responder answered alone.
const REMEMBERED: usize = 100_000;

/// What has passed through the desk lately.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Customer messages a second, oldest first.
    seconds: VecDeque<(i64, u32)>,
    /// Conversations with a reply, and whether an agent wrote in them.
    answered: HashMap<ConversationId, bool>,
    by_agents: usize,
}

impl Traffic {
    /// Counts a message.
    pub(crate) fn count(&mut self, conversation: ConversationId, author: Author, at: Timestamp) {
        match author {
            Author::Customer => self.count_customer(at),
            Author::Automatic | Author::Agent => self.count_reply(conversation, author == Author::Agent),
            Author::Note | Author::System => {}
        }
    }

    fn count_customer(&mut self, at: Timestamp) {
        let second = at.0.div_euclid(1000);
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count = count.saturating_add(1),
            _ => self.seconds.push_back((second, 1)),
        }
        while self.seconds.len() > usize::try_from(WINDOW_SECONDS).unwrap_or(60) {
            self.seconds.pop_front();
        }
    }

    fn count_reply(&mut self, conversation: ConversationId, by_agent: bool) {
        if self.answered.len() >= REMEMBERED {
            self.answered.clear();
            self.by_agents = 0;
        }
        let agent = self.answered.entry(conversation).or_insert(false);
        if by_agent && !*agent {
            *agent = true;
            self.by_agents = self.by_agents.saturating_add(1);
        }
    }

    /// Customer messages in the last 60 s.
    pub(crate) fn messages_per_minute(&self, now: Timestamp) -> u32 {
        let second = now.0.div_euclid(1000);
        self.seconds
            .iter()
            .filter(|(at, _)| (0..WINDOW_SECONDS).contains(&second.saturating_sub(*at)))
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Per cent of conversations with a reply in which no agent wrote.
    pub(crate) fn answered_by_itself_percent(&self) -> Option<u32> {
        let all = self.answered.len();
        let alone = all.saturating_sub(self.by_agents).saturating_mul(100);
        u32::try_from(alone.checked_div(all)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_minute_counts() {
        let mut traffic = Traffic::default();
        traffic.count(ConversationId(1), Author::Customer, Timestamp(1_000));
        traffic.count(ConversationId(1), Author::Customer, Timestamp(50_000));
        traffic.count(ConversationId(1), Author::Customer, Timestamp(50_900));
        assert_eq!(traffic.messages_per_minute(Timestamp(51_000)), 3);
        assert_eq!(traffic.messages_per_minute(Timestamp(61_000)), 2);
        assert_eq!(traffic.messages_per_minute(Timestamp(200_000)), 0);
    }

    #[test]
    fn a_conversation_in_which_an_agent_wrote_was_not_answered_by_itself() {
        let mut traffic = Traffic::default();
        assert_eq!(traffic.answered_by_itself_percent(), None);
        for id in 1..=4 {
            traffic.count(ConversationId(id), Author::Automatic, Timestamp(0));
        }
        traffic.count(ConversationId(1), Author::Agent, Timestamp(0));
        traffic.count(ConversationId(1), Author::Agent, Timestamp(0));
        assert_eq!(traffic.answered_by_itself_percent(), Some(75));
    }
}
