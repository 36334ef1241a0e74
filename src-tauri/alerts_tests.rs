use deskbell_protocol::entity::{
    Author, Customer, LastLine, NeedsHuman, NeedsHumanReason, Source, SourceKind,
};
use deskbell_protocol::{Revision, settings};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn conversation() -> Conversation {
    Conversation {
        id: ConversationId(7),
        stored: true,
        status: Status::Open,
        control: Control::Automatic,
        hold: None,
        revision: Revision(1),
        last_seq: Seq(1),
        needs_human: None,
        held: None,
        discarded: None,
        suggestion: None,
        labels: Vec::new(),
        unread: 0,
        waiting_since: None,
        agent_read_seq: Seq(0),
        delivered_seq: Seq(0),
        customer_read_seq: Seq(0),
        last: None,
        messages: 1,
        created_at: Timestamp(0),
        last_activity_at: Timestamp(0),
        customer: Customer::default(),
        connections: Vec::new(),
    }
}

/// A desk with one conversation, a clock and a window.
struct Scene {
    alerts: Alerts,
    settings: settings::Alerts,
    conversation: Conversation,
    focused: bool,
    now: Timestamp,
}

impl Scene {
    fn new() -> Self {
        Self {
            alerts: Alerts::default(),
            settings: settings::Alerts::default(),
            conversation: conversation(),
            focused: false,
            now: Timestamp(1_000),
        }
    }

    fn customer_writes(&mut self) {
        self.conversation.last_seq = self.conversation.last_seq.next();
        self.conversation.unread += 1;
        self.conversation.status = Status::Open;
        self.update();
    }

    /// A customer's message whose reply is held: until this time, or until an agent sends it.
    fn held(&mut self, due_at: Option<Timestamp>) {
        let id = HeldId(self.conversation.held.as_ref().map_or(1, |held| held.id.0 + 1));
        self.conversation.held = Some(HeldReply {
            id,
            for_seq: self.conversation.last_seq.next(),
            text: "Within three days.".to_owned(),
            source: Source::of(SourceKind::Answer),
            held_at: self.now,
            due_at,
            hold_ms: due_at.map(|at| at.since(self.now)),
            paused_ms: None,
            writing: false,
        });
        self.customer_writes();
    }

    fn change_held(&mut self, change: impl FnOnce(&mut HeldReply)) {
        change(self.conversation.held.as_mut().unwrap());
        self.update();
    }

    fn needs_human(&mut self) {
        let since = self.now;
        self.conversation.needs_human.get_or_insert(NeedsHuman { reason: NeedsHumanReason::NoAnswer, since });
        self.update();
    }

    fn agent_reads(&mut self) {
        self.conversation.agent_read_seq = self.conversation.last_seq;
        self.conversation.unread = 0;
        self.update();
    }

    fn agent_dismisses(&mut self) {
        self.conversation.needs_human = None;
        self.update();
    }

    fn update(&mut self) {
        self.alerts.update(&self.conversation, self.focused, self.now);
    }

    fn due(&mut self) -> Vec<Reason> {
        let due = self.alerts.due(&self.settings, self.focused, self.now);
        due.iter().map(|alert| alert.reason).collect()
    }

    fn after(&mut self, milliseconds: i64) -> Vec<Reason> {
        self.now = self.now.plus(milliseconds);
        self.due()
    }
}

#[test]
fn a_new_conversation_alerts_at_once_and_again_until_it_is_read() {
    let mut scene = Scene::new();
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::New]);
    assert_eq!(scene.after(59_000), []);
    assert_eq!(scene.after(1_000), [Reason::New]);
    scene.agent_reads();
    assert_eq!(scene.after(10 * MINUTE), []);
    scene.customer_writes();
    assert_eq!(scene.after(10 * MINUTE), [], "it is not new any more");
}

#[test]
fn an_alert_says_what_the_customer_said_and_not_what_answered_at_once() {
    let mut scene = Scene::new();
    let line = |scene: &mut Scene| {
        scene.now = scene.now.plus(MINUTE);
        scene.alerts.due(&scene.settings, false, scene.now).remove(0).line
    };
    let text = "Hello, what can we help you with?".to_owned();
    scene.conversation.last = Some(LastLine { author: Author::Automatic, text: text.clone(), at: scene.now });
    scene.customer_writes();
    assert_eq!(line(&mut scene), text, "after a start nothing else is known");
    scene.alerts.heard(scene.conversation.id, "My printer is on fire");
    scene.customer_writes();
    assert_eq!(line(&mut scene), "My printer is on fire");
    assert_eq!(line(&mut scene), "My printer is on fire", "nor in its repetition");
    scene.agent_reads();
    scene.needs_human();
    assert_eq!(line(&mut scene), text, "what was read is no news either");
}

