//! What is left of a customer's question when an agent overrides: who answers it, who is called, what it teaches.

use deskbell_desk::{Decision, NewLesson};
use deskbell_protocol::responder::LessonKind;

use super::*;

const TAKE_OVER: AgentAction = AgentAction::TakeOver;

fn decided(state: &State, command: Command, settings: &Settings, now: i64) -> Decision {
    decide(state, command, &context(settings, now)).unwrap()
}

/// The state after a message with this proposal.
fn asked(proposal: Proposed, settings: &Settings) -> State {
    told(&State::new(Timestamp(0)), customer_message(proposed(proposal)), settings, 0)
}

/// The state after a message with this proposal, held until an agent sends it.
fn held(proposal: Proposed) -> (State, HeldId) {
    let state = asked(proposal, &settings(Hold::Ask));
    let id = state.held.as_ref().unwrap().id;
    (state, id)
}

fn send() -> Command {
    agent(AgentAction::Send { client_id: "c".to_owned(), text: "by hand".to_owned() })
}

fn reason(state: &State) -> Option<NeedsHumanReason> {
    state.needs_human.map(|needs| needs.reason)
}

#[test]
fn control_goes_back_only_after_the_agent_has_had_the_time() {
    let ask = settings(Hold::Ask);
    let (state, _) = held(Proposed::Answer);
    let taken = told(&state, agent(TAKE_OVER), &ask, 100_000);
    let back = || Command::Return { after_seconds: 60, proposal: proposed(Proposed::Answer) };
    let early = decide(&taken, back(), &context(&ask, 159_000)).unwrap_err();
    assert_eq!(early.code, Code::StaleReply);
    let returned = told(&taken, back(), &ask, 160_000);
    assert_eq!((returned.control, returned.human_since), (Control::Automatic, None));
    // A message that comes later has its whole time, too.
    let again = told(&taken, customer_message(Proposal::Nothing), &ask, 200_000);
    let answered = told(&told(&again, send(), &ask, 210_000), asks(), &ask, 300_000);
    assert!(decide(&answered, back(), &context(&ask, 359_000)).is_err());
    assert!(decide(&answered, back(), &context(&ask, 360_000)).is_ok());
}

#[test]
fn a_held_reply_that_agents_have_left_fares_as_one_that_comes_then() {
    let mut ask = settings(Hold::Ask);
    let (state, id) = held(Proposed::Answer);
    let left = |state: &State, ask: &Settings, away| {
        decide(state, Command::AgentsLeft { held: id }, &Context { away, ..context(ask, 5) })
    };
    ask.responder.while_away = WhileAway::SendAtOnce;
    let sent = left(&state, &ask, true).unwrap();
    assert_eq!(sent.messages.iter().filter(|m| m.author == Author::Automatic).count(), 1);
    assert_eq!((sent.state.held.as_ref(), sent.state.waiting_since, reason(&sent.state)), (None, None, None));
    assert!(left(&sent.state, &ask, true).is_err(), "once");
    assert!(left(&state, &ask, false).is_err(), "somebody has come back");
    ask.responder.while_away = WhileAway::TellAway;
    let told_away = left(&state, &ask, true).unwrap();
    let said = told_away.messages.iter().find_map(|m| m.source.as_ref().map(|source| source.kind));
    assert_eq!((said, reason(&told_away.state)), (Some(SourceKind::Away), Some(NeedsHumanReason::Away)));
    assert_eq!((told_away.state.held.is_none(), told_away.state.waiting_since), (true, state.waiting_since));
    ask.responder.while_away = WhileAway::Hold;
    assert!(left(&state, &ask, true).is_err());

    ask.responder.while_away = WhileAway::SendAtOnce;
    let edited = told(&state, agent(AgentAction::PauseHeld { held: id, left_ms: None }), &ask, 1);
    assert!(left(&edited, &ask, true).is_err(), "an agent is at work on it");
    let resumed = told(&edited, agent(AgentAction::ResumeHeld { held: id }), &ask, 2);
    assert_eq!(resumed, state);
    let (writing, _) = held(Proposed::Ask);
    assert!(left(&writing, &ask, true).is_err(), "it is decided on when it is written");
    let stop = AgentAction::StopWriting { held: id, so_far: String::new() };
    assert!(left(&told(&writing, agent(stop), &ask, 1), &ask, true).is_err(), "there is nothing to send");
}

