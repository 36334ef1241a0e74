//! What waits to be told to one console. Bounded and coalescing: of a conversation only the newest state travels, and a
//! console that is too slow or asleep gets one `resync` instead of a growing queue.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deskbell_protocol::ConversationId;
use deskbell_protocol::agent::{Batch, Update};
use deskbell_protocol::entity::{ActivityKind, Conversation, Counts};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::now;
use crate::limits::{BATCH_BYTES, BATCH_FRAME, CONVERSATIONS, WATCH_BYTES, WATCH_UPDATES};

/// A console's end: asks for batches.
#[derive(Debug)]
pub struct Watch {
    mailbox: Arc<Mailbox>,
    /// Bytes of JSON in one batch, about.
    room: usize,
    serial: i64,
    /// The last batch that was not full.
    last: Option<Instant>,
    /// When all conversations that had changed were last told.
    conversations: Instant,
}

/// The desk's end.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    // Pushed to by the writer's thread and by tasks; never held across an await.
    waiting: Mutex<Waiting>,
    changed: Notify,
    /// Whether events of sockets are wanted: they would be half of what a busy desk has to tell.
    activity: AtomicBool,
}

/// Says whether a console wants to hear of every event of a socket.
#[derive(Debug, Clone)]
pub struct ActivitySwitch(Arc<Mailbox>);

impl ActivitySwitch {
    /// From now on.
    pub fn set(&self, on: bool) {
        self.0.activity.store(on, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Waiting {
    updates: VecDeque<Arc<Update>>,
    /// Conversations that have changed, in the order of their first change; their newest states are in the map.
    changed: VecDeque<ConversationId>,
    conversations: HashMap<ConversationId, Arc<Conversation>>,
    counts: Option<Counts>,
    bytes: usize,
    resync: bool,
    closed: bool,
}

impl Mailbox {
    /// Whether events of sockets are wanted.
    pub(crate) fn wants_activity(&self) -> bool {
        self.activity.load(Ordering::Relaxed)
    }

    /// Queues the newest state of a conversation.
    pub(crate) fn conversation(&self, conversation: &Arc<Conversation>) {
        self.change(|waiting| {
            let id = conversation.id;
            if waiting.conversations.insert(id, Arc::clone(conversation)).is_none() {
                waiting.changed.push_back(id);
            }
        });
    }

    /// Queues an update that is not coalesced.
    pub(crate) fn update(&self, update: &Arc<Update>) {
        self.change(|waiting| {
            if let Update::Gone { conversation } = &**update {
                waiting.conversations.remove(conversation);
            }
            waiting.bytes = waiting.bytes.saturating_add(bytes_of(update));
            waiting.updates.push_back(Arc::clone(update));
        });
    }

    /// Queues the newest counts.
    pub(crate) fn counts(&self, counts: Counts) {
        self.change(|waiting| waiting.counts = Some(counts));
    }

    /// The desk has closed: what waits is told, then nothing more.
    pub(crate) fn close(&self) {
        self.change(|waiting| waiting.closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // After a resync the console asks for everything; until it is told so, nothing else matters.
        if !waiting.resync {
            change(&mut waiting);
            let many = waiting.updates.len().saturating_add(waiting.changed.len());
            if many > WATCH_UPDATES || waiting.bytes > WATCH_BYTES {
                *waiting = Waiting { resync: true, closed: waiting.closed, ..Waiting::default() };
            }
        }
        drop(waiting);
        self.changed.notify_one();
    }

    /// One batch. States of conversations come last, so that while batches are full they wait and coalesce, unless
    /// they are `due`.
    fn take(&self, room: usize, due: bool) -> Taken {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Taken { room, ..Taken::default() };
        if std::mem::take(&mut waiting.resync) {
            taken.updates.push(Update::Resync {});
        }
        if due {
            waiting.take_conversations(&mut taken);
        }
        waiting.take_updates(&mut taken);
        if !due {
            waiting.take_conversations(&mut taken);
        }
        if !taken.full
            && let Some(counts) = waiting.counts.take()
        {
            taken.updates.push(Update::Counts { counts });
        }
        taken.closed = waiting.closed && waiting.updates.is_empty() && waiting.changed.is_empty();
        taken
    }
}

impl Waiting {
    fn take_updates(&mut self, taken: &mut Taken) {
        while let Some(next) = self.updates.front() {
            let bytes = bytes_of(next);
            if !taken.has_room_for(bytes) {
                return;
            }
            let Some(update) = self.updates.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(bytes);
            taken.put(Arc::unwrap_or_clone(update), bytes);
        }
    }

    fn take_conversations(&mut self, taken: &mut Taken) {
        while let Some(id) = self.changed.front() {
            if let Some(newest) = self.conversations.get(id) {
                let bytes = bytes_of_conversation(newest);
                if !taken.has_room_for(bytes) {
                    return;
                }
                let update = Update::Conversation { conversation: Box::new(Conversation::clone(newest)) };
                self.conversations.remove(id);
                taken.put(update, bytes);
            }
            self.changed.pop_front();
        }
        taken.all_conversations = true;
    }
}

#[derive(Default)]
struct Taken {
    updates: Vec<Update>,
    room: usize,
    bytes: usize,
    full: bool,
    all_conversations: bool,
    closed: bool,
}

impl Taken {
    /// A large update travels alone rather than push the others over the limit.
    fn has_room_for(&mut self, bytes: usize) -> bool {
        let fits = self.updates.is_empty() || self.bytes.saturating_add(bytes) <= self.room;
        self.full |= !fits;
        fits
    }

    fn put(&mut self, update: Update, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.updates.push(update);
    }
}

impl Watch {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, room: BATCH_BYTES, serial: 0, last: None, conversations: Instant::now() }
    }

    /// In batches of about so many bytes of JSON, instead of 7,000.
    #[must_use]
    pub fn in_batches_of(self, bytes: usize) -> Self {
        Self { room: bytes, ..self }
    }

    /// Turns events of sockets on and off; they are off at first.
    #[must_use]
    pub fn activity(&self) -> ActivitySwitch {
        ActivitySwitch(Arc::clone(&self.mailbox))
    }

    /// The next batch, as soon as something happened, but not within 16 ms of the last one unless that was full.
    /// `None` when the desk has closed. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            if let Some(last) = self.last {
                tokio::time::sleep_until(last + BATCH_FRAME).await;
            }
            let taken = self.mailbox.take(self.room, self.conversations.elapsed() >= CONVERSATIONS);
            if taken.all_conversations {
                self.conversations = Instant::now();
            }
            if !taken.updates.is_empty() {
                self.last = (!taken.full).then(Instant::now);
                self.serial = self.serial.saturating_add(1);
                return Some(Batch { serial: self.serial, now: now(), updates: taken.updates });
            }
            if taken.closed {
                return None;
            }
            self.mailbox.changed.notified().await;
        }
    }
}