#[test]
fn what_customers_said_is_kept_only_while_someone_has_to_look() {
    let mut scene = Scene::new();
    for id in 100..10_000 {
        scene.alerts.heard(ConversationId(id), "read at once");
    }
    assert!(scene.alerts.said.len() <= 65, "{}", scene.alerts.said.len());
}

#[test]
fn a_visitor_who_has_written_nothing_alerts_nobody() {
    let mut scene = Scene::new();
    scene.conversation.stored = false;
    scene.update();
    assert_eq!(scene.after(MINUTE), []);
}

#[test]
fn needing_a_human_is_more_urgent_than_being_new_and_alerts_at_once() {
    let mut scene = Scene::new();
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::New]);
    scene.needs_human();
    assert_eq!(scene.after(1), [Reason::NeedsHuman]);
}

#[test]
fn clearing_the_mark_is_a_look() {
    let mut scene = Scene::new();
    scene.customer_writes();
    scene.needs_human();
    assert_eq!(scene.due(), [Reason::NeedsHuman]);
    scene.agent_dismisses();
    assert_eq!(scene.after(10 * MINUTE), []);
    scene.needs_human();
    assert_eq!(scene.due(), [Reason::NeedsHuman], "a second need is another alert");
}

#[test]
fn reading_is_a_look_even_while_the_mark_stays() {
    let mut scene = Scene::new();
    scene.customer_writes();
    scene.needs_human();
    assert_eq!(scene.due(), [Reason::NeedsHuman]);
    scene.agent_reads();
    assert!(scene.conversation.needs_human.is_some());
    assert_eq!(scene.after(10 * MINUTE), []);
}

#[test]
fn a_mark_that_comes_together_with_a_look_alerts_all_the_same() {
    let mut scene = Scene::new();
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::New]);
    scene.conversation.needs_human =
        Some(NeedsHuman { reason: NeedsHumanReason::NoAnswer, since: scene.now });
    scene.agent_reads();
    assert_eq!(scene.due(), [Reason::NeedsHuman], "it may be younger than the look");
}

#[test]
fn the_next_alert_is_the_first_of_all_conversations() {
    let mut scene = Scene::new();
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::New]);
    let first = scene.alerts.next_due(&scene.settings, scene.focused);
    scene.now = scene.now.plus(MINUTE / 2);
    scene.conversation.id = ConversationId(8);
    scene.update();
    assert_eq!(scene.due(), [Reason::New]);
    assert_eq!(scene.alerts.next_due(&scene.settings, scene.focused), first);
}

#[test]
fn under_human_control_each_message_after_a_look_alerts() {
    let mut scene = Scene::new();
    scene.conversation.control = Control::Human;
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::Waiting]);
    scene.agent_reads();
    assert_eq!(scene.after(MINUTE), []);
    scene.customer_writes();
    assert_eq!(scene.due(), [Reason::Waiting]);
}

#[test]
fn a_reply_that_only_an_agent_will_send_alerts_until_someone_looks() {
    let mut scene = Scene::new();
    scene.held(None);
    assert_eq!(scene.due(), [Reason::Held], "more urgent than that the conversation is new");
    assert_eq!(scene.after(MINUTE), [Reason::Held]);
    scene.agent_reads();
    assert_eq!(scene.after(10 * MINUTE), []);
    scene.held(None);
    assert_eq!(scene.due(), [Reason::Held], "another reply is another alert");
    scene.needs_human();
    assert_eq!(scene.due(), [Reason::NeedsHuman]);
    scene.settings.needs_human = false;
    assert_eq!(scene.after(MINUTE), []);
}

#[test]
fn a_reply_alerts_nobody_while_it_counts_down_is_written_or_is_edited() {
    let mut scene = Scene::new();
    scene.settings.new_conversation = false;
    scene.held(Some(Timestamp(600_000)));
    assert_eq!(scene.due(), []);
    scene.change_held(|held| (held.due_at, held.writing) = (None, true));
    assert_eq!(scene.due(), []);
    scene.change_held(|held| (held.writing, held.paused_ms) = (false, Some(0)));
    assert_eq!(scene.due(), []);
    scene.change_held(|held| held.paused_ms = None);
    assert_eq!(scene.due(), [Reason::Held]);
    scene.conversation.held = None;
    scene.update();
    assert_eq!(scene.after(10 * MINUTE), [], "somebody has sent it");
}

#[test]
fn with_the_focus_the_first_alert_waits_for_a_look() {
    let mut scene = Scene::new();
    scene.focused = true;
    scene.customer_writes();
    assert_eq!(scene.due(), []);
    assert_eq!(scene.after(FOCUSED_GRACE), [Reason::New]);

    let mut looking = Scene::new();
    looking.focused = true;
    looking.customer_writes();
    looking.agent_reads();
    assert_eq!(looking.after(10 * MINUTE), []);
}

