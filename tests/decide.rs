//! The state machine under any order of customer messages, timers, slow responders and agent actions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_desk::{AgentAction, Command, Context, Draft, Greeting, State, decide};
use deskbell_protocol::entity::{Author, Control, Message, NeedsHumanReason, Source, SourceKind};
use deskbell_protocol::settings::{Fallback, Hold, Settings};
use deskbell_protocol::{Code, HeldId, Seq, Timestamp};
use proptest::prelude::*;

/// A step of a story. Ids and versions are taken relative to the state, so that both timely and late ones occur.
#[derive(Debug, Clone)]
enum Step {
    Customer { drafted: bool },
    Expire { late: bool },
    Propose { seqs_ago: i64, versions_ago: i64 },
    Fail { versions_ago: i64 },
    Restart,
    RequestHuman,
    Visit,
    Agent(Act),
}

#[derive(Debug, Clone)]
enum Act {
    Send,
    Note,
    TakeOver,
    HandBack,
    Hold(Option<Hold>),
    SendHeld { edited: bool, late: bool },
    Discard { late: bool },
    Restore,
    Pause,
    Resume,
    Resolve,
    Reopen,
    MarkRead,
}

fn hold() -> impl Strategy<Value = Hold> {
    prop_oneof![
        Just(Hold::Seconds { seconds: 0 }),
        (1..60u32).prop_map(|seconds| Hold::Seconds { seconds }),
        Just(Hold::Ask)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        3 => Just(Act::Send),
        1 => Just(Act::Note),
        3 => Just(Act::TakeOver),
        3 => Just(Act::HandBack),
        1 => proptest::option::of(hold()).prop_map(Act::Hold),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(edited, late)| Act::SendHeld { edited, late }),
        2 => any::<bool>().prop_map(|late| Act::Discard { late }),
        2 => Just(Act::Restore),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        1 => Just(Act::Resolve),
        1 => Just(Act::Reopen),
        1 => Just(Act::MarkRead),
    ];
    prop_oneof![
        5 => prop::bool::weighted(0.8).prop_map(|drafted| Step::Customer { drafted }),
        3 => any::<bool>().prop_map(|late| Step::Expire { late }),
        2 => (0..3i64, 0..3i64).prop_map(|(seqs_ago, versions_ago)| Step::Propose { seqs_ago, versions_ago }),
        1 => (0..3i64).prop_map(|versions_ago| Step::Fail { versions_ago }),
        1 => Just(Step::Restart),
        1 => Just(Step::RequestHuman),
        1 => Just(Step::Visit),
        8 => act.prop_map(Step::Agent),
    ]
}

fn draft(kind: SourceKind) -> Draft {
    Draft { text: "automatic".to_owned(), source: Source::of(kind) }
}

fn command(step: &Step, state: &State, now: Timestamp) -> Command {
    let held = |late: bool| {
        let id = state.held.as_ref().map_or(state.last_held, |held| held.id);
        HeldId(id.0 - i64::from(late))
    };
    match step {
        Step::Customer { drafted } => Command::CustomerMessage {
            client_id: None,
            text: "question".to_owned(),
            draft: drafted.then(|| draft(SourceKind::Fallback)),
        },
        Step::Expire { late } => Command::HoldExpired { held: held(*late) },
        Step::Propose { seqs_ago, versions_ago } => Command::Propose {
            for_seq: Seq(state.last_customer_seq.0 - seqs_ago),
            control_version: state.control_version - versions_ago,
            draft: draft(SourceKind::Responder),
        },
        Step::Fail { versions_ago } => Command::ResponderFailed {
            for_seq: state.last_customer_seq,
            control_version: state.control_version - versions_ago,
            reason: NeedsHumanReason::ResponderFailed,
        },
        Step::Restart => Command::Restarted { alive_at: now },
        Step::RequestHuman => Command::RequestHuman,
        Step::Visit => Command::VisitBegan,
        Step::Agent(act) => Command::Agent { by: "Mia".to_owned(), action: action(act, state, held) },
    }
}

