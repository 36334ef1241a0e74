//! Who is here and who hears what: plain maps behind one mutex, held for short sections and never across an await.

mod presence;
mod publish;
mod question;
mod standing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use deskbell_protocol::agent::Update;
use deskbell_protocol::entity::{ActivityEvent, ActivityKind, Author, Conversation, Counts};
use deskbell_protocol::{ConnectionId, ConversationId, Seq};
use deskbell_store::{Found, RESERVED, Tally, Visitor, reserved_until};
use tokio::sync::Notify;

use crate::activity::{Activity, Place};
use crate::bucket::{Bucket, Rate};
use crate::clock::now;
use crate::holds::Holds;
use crate::identity::Hash;
use crate::outbox::Item;
use crate::slow::Slow;
use crate::traffic::Traffic;
use crate::watch::{Mailbox, Watch};
pub(crate) use presence::Live;
use presence::Present;
pub(crate) use publish::{Publisher, customer_message};
use standing::Standing;

/// The registry of sockets, visitors and consoles.
#[derive(Debug)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    pub(crate) holds: Arc<Holds>,
    pub(crate) slow: Arc<Slow>,
    /// Replies are held for agents who are not there.
    left: Notify,
}

#[derive(Debug)]
struct Inner {
    connections: HashMap<ConnectionId, Live>,
    conversations: HashMap<ConversationId, Present>,
    /// Visitors who are here and have no row yet; the store knows all others.
    visitor_tokens: HashMap<Hash, ConversationId>,
    watchers: Vec<Weak<Mailbox>>,
    activity: Activity,
    traffic: Traffic,
    tally: Tally,
    /// Which database this is.
    epoch: Arc<str>,
    standing: Standing,
    next_conversation: ConversationId,
    /// From here on ids are not kept for conversations that are not stored.
    reserved_until: ConversationId,
    last_connection: ConnectionId,
    told: Option<Counts>,
    floods: Floods,
}

/// What happens as often as a stranger likes is not told as often.
#[derive(Debug)]
struct Floods {
    rate: Rate,
    notes: Bucket,
    /// Since the last that was told.
    untold: u64,
}

impl Default for Floods {
    fn default() -> Self {
        let rate = Rate::new(50, 5);
        Self { rate, notes: Bucket::full(rate), untold: 0 }
    }
}