#[test]
fn a_need_that_arises_before_the_eyes_of_the_agent_does_not_alert() {
    let mut scene = Scene::new();
    scene.customer_writes();
    scene.agent_reads();
    scene.focused = true;
    scene.needs_human();
    assert_eq!(scene.after(10 * MINUTE), []);

    let mut elsewhere = Scene::new();
    elsewhere.customer_writes();
    elsewhere.agent_reads();
    elsewhere.needs_human();
    assert_eq!(elsewhere.due(), [Reason::NeedsHuman]);
}

#[test]
fn settings_decide_what_alerts_and_how_often() {
    let mut scene = Scene::new();
    scene.settings.new_conversation = false;
    scene.customer_writes();
    assert_eq!(scene.after(MINUTE), []);
    assert_eq!(scene.alerts.next_due(&scene.settings, false), None);
    scene.settings.new_conversation = true;
    scene.settings.repeat_seconds = 0;
    assert_eq!(scene.due(), [Reason::New]);
    assert_eq!(scene.after(10 * MINUTE), []);
    scene.settings.repeat_seconds = 15;
    assert_eq!(scene.due(), [Reason::New]);
}

#[test]
fn a_resolved_conversation_alerts_nobody() {
    let mut scene = Scene::new();
    scene.customer_writes();
    scene.conversation.status = Status::Resolved;
    scene.update();
    assert_eq!(scene.after(MINUTE), []);
}

#[derive(Debug, Clone, Copy)]
enum Event {
    CustomerWrites,
    Held(bool),
    HeldGone,
    NeedsHuman,
    AgentReads,
    AgentDismisses,
    TakeOver,
    HandBack,
    Focus(bool),
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::CustomerWrites),
        any::<bool>().prop_map(Event::Held),
        Just(Event::HeldGone),
        Just(Event::NeedsHuman),
        Just(Event::AgentReads),
        Just(Event::AgentDismisses),
        Just(Event::TakeOver),
        Just(Event::HandBack),
        any::<bool>().prop_map(Event::Focus),
        (1i64..200_000).prop_map(Event::Wait),
    ]
}

impl Scene {
    fn apply(&mut self, event: Event) {
        match event {
            Event::CustomerWrites => self.customer_writes(),
            Event::Held(ask) => self.held((!ask).then(|| self.now.plus(MINUTE))),
            Event::HeldGone => self.conversation.held = None,
            Event::NeedsHuman => self.needs_human(),
            Event::AgentReads => self.agent_reads(),
            Event::AgentDismisses => self.agent_dismisses(),
            Event::TakeOver => self.conversation.control = Control::Human,
            Event::HandBack => self.conversation.control = Control::Automatic,
            Event::Focus(focused) => self.focused = focused,
            Event::Wait(milliseconds) => self.now = self.now.plus(milliseconds),
        }
        self.update();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever came before, a need that arises while nobody looks alerts within the grace, and keeps alerting.
    #[test]
    fn no_alert_is_lost(events in prop::collection::vec(event(), 0..40)) {
        let mut scene = Scene::new();
        for event in events {
            scene.apply(event);
            scene.due();
        }
        scene.apply(Event::Focus(false));
        scene.apply(Event::AgentReads);
        scene.apply(Event::AgentDismisses);
        scene.apply(Event::Wait(1));
        scene.apply(Event::CustomerWrites);
        scene.apply(Event::NeedsHuman);
        prop_assert_eq!(scene.due(), vec![Reason::NeedsHuman]);
        prop_assert_eq!(scene.after(MINUTE), vec![Reason::NeedsHuman]);
    }

    /// What is not shown yet is never more than the grace away, and `next_due` names the moment.
    #[test]
    fn next_due_is_when_something_is_due(events in prop::collection::vec(event(), 0..40)) {
        let mut scene = Scene::new();
        for event in events {
            scene.apply(event);
            scene.due();
            if let Some(at) = scene.alerts.next_due(&scene.settings, scene.focused) {
                prop_assert!(at > scene.now, "due has just been asked");
                prop_assert!(scene.alerts.is_open(scene.conversation.id));
                let early = scene.alerts.due(&scene.settings, scene.focused, Timestamp(at.0 - 1));
                prop_assert_eq!(early, vec![]);
            } else {
                prop_assert!(!scene.alerts.is_open(scene.conversation.id));
            }
        }
    }

    /// After a look nothing alerts, however long it takes, until something happens.
    #[test]
    fn none_repeats_after_a_look(
        events in prop::collection::vec(event(), 0..40),
        waits in prop::collection::vec((1i64..10 * MINUTE, any::<bool>()), 1..10),
    ) {
        let mut scene = Scene::new();
        for event in events {
            scene.apply(event);
            scene.due();
        }
        scene.apply(Event::AgentReads);
        scene.apply(Event::AgentDismisses);
        for (wait, focused) in waits {
            scene.apply(Event::Focus(focused));
            prop_assert_eq!(scene.after(wait), vec![]);
        }
    }
}