/// The length of an update as JSON, about.
fn bytes_of(update: &Update) -> usize {
    match update {
        Update::Conversation { conversation } => bytes_of_conversation(conversation),
        Update::Message { message, .. } => {
            let more = if message.system.is_some() || message.source.is_some() { 160 } else { 0 };
            220_usize.saturating_add(message.text.len()).saturating_add(more)
        }
        Update::Activity { event } => match &event.kind {
            ActivityKind::Received { preview, .. } | ActivityKind::Sent { preview, .. } => {
                260_usize.saturating_add(preview.len())
            }
            _ => 600,
        },
        Update::Settings { .. } => 7_000,
        Update::Draft { text, .. } => 120_usize.saturating_add(text.len()),
        Update::Lesson { lesson } => {
            let texts = [&lesson.proposed, &lesson.reply].into_iter().flatten().map(String::len);
            600_usize.saturating_add(lesson.question.len()).saturating_add(texts.sum())
        }
        _ => 200,
    }
}

fn bytes_of_conversation(conversation: &Conversation) -> usize {
    let held = conversation.held.as_ref().map_or(0, |held| 200 + held.text.len());
    let discarded = conversation.discarded.as_ref().map_or(0, |held| 200 + held.text.len());
    let suggested = conversation.suggestion.as_ref().map_or(0, |suggested| 200 + suggested.text.len());
    900_usize
        .saturating_add(suggested)
        .saturating_add(conversation.labels.iter().map(|label| label.len() + 4).sum())
        .saturating_add(held)
        .saturating_add(discarded)
        .saturating_add(conversation.connections.len().saturating_mul(160))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(id: i64) -> Arc<Update> {
        Arc::new(Update::Typing { conversation: ConversationId(id) })
    }

    #[tokio::test]
    async fn a_console_that_sleeps_gets_one_resync_and_then_what_is_new() {
        let mailbox = Arc::new(Mailbox::default());
        let mut watch = Watch::new(Arc::clone(&mailbox));
        for _ in 0..WATCH_UPDATES * 2 {
            mailbox.update(&typing(1));
        }
        assert_eq!(watch.next().await.unwrap().updates, [Update::Resync {}]);
        mailbox.update(&typing(2));
        assert_eq!(watch.next().await.unwrap().updates, [Update::Typing { conversation: ConversationId(2) }]);
    }

    #[tokio::test]
    async fn batches_keep_order_and_stay_small() {
        let mailbox = Arc::new(Mailbox::default());
        let mut watch = Watch::new(Arc::clone(&mailbox));
        for id in 0..1000 {
            mailbox.update(&typing(id));
        }
        mailbox.close();
        let mut seen = Vec::new();
        while let Some(batch) = watch.next().await {
            assert!(serde_json::to_string(&batch).unwrap().len() < 8192);
            seen.extend(batch.updates);
        }
        let expected: Vec<_> =
            (0..1000).map(|id| Update::Typing { conversation: ConversationId(id) }).collect();
        assert_eq!(seen, expected);
    }
}