#[test]
fn who_wants_a_person_waits_for_one_whoever_has_control() {
    let at_once = settings(Hold::Seconds { seconds: 0 });
    let button = || Command::RequestHuman { draft: Some(draft(SourceKind::PersonCalled)) };
    let state = asked(Proposed::Answer, &at_once);
    assert_eq!(state.waiting_since, None);
    let called = decided(&state, button(), &at_once, 10);
    assert_eq!(called.state.waiting_since, Some(Timestamp(10)));
    assert_eq!(called.messages.iter().filter(|m| m.author == Author::Automatic).count(), 1);
    let taken = told(&called.state, agent(TAKE_OVER), &at_once, 20);
    assert!(taken.needs_me() && taken.needs_human.is_none());
    let answered = told(&taken, send(), &at_once, 30);
    assert!(!answered.needs_me());
    let again = decided(&answered, button(), &at_once, 40);
    assert_eq!(reason(&again.state), Some(NeedsHumanReason::CustomerAsked));
    assert_eq!(again.state.waiting_since, Some(Timestamp(40)));
    assert!(again.messages.iter().all(|m| m.author == Author::System), "the responder has no say");
    // What the agent has answered by hand the responder does not answer once more.
    let back = Command::Return { after_seconds: 1, proposal: proposed(Proposed::Answer) };
    let dismissed = told(&again.state, agent(TAKE_OVER), &at_once, 50);
    let returned = decided(&dismissed, back, &at_once, 90_000);
    assert!(returned.messages.iter().all(|m| m.author == Author::System));
    assert_eq!(reason(&returned.state), Some(NeedsHumanReason::Unanswered));
}

#[test]
fn a_discard_calls_a_human_and_its_undo_takes_only_that_back() {
    let ask = settings(Hold::Ask);
    let (state, id) = held(Proposed::Answer);
    let discard = |id| agent(AgentAction::DiscardHeld { held: id });
    let restore = |id| agent(AgentAction::RestoreHeld { held: id });
    let discarded = told(&state, discard(id), &ask, 5);
    assert_eq!(reason(&discarded), Some(NeedsHumanReason::NoAnswer));
    let restored = told(&discarded, restore(id), &ask, 6);
    assert_eq!(reason(&restored), None);
    assert!(restored.needs_me(), "nobody else will send it");
    // A model was not sure, and so a human was called before.
    let writing = asked(Proposed::Ask, &ask);
    let unsure = Command::ResponderFailed {
        for_seq: writing.last_customer_seq,
        control_version: writing.control_version,
        failures: Vec::new(),
        otherwise: Some(draft(SourceKind::Fallback)),
    };
    let marked = told(&writing, unsure, &ask, 5);
    let id = marked.held.as_ref().unwrap().id;
    let restored = told(&told(&marked, discard(id), &ask, 6), restore(id), &ask, 7);
    assert_eq!(restored.needs_human, marked.needs_human);
}

#[test]
fn dismissing_the_mark_leaves_a_reply_that_is_being_written_its_customer() {
    let ask = settings(Hold::Seconds { seconds: 0 });
    let writing = told(&asked(Proposed::Nothing, &ask), customer_message(proposed(Proposed::Ask)), &ask, 1);
    let dismissed = told(&writing, agent(AgentAction::DismissNeedsHuman), &ask, 2);
    assert_eq!(dismissed.needs_human, None);
    let written = Command::Propose {
        for_seq: dismissed.last_customer_seq,
        control_version: dismissed.control_version,
        draft: draft(SourceKind::Model),
    };
    assert_eq!(told(&dismissed, written, &ask, 3).waiting_since, None);
}