fn action(act: &Act, state: &State, held: impl Fn(bool) -> HeldId) -> AgentAction {
    match act {
        Act::Send => AgentAction::Send { client_id: "c".to_owned(), text: "by hand".to_owned() },
        Act::Note => AgentAction::Note { client_id: "n".to_owned(), text: "note".to_owned() },
        Act::TakeOver => AgentAction::TakeOver,
        Act::HandBack => AgentAction::HandBack,
        Act::Hold(hold) => AgentAction::SetHold { hold: *hold },
        Act::SendHeld { edited, late } => {
            AgentAction::SendHeld { held: held(*late), text: edited.then(|| "edited".to_owned()) }
        }
        Act::Discard { late } => AgentAction::DiscardHeld { held: held(*late) },
        Act::Restore => AgentAction::RestoreHeld { held: state.last_held },
        Act::Pause => AgentAction::PauseHeld { held: held(false) },
        Act::Resume => AgentAction::ResumeHeld { held: held(false) },
        Act::Resolve => AgentAction::Resolve,
        Act::Reopen => AgentAction::Reopen,
        Act::MarkRead => AgentAction::MarkRead { seq: state.last_seq },
    }
}

/// What a decision must never do, whatever came before.
fn check(
    before: &State,
    command: &Command,
    after: &State,
    new: &[Message],
    thread: &[Message],
) -> Result<(), TestCaseError> {
    prop_assert_eq!(after.broken_rule(), None);
    let automatic = |m: &&Message| {
        m.author == Author::Automatic && m.source.as_ref().is_some_and(|s| s.kind != SourceKind::Greeting)
    };
    // None under human control: neither before nor after may it be human where an automatic reply is sent.
    if new.iter().any(|m| automatic(&m)) {
        prop_assert_eq!(before.control, Control::Automatic, "after {:?}", command);
        prop_assert_eq!(after.control, Control::Automatic);
    }
    // Places and revisions: one after the other, none twice.
    for pair in thread.windows(2) {
        prop_assert_eq!(pair[1].seq, pair[0].seq.next());
        prop_assert!(pair[1].revision >= pair[0].revision);
    }
    let visible = thread.iter().filter(|m| m.author.is_visible_to_customer()).count();
    prop_assert_eq!(after.revision.0, i64::try_from(visible).unwrap());
    // At most one automatic reply between two customer messages: one answer a message.
    let mut answers = 0;
    for message in thread {
        match message.author {
            Author::Customer => answers = 0,
            _ if automatic(&message) => answers += 1,
            _ => {}
        }
        prop_assert!(answers <= 1, "two answers to one message");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_two_answers_never_one_after_take_over_never_a_lost_one(
        steps in prop::collection::vec(step(), 1..60),
        desk_hold in hold(),
        once in any::<bool>(),
        greeted in any::<bool>(),
    ) {
        let fallback = if once { Fallback::OncePerVisit } else { Fallback::EveryMessage };
        let settings = Settings { hold: desk_hold, fallback, ..Settings::default() };
        let greeting = greeted.then(|| Greeting { text: "hello".to_owned(), at: Timestamp(0) });
        let mut state = State::new(Timestamp(0));
        let mut thread = Vec::new();
        let mut customer_messages = 0;
        for (at, step) in steps.iter().enumerate() {
            let now = Timestamp(i64::try_from(at).unwrap() * 1000);
            let context = Context { now, settings: &settings, greeting: greeting.as_ref() };
            let command = command(step, &state, now);
            match decide(&state, command.clone(), &context) {
                Ok(decision) => {
                    thread.extend(decision.messages.iter().cloned());
                    check(&state, &command, &decision.state, &decision.messages, &thread)?;
                    customer_messages += usize::from(matches!(step, Step::Customer { .. }));
                    state = decision.state;
                }
                Err(refusal) => prop_assert_eq!(refusal.code, Code::StaleReply),
            }
        }
        let stored = thread.iter().filter(|m| m.author == Author::Customer).count();
        prop_assert_eq!(stored, customer_messages, "a customer's message was lost");
    }
}

fn settings(hold: Hold) -> Settings {
    Settings { hold, ..Settings::default() }
}

fn told(state: &State, command: Command, settings: &Settings, now: i64) -> State {
    let context = Context { now: Timestamp(now), settings, greeting: None };
    decide(state, command, &context).unwrap().state
}

fn asks() -> Command {
    Command::CustomerMessage {
        client_id: None,
        text: "?".to_owned(),
        draft: Some(draft(SourceKind::Fallback)),
    }
}

fn agent(action: AgentAction) -> Command {
    Command::Agent { by: "Mia".to_owned(), action }
}

#[test]
fn a_late_proposal_is_refused() {
    let ask = settings(Hold::Seconds { seconds: 0 });
    let context = Context { now: Timestamp(9), settings: &ask, greeting: None };
    let unanswered = Command::CustomerMessage { client_id: None, text: "?".to_owned(), draft: None };
    let state = told(&State::new(Timestamp(0)), unanswered.clone(), &ask, 1);
    let propose = |state: &State| Command::Propose {
        for_seq: state.last_customer_seq,
        control_version: state.control_version,
        draft: draft(SourceKind::Responder),
    };
    let timely = propose(&state);
    assert!(decide(&state, timely.clone(), &context).is_ok());
    let overtaken = told(&state, unanswered, &ask, 2);
    assert_eq!(decide(&overtaken, timely.clone(), &context).unwrap_err().code, Code::StaleReply);
    let taken = told(&state, agent(AgentAction::TakeOver), &ask, 2);
    assert_eq!(decide(&taken, timely.clone(), &context).unwrap_err().code, Code::StaleReply);
    let back = told(&taken, agent(AgentAction::HandBack), &ask, 3);
    assert_eq!(decide(&back, timely.clone(), &context).unwrap_err().code, Code::StaleReply);
    let answered = told(&state, timely.clone(), &ask, 3);
    assert_eq!(decide(&answered, timely, &context).unwrap_err().code, Code::StaleReply);
}

#[test]
fn the_timer_and_the_agent_never_both_send() {
    let hold = settings(Hold::Seconds { seconds: 5 });
    let context = Context { now: Timestamp(6000), settings: &hold, greeting: None };
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 0);
    let held = state.held.clone().unwrap();
    let sent = told(&state, agent(AgentAction::SendHeld { held: held.id, text: None }), &hold, 5000);
    let late = decide(&sent, Command::HoldExpired { held: held.id }, &context).unwrap_err();
    assert_eq!(late.code, Code::StaleReply);
    let expired = told(&state, Command::HoldExpired { held: held.id }, &hold, 5000);
    let late = agent(AgentAction::SendHeld { held: held.id, text: Some("other".to_owned()) });
    assert_eq!(decide(&expired, late, &context).unwrap_err().code, Code::StaleReply);
}

