//! What alerts the agent, and when: pure, so that it can be tested. `attention.rs` feeds it and shows what it asks for.
//!
//! A conversation alerts for a [`Reason`], at once and then again and again until someone looks. A look is: an agent
//! has read further, the needs-human mark was cleared, or the window has the focus and nothing is unread. A held reply
//! that an agent deals with waits for nobody.

use std::collections::HashMap;

use deskbell_protocol::entity::{Control, Conversation, HeldReply, Status};
use deskbell_protocol::{ConversationId, HeldId, Seq, Timestamp, limits, settings};

/// While the window has the focus the agent may be about to look, and the first alert waits this long (milliseconds).
const FOCUSED_GRACE: i64 = 2_000;

/// Why a conversation alerts. A later one is more urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// A customer wrote for the first time and no agent has looked yet.
    New,
    /// A reply is held until an agent sends it.
    Held,
    /// The customer of a conversation under human control wrote.
    Waiting,
    /// The conversation needs a human.
    NeedsHuman,
}

/// An alert to show now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) conversation: ConversationId,
    pub(crate) reason: Reason,
    /// The customer, as they call themselves.
    pub(crate) name: Option<String>,
    /// What the customer said last; after a start, what was said last.
    pub(crate) line: String,
}

/// Alerts that nobody has looked at.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    tracked: HashMap<ConversationId, Tracked>,
    /// What the customers of these said last. The reply that followed at once is no news to the agent.
    said: HashMap<ConversationId, String>,
}

/// A conversation in which something is unread, needs a human or waits for an agent.
#[derive(Debug, Default)]
struct Tracked {
    agent_read: Seq,
    /// Since when it needs a human.
    needs_human: Option<Timestamp>,
    /// The reply that is held, whether for an agent or not.
    held: Option<HeldId>,
    looked_at: Looked,
    open: Option<Open>,
}

/// What the last look covered.
#[derive(Debug, Default)]
struct Looked {
    ever: bool,
    /// How many messages were unread, which is not 0 where a mark was cleared without reading.
    unread: u32,
    needs_human: Option<Timestamp>,
    held: Option<HeldId>,
}

/// An alert that nobody has looked at.
#[derive(Debug)]
struct Open {
    since: Timestamp,
    shown: Option<Timestamp>,
    alert: Alert,
}

impl Alerts {
    /// Takes in what a customer said. The conversation as it is then follows.
    pub(crate) fn heard(&mut self, conversation: ConversationId, text: &str) {
        // A state that came before the message may have been the last one for a while.
        if self.said.len() > 2 * self.tracked.len() + 64 {
            self.said.retain(|known, _| self.tracked.contains_key(known));
        }
        self.said.insert(conversation, limits::preview(text));
    }

    /// Takes in a conversation as it is now.
    pub(crate) fn update(&mut self, conversation: &Conversation, focused: bool, now: Timestamp) {
        let needs_human = conversation.needs_human.map(|mark| mark.since);
        let tracked = self
            .tracked
            .entry(conversation.id)
            .or_insert_with(|| Tracked { agent_read: conversation.agent_read_seq, ..Tracked::default() });
        tracked.look(conversation, focused);
        tracked.agent_read = conversation.agent_read_seq;
        tracked.needs_human = needs_human;
        tracked.held = held(conversation);
        tracked.open = match (tracked.reason(conversation), tracked.open.take()) {
            (None, _) => None,
            (Some(reason), Some(open)) if reason <= open.alert.reason => {
                Some(Open { alert: alert(conversation, reason), ..open })
            }
            (Some(reason), _) => Some(Open { since: now, shown: None, alert: alert(conversation, reason) }),
        };
        if conversation.unread == 0 && needs_human.is_none() && conversation.held.is_none() {
            self.forget(conversation.id);
        }
    }