#[test]
fn a_take_over_by_the_switch_makes_the_stopped_reply_a_suggestion() {
    let mut ask = settings(Hold::Ask);
    let (answer, id) = held(Proposed::Answer);
    let taken = told(&answer, agent(TAKE_OVER), &ask, 5);
    let suggestion = taken.suggestion.clone().unwrap();
    assert_eq!((suggestion.text.as_str(), suggestion.writing), ("automatic", false));
    assert!(decide(&taken, Command::HoldExpired { held: id }, &context(&ask, 9)).is_err());
    assert_eq!(told(&taken, agent(AgentAction::HandBack), &ask, 6).suggestion, None);
    let fallback = told(&held(Proposed::Fallback).0, agent(TAKE_OVER), &ask, 5);
    assert_eq!(fallback.suggestion, None, "it says nothing");
    assert_eq!(told(&answer, send(), &ask, 5).suggestion, None, "the agent has answered");

    // What a model writes goes on as a suggestion, under the new control.
    let (writing, _) = held(Proposed::Ask);
    let taken = told(&writing, agent(TAKE_OVER), &ask, 5);
    assert!(taken.suggestion.as_ref().unwrap().writing);
    let written = |control_version| Command::Propose {
        for_seq: taken.last_customer_seq,
        control_version,
        draft: draft(SourceKind::Model),
    };
    assert!(decide(&taken, written(writing.control_version), &context(&ask, 6)).is_err());
    let decision = decided(&taken, written(taken.control_version), &ask, 6);
    assert!(decision.messages.is_empty());
    assert_eq!(decision.state.suggestion.unwrap().text, "automatic");
    ask.responder.suggestions = false;
    for state in [answer, writing] {
        assert_eq!(told(&state, agent(TAKE_OVER), &ask, 5).suggestion, None);
    }
}

/// The kind of the offer that comes of an answer by hand.
fn taught(state: &State) -> Option<LessonKind> {
    match decided(state, send(), &settings(Hold::Ask), 1000).lesson {
        Some(NewLesson::Offer { kind, .. }) => Some(kind),
        _ => None,
    }
}

#[test]
fn an_answer_by_hand_teaches_the_same_in_any_order_of_acts() {
    let (at_once, ask) = (settings(Hold::Seconds { seconds: 0 }), settings(Hold::Ask));
    let taken = |state: &State| told(state, agent(TAKE_OVER), &ask, 500);
    let caught =
        [Proposed::Fallback, Proposed::Away, Proposed::Nothing].map(|proposal| asked(proposal, &at_once));
    for state in caught.iter().chain([&held(Proposed::Fallback).0]) {
        assert_eq!(taught(state), Some(LessonKind::Answered));
        assert_eq!(taught(&taken(state)), Some(LessonKind::Answered));
        assert_eq!(taught(&told(state, send(), &ask, 9)), None, "only the first answer teaches");
        let next = told(&taken(state), customer_message(proposed(Proposed::Answer)), &ask, 600);
        assert_eq!(taught(&next), None, "what an agent alone had to answer was caught by nothing");
    }
    let writing = asked(Proposed::Ask, &at_once);
    for otherwise in [None, Some(draft(SourceKind::Fallback))] {
        let failed = Command::ResponderFailed {
            for_seq: writing.last_customer_seq,
            control_version: writing.control_version,
            failures: vec![FailedPart {
                source: SourceKind::Model,
                message: "It stalled.".to_owned(),
                message_zh: "它停顿了。".to_owned(),
            }],
            otherwise,
        };
        let failed = told(&writing, failed, &at_once, 5);
        for state in [&failed, &taken(&failed)] {
            assert_eq!(taught(state), Some(LessonKind::Answered));
        }
    }
    let (answer, id) = held(Proposed::Answer);
    let discarded = told(&answer, agent(AgentAction::DiscardHeld { held: id }), &ask, 5);
    for state in [&discarded, &taken(&discarded)] {
        let lesson = decided(state, send(), &ask, 9).lesson.unwrap();
        let NewLesson::Offer { kind, proposed, source, .. } = lesson else { panic!("{lesson:?}") };
        assert_eq!((kind, proposed.as_deref()), (LessonKind::Discarded, Some("automatic")));
        assert_eq!(source.unwrap().kind, SourceKind::Answer);
    }
    let restored = told(&discarded, agent(AgentAction::RestoreHeld { held: id }), &ask, 6);
    let edited = AgentAction::SendHeld { held: HeldId(1), text: Some("edited".to_owned()) };
    for state in [
        restored,
        asked(Proposed::Answer, &at_once),
        told(&held(Proposed::Fallback).0, agent(edited), &ask, 7),
    ] {
        assert_eq!(
            (taught(&state), taught(&taken(&state))),
            (None, None),
            "it was known, or is taught already"
        );
    }
}