impl Hub {
    pub(crate) fn new(found: &Found) -> Self {
        let inner = Inner {
            connections: HashMap::new(),
            conversations: HashMap::new(),
            visitor_tokens: HashMap::new(),
            watchers: Vec::new(),
            activity: Activity::default(),
            traffic: Traffic::default(),
            tally: found.tally,
            epoch: Arc::clone(&found.epoch),
            standing: Standing::new(found),
            next_conversation: found.next_conversation,
            reserved_until: reserved_until(found.next_conversation),
            last_connection: ConnectionId(0),
            told: None,
            floods: Floods::default(),
        };
        let holds = Arc::new(Holds::default());
        holds.begin(found);
        let slow = Arc::new(Slow::default());
        slow.begin(found);
        Self { inner: Mutex::new(inner), holds, slow, left: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new console's watch. Register before asking for a snapshot: nothing falls between.
    pub(crate) fn watch(&self) -> Watch {
        let mailbox = Arc::new(Mailbox::default());
        let mut inner = self.lock();
        inner.watchers.retain(|watcher| watcher.strong_count() > 0);
        inner.watchers.push(Arc::downgrade(&mailbox));
        Watch::new(mailbox)
    }

    /// Ends all watches.
    pub(crate) fn close_watches(&self) {
        let inner = self.lock();
        inner.watchers.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.close());
    }

    /// Notes an event of a socket.
    pub(crate) fn note(&self, kind: ActivityKind, place: Place) {
        self.lock().note(kind, place);
    }

    /// Notes what a stranger can make happen without end, such as refusals. When there are many, a few are told and the
    /// others counted: consoles are not part of the flood.
    pub(crate) fn note_flood(&self, kind: ActivityKind, place: Place) {
        let mut inner = self.lock();
        let rate = inner.floods.rate;
        if !inner.floods.notes.take(1, rate) {
            inner.floods.untold = inner.floods.untold.saturating_add(1);
            return;
        }
        let untold = std::mem::take(&mut inner.floods.untold);
        if untold > 0 {
            let error = format!("{untold} more connections failed or were refused.");
            let error_zh = format!("另有 {untold} 个连接失败或被拒绝。");
            inner.note(ActivityKind::Failed { error, error_zh }, Place::default());
        }
        inner.note(kind, place);
    }

    /// The last events, oldest first.
    pub(crate) fn activity(&self, limit: usize) -> Vec<ActivityEvent> {
        self.lock().activity.last(limit)
    }

    /// Which database this is.
    pub(crate) fn epoch(&self) -> Arc<str> {
        Arc::clone(&self.lock().epoch)
    }

    /// Whether anything is stored.
    pub(crate) fn has_conversations(&self) -> bool {
        let tally = self.lock().tally;
        tally.open > 0 || tally.resolved > 0
    }

    /// Tells consoles something that nothing is remembered of.
    pub(crate) fn tell(&self, update: Update) {
        self.lock().tell(update);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts()
    }

    /// The next free conversation id.
    pub(crate) fn next_conversation(&self) -> ConversationId {
        self.lock().next_conversation
    }

    /// The next free conversation id, when it is time to reserve more of them: well before none are left.
    pub(crate) fn to_reserve(&self) -> Option<ConversationId> {
        let mut inner = self.lock();
        let next = inner.next_conversation;
        if inner.reserved_until.0.saturating_sub(next.0) > RESERVED / 2 {
            return None;
        }
        inner.reserved_until = reserved_until(next);
        Some(next)
    }

    /// Tells consoles the numbers if they have changed, as they do by themselves when time passes.
    pub(crate) fn refresh_counts(&self) {
        self.lock().tell_counts();
    }

    /// Shows the conversation's customers that someone writes.
    pub(crate) fn typing(&self, conversation: ConversationId, author: Author) {
        self.lock().push(conversation, None, &Item::Typing(author));
    }

    /// Stored conversations with their live sockets, from what the store read.
    pub(crate) fn describe(&self, entries: Vec<deskbell_store::Entry>) -> Vec<Conversation> {
        let inner = self.lock();
        entries.into_iter().map(|entry| inner.described(entry.id, &entry.state, &entry.customer)).collect()
    }

    /// Everything up to `seq` was written to a socket of this conversation.
    pub(crate) fn delivered(&self, conversation: ConversationId, seq: Seq) {
        let mut inner = self.lock();
        let Some(present) = inner.conversations.get_mut(&conversation) else { return };
        if present.delivered < seq {
            present.delivered = seq;
            inner.tell_conversation(conversation);
        }
    }

    /// Who is here and has no row yet, newest first.
    pub(crate) fn visitors(&self) -> Vec<Conversation> {
        let inner = self.lock();
        let mut visitors: Vec<_> = inner
            .conversations
            .iter()
            .filter(|(_, present)| present.visitor.is_some() && !present.connections.is_empty())
            .filter_map(|(id, _)| inner.describe(*id))
            .collect();
        visitors.sort_by_key(|visitor| std::cmp::Reverse(visitor.id));
        visitors
    }

    /// One visitor.
    pub(crate) fn visitor(&self, id: ConversationId) -> Option<Conversation> {
        let inner = self.lock();
        inner.conversations.get(&id).filter(|present| present.visitor.is_some())?;
        inner.describe(id)
    }

    /// Before a command is submitted: who this is, if there is no row yet. The visitor is kept until the outcome, even
    /// if the last socket goes meanwhile. [`Hub::abandon`] takes it back when the command was not submitted.
    ///
    /// Also says for which database the command is. `None` for a socket that this one does not know (any more).
    pub(crate) fn begin(
        &self,
        conversation: ConversationId,
        connection: Option<ConnectionId>,
    ) -> Option<(Option<Arc<Visitor>>, Arc<str>)> {
        let mut inner = self.lock();
        if connection.is_some_and(|connection| !inner.connections.contains_key(&connection)) {
            return None;
        }
        let epoch = Arc::clone(&inner.epoch);
        let Some(present) = inner.conversations.get_mut(&conversation) else { return Some((None, epoch)) };
        let visitor = present.visitor.clone();
        if visitor.is_some() {
            present.pending = present.pending.saturating_add(1);
        }
        Some((visitor, epoch))
    }

    /// The command of [`Hub::begin`] was not submitted.
    pub(crate) fn abandon(&self, conversation: ConversationId) {
        self.lock().settle(conversation);
    }
}

impl Inner {
    fn note(&mut self, kind: ActivityKind, place: Place) {
        let event = self.activity.note(now(), kind, place);
        let update = Arc::new(Update::Activity { event });
        for mailbox in self.watchers.iter().filter_map(Weak::upgrade).filter(|m| m.wants_activity()) {
            mailbox.update(&update);
        }
    }

    fn tell(&mut self, update: Update) {
        let update = Arc::new(update);
        self.watchers.retain(|watcher| match watcher.upgrade() {
            Some(mailbox) => {
                mailbox.update(&update);
                true
            }
            None => false,
        });
    }

    fn tell_conversation(&self, id: ConversationId) {
        if self.watchers.is_empty() {
            return;
        }
        if let Some(conversation) = self.describe(id) {
            self.tell_described(conversation);
        }
    }

    fn tell_described(&self, conversation: Conversation) {
        let conversation = Arc::new(conversation);
        self.watchers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|mailbox| mailbox.conversation(&conversation));
    }

    fn counts(&self) -> Counts {
        Counts {
            open: self.tally.open,
            needs_me: self.tally.needs_me,
            held: self.tally.held,
            resolved: self.tally.resolved,
            online: saturating(
                self.conversations.values().filter(|present| !present.connections.is_empty()).count(),
            ),
            connections: saturating(self.connections.len()),
            messages_per_minute: self.traffic.messages_per_minute(now()),
            answered_by_itself_percent: self.traffic.answered_by_itself_percent(),
        }
    }

    fn tell_counts(&mut self) {
        let counts = self.counts();
        if self.told != Some(counts) {
            self.told = Some(counts);
            self.watchers.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.counts(counts));
        }
    }
}

fn saturating(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