    /// Forgets a conversation that is gone.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.tracked.remove(&conversation);
        self.said.remove(&conversation);
    }

    /// The conversations that it would miss if they went unheard.
    pub(crate) fn tracked(&self) -> Vec<ConversationId> {
        self.tracked.keys().copied().collect()
    }

    /// Whether someone still has to look at this conversation.
    pub(crate) fn is_open(&self, conversation: ConversationId) -> bool {
        self.tracked.get(&conversation).is_some_and(|tracked| tracked.open.is_some())
    }

    /// The alerts to show now, the most urgent first. Each counts as shown.
    pub(crate) fn due(&mut self, settings: &settings::Alerts, focused: bool, now: Timestamp) -> Vec<Alert> {
        let open = self.tracked.values_mut().filter_map(|tracked| tracked.open.as_mut());
        let due = open.filter(|open| open.due(settings, focused).is_some_and(|at| at <= now));
        let mut alerts: Vec<Alert> = due
            .map(|open| {
                open.shown = Some(now);
                let mut alert = open.alert.clone();
                if let Some(said) = self.said.get(&alert.conversation) {
                    alert.line.clone_from(said);
                }
                alert
            })
            .collect();
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.reason), alert.conversation));
        alerts
    }

    /// When [`due`](Self::due) should be asked next.
    pub(crate) fn next_due(&self, settings: &settings::Alerts, focused: bool) -> Option<Timestamp> {
        let open = self.tracked.values().filter_map(|tracked| tracked.open.as_ref());
        open.filter_map(|open| open.due(settings, focused)).min()
    }
}

impl Tracked {
    /// Notes whether someone has looked since the last update.
    fn look(&mut self, conversation: &Conversation, focused: bool) {
        let needs_human = conversation.needs_human.map(|mark| mark.since);
        let seen = focused && conversation.unread == 0;
        let read_on = conversation.agent_read_seq > self.agent_read;
        let cleared = self.needs_human.is_some() && needs_human.is_none();
        if seen || read_on || cleared {
            self.looked_at.ever = true;
            self.looked_at.unread = conversation.unread;
            // A mark that arrives together with the reading may be younger than it: better one alert too many.
            if seen || self.needs_human == needs_human {
                self.looked_at.needs_human = needs_human;
            }
            if seen || self.held == held(conversation) {
                self.looked_at.held = held(conversation);
            }
        }
        self.looked_at.unread = self.looked_at.unread.min(conversation.unread);
    }

    fn reason(&self, conversation: &Conversation) -> Option<Reason> {
        if !conversation.stored || conversation.status != Status::Open {
            return None;
        }
        let unread = conversation.unread > self.looked_at.unread;
        let seen_before = self.looked_at.ever || conversation.agent_read_seq > Seq(0);
        if self.needs_human.is_some() && self.needs_human != self.looked_at.needs_human {
            Some(Reason::NeedsHuman)
        } else if unread && conversation.control == Control::Human {
            Some(Reason::Waiting)
        } else if conversation.held.as_ref().is_some_and(waits) && self.held != self.looked_at.held {
            Some(Reason::Held)
        } else if unread && !seen_before {
            Some(Reason::New)
        } else {
            None
        }
    }
}

impl Open {
    /// When it is to be shown; never, where the settings do not want it.
    fn due(&self, settings: &settings::Alerts, focused: bool) -> Option<Timestamp> {
        let wanted = match self.alert.reason {
            Reason::New => settings.new_conversation,
            Reason::Held | Reason::Waiting | Reason::NeedsHuman => settings.needs_human,
        };
        let repeat = i64::from(settings.repeat_seconds) * 1_000;
        match self.shown {
            _ if !wanted => None,
            None => Some(self.since.plus(if focused { FOCUSED_GRACE } else { 0 })),
            Some(shown) => (repeat > 0).then(|| shown.plus(repeat)),
        }
    }
}

fn held(conversation: &Conversation) -> Option<HeldId> {
    conversation.held.as_ref().map(|held| held.id)
}

/// Whether a reply waits for an agent who is not at work on it.
fn waits(held: &HeldReply) -> bool {
    held.waits_for_agent() && held.paused_ms.is_none()
}

fn alert(conversation: &Conversation, reason: Reason) -> Alert {
    Alert {
        conversation: conversation.id,
        reason,
        name: conversation.customer.name.clone(),
        line: conversation.last.as_ref().map(|last| last.text.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