#[test]
fn a_restart_leaves_a_held_reply_what_was_left_of_its_time() {
    let hold = settings(Hold::Seconds { seconds: 60 });
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 1_000);
    let restarted = told(&state, Command::Restarted { alive_at: Timestamp(21_000) }, &hold, 500_000);
    assert_eq!(restarted.held.unwrap().due_at, Some(Timestamp(540_000)));
}

#[test]
fn a_clock_that_jumps_back_gives_a_held_reply_no_more_than_its_whole_time() {
    let hold = settings(Hold::Seconds { seconds: 60 });
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 1_000_000);
    let restarted = told(&state, Command::Restarted { alive_at: Timestamp(5) }, &hold, 10);
    assert_eq!(restarted.held.unwrap().due_at, Some(Timestamp(60_010)));
}

#[test]
fn a_paused_reply_is_not_sent_and_goes_on_where_it_stopped() {
    let hold = settings(Hold::Seconds { seconds: 10 });
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 0);
    let held = state.held.clone().unwrap().id;
    let paused = told(&state, agent(AgentAction::PauseHeld { held }), &hold, 4_000);
    let context = Context { now: Timestamp(10_000), settings: &hold, greeting: None };
    assert_eq!(decide(&paused, Command::HoldExpired { held }, &context).unwrap_err().code, Code::StaleReply);
    let resumed = told(&paused, agent(AgentAction::ResumeHeld { held }), &hold, 50_000);
    assert_eq!(resumed.held.unwrap().due_at, Some(Timestamp(56_000)));
}

#[test]
fn the_default_reply_once_a_visit_leaves_the_rest_to_a_person() {
    let once = Settings { fallback: Fallback::OncePerVisit, ..Settings::default() };
    let first = told(&State::new(Timestamp(0)), asks(), &once, 1);
    assert_eq!((first.needs_human, first.answered_seq), (None, first.last_customer_seq));
    let second = told(&first, asks(), &once, 2);
    assert_eq!(second.needs_human.unwrap().reason, NeedsHumanReason::NoAnswer);
    let visit =
        told(&told(&second, agent(AgentAction::DismissNeedsHuman), &once, 3), Command::VisitBegan, &once, 4);
    assert_eq!(told(&visit, asks(), &once, 5).needs_human, None);
}
