//! The state machine under any order of customer messages, timers, slow responders and agent actions. Single rules that
//! an order of acts could break are in `decide/overrides.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use deskbell_desk::{
    AgentAction, Command, Context, Draft, FailedPart, Greeting, Proposal, State, Subject, decide,
};
use deskbell_protocol::entity::{
    Author, ChangeKind, Control, Message, NeedsHumanReason, Source, SourceKind, Status,
};
use deskbell_protocol::responder::Use;
use deskbell_protocol::settings::{Fallback, Hold, Language, Settings, WhileAway};
use deskbell_protocol::{Code, HeldId, Seq, Timestamp};
use proptest::prelude::*;

#[path = "decide/overrides.rs"]
mod overrides;
/// What the model is called.
const MODEL: &str = "qwen";

/// A step of a story. Ids and versions are taken relative to the state, so that both timely and late ones occur.
#[derive(Debug, Clone)]
enum Step {
    Customer { proposal: Proposed },
    Expire { late: bool },
    Propose { seqs_ago: i64, versions_ago: i64 },
    Fail { versions_ago: i64, otherwise: bool },
    BotCalls { versions_ago: i64 },
    Return,
    Away(bool),
    Left { late: bool },
    Restart,
    RequestHuman,
    Visit,
    Agent(Act),
}

/// What the quick part of the chain makes of a message.
#[derive(Debug, Clone, Copy)]
enum Proposed {
    Fallback,
    Answer,
    Away,
    Ask,
    CallsHuman { asked: bool },
    Silent,
    Nothing,
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
    Dismiss,
    Correct { seqs_ago: i64 },
    Retract { seqs_ago: i64 },
    StopWriting,
    Label,
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
        1 => Just(Act::Dismiss),
        2 => (0..6i64).prop_map(|seqs_ago| Act::Correct { seqs_ago }),
        3 => (0..6i64).prop_map(|seqs_ago| Act::Retract { seqs_ago }),
        2 => Just(Act::StopWriting),
        1 => Just(Act::Label),
    ];
    let proposal = prop_oneof![
        4 => Just(Proposed::Fallback),
        3 => Just(Proposed::Answer),
        1 => Just(Proposed::Away),
        4 => Just(Proposed::Ask),
        1 => any::<bool>().prop_map(|asked| Proposed::CallsHuman { asked }),
        1 => Just(Proposed::Silent),
        2 => Just(Proposed::Nothing),
    ];
    prop_oneof![
        6 => proposal.prop_map(|proposal| Step::Customer { proposal }),
        3 => any::<bool>().prop_map(|late| Step::Expire { late }),
        4 => (0..2i64, 0..2i64).prop_map(|(seqs_ago, versions_ago)| Step::Propose { seqs_ago, versions_ago }),
        2 => (0..2i64, any::<bool>())
            .prop_map(|(versions_ago, otherwise)| Step::Fail { versions_ago, otherwise }),
        1 => (0..2i64).prop_map(|versions_ago| Step::BotCalls { versions_ago }),
        2 => Just(Step::Return),
        1 => any::<bool>().prop_map(Step::Away),
        2 => any::<bool>().prop_map(|late| Step::Left { late }),
        1 => Just(Step::Restart),
        1 => Just(Step::RequestHuman),
        1 => Just(Step::Visit),
        8 => act.prop_map(Step::Agent),
    ]
}

fn draft(kind: SourceKind) -> Draft {
    let name = (kind == SourceKind::Model).then(|| MODEL.to_owned());
    Draft { text: "automatic".to_owned(), source: Source { name, ..Source::of(kind) } }
}

fn proposed(proposal: Proposed) -> Proposal {
    match proposal {
        Proposed::Fallback => Proposal::Reply(draft(SourceKind::Fallback)),
        Proposed::Answer => Proposal::Reply(draft(SourceKind::Answer)),
        Proposed::Away => Proposal::Reply(draft(SourceKind::Away)),
        Proposed::Ask => Proposal::Ask(SourceKind::Model),
        Proposed::CallsHuman { asked: true } => Proposal::NeedsHuman {
            reason: NeedsHumanReason::CustomerAsked,
            draft: draft(SourceKind::PersonCalled),
        },
        Proposed::CallsHuman { asked: false } => {
            Proposal::NeedsHuman { reason: NeedsHumanReason::Rule, draft: draft(SourceKind::Rule) }
        }
        Proposed::Silent => Proposal::Silent(Source::of(SourceKind::Rule)),
        Proposed::Nothing => Proposal::Nothing,
    }
}

fn customer_message(proposal: Proposal) -> Command {
    Command::CustomerMessage { client_id: None, text: "question".to_owned(), proposal, labels: Vec::new() }
}

fn command(step: &Step, state: &State, now: Timestamp) -> Command {
    let held = |late: bool| {
        let id = state.held.as_ref().map_or(state.last_held, |held| held.id);
        HeldId(id.0 - i64::from(late))
    };
    match step {
        Step::Customer { proposal } => customer_message(proposed(*proposal)),
        Step::Expire { late } => Command::HoldExpired { held: held(*late) },
        Step::Propose { seqs_ago, versions_ago } => Command::Propose {
            for_seq: Seq(state.last_customer_seq.0 - seqs_ago),
            control_version: state.control_version - versions_ago,
            draft: draft(SourceKind::Model),
        },
        Step::Fail { versions_ago, otherwise } => Command::ResponderFailed {
            for_seq: state.last_customer_seq,
            control_version: state.control_version - versions_ago,
            failures: vec![FailedPart {
                source: SourceKind::Model,
                message: "It stalled.".to_owned(),
                message_zh: "它停顿了。".to_owned(),
            }],
            otherwise: otherwise.then(|| draft(SourceKind::Fallback)),
        },
        Step::BotCalls { versions_ago } => Command::CallHuman {
            for_seq: state.last_customer_seq,
            control_version: state.control_version - versions_ago,
            failures: Vec::new(),
            draft: draft(SourceKind::PersonCalled),
        },
        Step::Return => Command::Return { after_seconds: 3, proposal: proposed(Proposed::Answer) },
        Step::Away(_) => Command::CustomerRead { seq: Seq(0) },
        Step::Left { late } => Command::AgentsLeft { held: held(*late) },
        Step::Restart => Command::Restarted { alive_at: now },
        Step::RequestHuman => Command::RequestHuman { draft: Some(draft(SourceKind::PersonCalled)) },
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
        Act::Pause => AgentAction::PauseHeld { held: held(false), left_ms: None },
        Act::Resume => AgentAction::ResumeHeld { held: held(false) },
        Act::Resolve => AgentAction::Resolve,
        Act::Reopen => AgentAction::Reopen,
        Act::MarkRead => AgentAction::MarkRead { seq: state.last_seq },
        Act::Dismiss => AgentAction::DismissNeedsHuman,
        Act::Correct { seqs_ago } => {
            AgentAction::Correct { seq: Seq(state.last_seq.0 - seqs_ago), text: "corrected".to_owned() }
        }
        Act::Retract { seqs_ago } => AgentAction::Retract { seq: Seq(state.last_seq.0 - seqs_ago) },
        Act::StopWriting => AgentAction::StopWriting { held: held(false), so_far: "half".to_owned() },
        Act::Label => AgentAction::SetLabels { labels: vec!["vip".to_owned()] },
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
    // Only when the responder takes control back itself is it human before.
    if new.iter().any(|m| automatic(&m)) {
        let returns = matches!(command, Command::Return { .. });
        prop_assert!(returns || before.control == Control::Automatic, "after {:?}", command);
        prop_assert_eq!(after.control, Control::Automatic);
    }
    // A model's half sentence is never sent: what is sent by itself was finished, or an agent's.
    if let Command::HoldExpired { .. } = command {
        prop_assert!(before.held.as_ref().is_some_and(|held| !held.writing));
    }
    // A draft for the agent is never sent by itself.
    if before.suggestion.is_some() {
        let returns = matches!(command, Command::Return { .. });
        prop_assert!(returns || !new.iter().any(|m| automatic(&m)));
    }
    // Places: one after the other, none twice.
    for pair in thread.windows(2) {
        prop_assert_eq!(pair[1].seq, pair[0].seq.next());
    }
    // Each change that a customer can see has a revision of its own.
    let mut revisions: Vec<_> =
        thread.iter().filter(|m| m.author.is_visible_to_customer()).map(|m| m.revision).collect();
    revisions.sort_unstable();
    prop_assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "a revision twice");
    prop_assert!(revisions.last().is_none_or(|last| *last == after.revision));
    // At most one automatic reply between two customer messages: one answer a message.
    let mut answers = 0;
    for message in thread {
        match message.author {
            Author::Customer => answers = 0,
            _ if automatic(&message) && !is_notice(message) => answers += 1,
            _ => {}
        }
        prop_assert!(answers <= 1, "two answers to one message");
    }
    Ok(())
}

/// Who is told that nobody is here, or that a person was called, still waits for an answer.
fn is_notice(message: &Message) -> bool {
    message.source.as_ref().is_some_and(|source| {
        matches!(source.kind, SourceKind::PersonCalled | SourceKind::Away | SourceKind::Greeting)
    })
}

/// Whether a message of the desk answers the customer.
fn is_answer(message: &Message) -> bool {
    let retracted = message.change.as_ref().is_some_and(|change| change.kind == ChangeKind::Retracted);
    matches!(message.author, Author::Automatic | Author::Agent) && !retracted && !is_notice(message)
}

/// The customer's last message, if nobody has answered it: what the thread says, whatever the state believes.
fn unanswered(thread: &[Message]) -> Option<Seq> {
    let last = thread.iter().rposition(|message| message.author == Author::Customer)?;
    (!thread[last..].iter().any(is_answer)).then(|| thread[last].seq)
}

/// Whether this says that nobody is to answer the customer's last message.
fn is_settled(command: &Command, before: &State) -> bool {
    match command {
        Command::CustomerMessage { proposal: Proposal::Silent(_), .. } => true,
        Command::Agent { action: AgentAction::DismissNeedsHuman, .. } => before.held.is_none(),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_two_answers_never_one_after_take_over_never_a_lost_one(
        steps in prop::collection::vec(step(), 1..60),
        desk_hold in hold(),
        once in any::<bool>(),
        greeted in any::<bool>(),
        while_away in prop_oneof![
            Just(WhileAway::Hold), Just(WhileAway::SendAtOnce), Just(WhileAway::TellAway)
        ],
    ) {
        let fallback = if once { Fallback::OncePerVisit } else { Fallback::EveryMessage };
        let mut settings = Settings { fallback, ..settings(desk_hold) };
        settings.responder.while_away = while_away;
        let mut away = false;
        let greeting = greeted.then(|| Greeting { text: "hello".to_owned(), at: Timestamp(0) });
        let mut state = State::new(Timestamp(0));
        let mut thread = Vec::new();
        let mut customer_messages = 0;
        let mut settled = None;
        let mut numbers = Numbers::new();
        for (at, step) in steps.iter().enumerate() {
            let now = Timestamp(i64::try_from(at).unwrap() * 1000);
            if let Step::Away(is_away) = step {
                away = *is_away;
            }
            let command = command(step, &state, now);
            let subject = subject(&command, &thread);
            let context = Context {
                now,
                settings: &settings,
                language: Language::En,
                away,
                customer: None,
                greeting: greeting.as_ref(),
                subject: subject.as_ref(),
            };
            match decide(&state, command.clone(), &context) {
                Ok(decision) => {
                    if let Some(changed) = &decision.changed {
                        let place = usize::try_from(changed.seq.0 - 1).unwrap();
                        prop_assert_eq!(changed.revision, decision.state.revision);
                        prop_assert!(changed.change.is_some());
                        thread[place] = changed.clone();
                    }
                    thread.extend(decision.messages.iter().cloned());
                    check(&state, &command, &decision.state, &decision.messages, &thread)?;
                    let after = &decision.state;
                    let waits = unanswered(&thread);
                    if waits.is_none() || after.status == Status::Resolved || is_settled(&command, &state) {
                        settled = waits;
                    }
                    let marked = after.held.is_some() || after.needs_human.is_some();
                    let known = marked || after.control == Control::Human;
                    prop_assert!(waits == settled || known, "nobody knows who waits after {:?}", command);
                    customer_messages += usize::from(matches!(step, Step::Customer { .. }));
                    count(&mut numbers, &decision.uses);
                    state = decision.state;
                }
                Err(refusal) => prop_assert!(
                    matches!(refusal.code, Code::StaleReply | Code::NoSuchMessage | Code::Empty), "{refusal}"
                ),
            }
        }
        let stored = thread.iter().filter(|m| m.author == Author::Customer).count();
        prop_assert_eq!(stored, customer_messages, "a customer's message was lost");
        for (part, [used, sent, edited, ..]) in numbers {
            prop_assert!(sent + edited <= used, "{:?} was used {} times and sent {}", part, used, sent + edited);
        }
    }
}

/// How often each part was used, sent, edited, discarded, and led to a person. A part is its kind, and its name if it has
/// one.
type Numbers = BTreeMap<String, [usize; 5]>;
/// A part of the chain, and its numbers.
type Row = (&'static str, [usize; 5]);

fn count(numbers: &mut Numbers, uses: &[(Source, Use)]) {
    let counted = [Use::Used, Use::Sent, Use::Edited, Use::Discarded, Use::LedToHuman];
    for (source, what) in uses {
        let kind = serde_json::to_value(source.kind).unwrap();
        let part = [kind.as_str().unwrap(), source.name.as_deref().unwrap_or_default()].join(" ");
        let row = numbers.entry(part.trim_end().to_owned()).or_default();
        if let Some(place) = counted.iter().position(|counted| counted == what) {
            row[place] += 1;
        }
    }
}

/// The message that a correction or retraction is about, as the store would load it.
fn subject(command: &Command, thread: &[Message]) -> Option<Subject> {
    let Command::Agent { action: AgentAction::Correct { seq, .. } | AgentAction::Retract { seq }, .. } =
        command
    else {
        return None;
    };
    let message = thread.iter().find(|message| message.seq == *seq)?.clone();
    let question = thread.iter().rev().find(|m| m.seq < *seq && m.author == Author::Customer).map(|m| m.seq);
    let answered_otherwise = thread.iter().any(|m| Some(m.seq) > question && m.seq != *seq && is_answer(m));
    Some(Subject { message, question, answered_otherwise })
}

fn settings(hold: Hold) -> Settings {
    let mut settings = Settings { hold, ..Settings::default() };
    settings.responder.model.model = MODEL.to_owned();
    settings
}

fn context(settings: &Settings, now: i64) -> Context<'_> {
    Context {
        now: Timestamp(now),
        settings,
        language: Language::En,
        customer: None,
        away: false,
        greeting: None,
        subject: None,
    }
}

fn told(state: &State, command: Command, settings: &Settings, now: i64) -> State {
    decide(state, command, &context(settings, now)).unwrap().state
}

fn asks() -> Command {
    customer_message(proposed(Proposed::Fallback))
}

fn agent(action: AgentAction) -> Command {
    Command::Agent { by: "Mia".to_owned(), action }
}

#[test]
fn a_late_proposal_is_refused() {
    let ask = settings(Hold::Seconds { seconds: 0 });
    let context = context(&ask, 9);
    let unanswered = customer_message(Proposal::Nothing);
    let state = told(&State::new(Timestamp(0)), unanswered.clone(), &ask, 1);
    let propose = |state: &State| Command::Propose {
        for_seq: state.last_customer_seq,
        control_version: state.control_version,
        draft: draft(SourceKind::Model),
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
    let context = context(&hold, 6000);
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
fn a_reply_that_is_held_after_it_was_due_is_held_again_as_the_clock_has_jumped() {
    let hold = settings(Hold::Seconds { seconds: 60 });
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 1_000);
    let year = 365 * 24 * 3_600_000;
    let restarted = told(&state, Command::Restarted { alive_at: Timestamp(year) }, &hold, year + 5);
    assert_eq!(restarted.held.unwrap().due_at, Some(Timestamp(year + 60_005)));
}

#[test]
fn a_paused_reply_is_not_sent_and_goes_on_where_it_stopped() {
    let hold = settings(Hold::Seconds { seconds: 10 });
    let state = told(&State::new(Timestamp(0)), asks(), &hold, 0);
    let held = state.held.clone().unwrap().id;
    let pause = |left_ms| agent(AgentAction::PauseHeld { held, left_ms });
    // Who counts it down knows better than the clock.
    for (left_ms, left) in [(Some(7_000), 7_000), (Some(99_000), 10_000), (None, 6_000)] {
        let paused = told(&state, pause(left_ms), &hold, 4_000);
        assert_eq!(paused.held.unwrap().paused_ms, Some(left), "{left_ms:?}");
    }
    let paused = told(&state, pause(None), &hold, 4_000);
    let context = context(&hold, 10_000);
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

/// The numbers of a story in a desk that holds replies for a minute and, when nobody is there, says so.
fn numbers(story: &[Step]) -> Numbers {
    let mut settings = settings(Hold::Seconds { seconds: 60 });
    settings.responder.while_away = WhileAway::TellAway;
    let (mut state, mut numbers) = (State::new(Timestamp(0)), Numbers::new());
    for step in story {
        let away = story.iter().any(|step| matches!(step, Step::Away(true)));
        let context = Context { away, ..context(&settings, 1) };
        let decision = decide(&state, command(step, &state, context.now), &context).unwrap();
        count(&mut numbers, &decision.uses);
        state = decision.state;
    }
    numbers
}

#[test]
fn what_became_of_a_proposal_is_counted_once_and_under_one_name() {
    use Proposed::{Answer, Ask, CallsHuman, Fallback, Silent};
    let says = |proposal| Step::Customer { proposal };
    let send = |edited| Step::Agent(Act::SendHeld { edited, late: false });
    let (fallback, answer, ask, silent) = (says(Fallback), says(Answer), says(Ask), says(Silent));
    let (rule, phrase) = (says(CallsHuman { asked: false }), says(CallsHuman { asked: true }));
    let (button, bot, away) = (Step::RequestHuman, Step::BotCalls { versions_ago: 0 }, Step::Away(true));
    let (written, fails) =
        (Step::Propose { seqs_ago: 0, versions_ago: 0 }, Step::Fail { versions_ago: 0, otherwise: true });
    let (expire, now, edit) = (Step::Expire { late: false }, send(false), send(true));
    let (discard, stop) = (Step::Agent(Act::Discard { late: false }), Step::Agent(Act::StopWriting));
    let take = Step::Agent(Act::TakeOver);
    let (model, called) = ("model qwen", ("person_called", [1, 1, 0, 0, 1]));
    // Used, sent, edited, discarded, led to a person.
    let table: Vec<(Vec<&Step>, Vec<Row>)> = vec![
        (vec![&fallback, &expire], vec![("fallback", [1, 1, 0, 0, 0])]),
        (vec![&fallback, &expire, &take], vec![("fallback", [1, 1, 0, 0, 1])]),
        (vec![&answer, &edit], vec![("answer", [1, 0, 1, 0, 0])]),
        (vec![&answer, &discard], vec![("answer", [1, 0, 0, 1, 0])]),
        (vec![&answer, &take], vec![("answer", [1, 0, 0, 1, 0])]),
        (vec![&answer, &expire, &button], vec![("answer", [1, 1, 0, 0, 0]), called]),
        (vec![&answer, &expire, &button, &take], vec![("answer", [1, 1, 0, 0, 1]), called]),
        // A request in words is a question of its own.
        (vec![&answer, &expire, &phrase, &take], vec![("answer", [1, 1, 0, 0, 0]), called]),
        (vec![&rule, &expire, &take], vec![("rule", [1, 1, 0, 0, 1])]),
        (vec![&silent], vec![("rule", [1, 0, 0, 0, 0])]),
        // What is told in an answer's place is counted, and not the answer.
        (vec![&away, &answer], vec![("away", [1, 1, 0, 0, 1])]),
        (vec![&away, &rule], vec![("away", [1, 1, 0, 0, 1]), ("rule", [1, 0, 0, 0, 1])]),
        (vec![&ask, &written, &expire], vec![(model, [1, 1, 0, 0, 0])]),
        (vec![&ask, &written, &expire, &take], vec![(model, [1, 1, 0, 0, 1])]),
        (vec![&ask, &stop, &edit], vec![(model, [1, 0, 1, 0, 0])]),
        (vec![&ask, &stop, &now], vec![(model, [1, 1, 0, 0, 0])]),
        (vec![&ask, &discard], vec![(model, [1, 0, 0, 1, 0])]),
        (vec![&ask, &take], vec![(model, [1, 0, 0, 1, 0])]),
        (vec![&ask, &fails, &expire], vec![("fallback", [1, 1, 0, 0, 0]), (model, [1, 0, 0, 0, 1])]),
        (vec![&ask, &bot], vec![(model, [1, 0, 0, 0, 1]), called]),
    ];
    for (story, expected) in table {
        let story: Vec<Step> = story.into_iter().cloned().collect();
        let expected = expected.into_iter().map(|(part, numbers)| (part.to_owned(), numbers)).collect();
        assert_eq!(numbers(&story), expected, "{story:?}");
    }
}

#[test]
fn who_waits_for_a_person_whom_the_bot_called_is_told_once_and_hears_no_chatter() {
    let ask = settings(Hold::Ask);
    let state =
        told(&State::new(Timestamp(0)), customer_message(Proposal::Ask(SourceKind::Webhook)), &ask, 1);
    let calls = command(&Step::BotCalls { versions_ago: 0 }, &state, Timestamp(2));
    let called = decide(&state, calls.clone(), &context(&ask, 2)).unwrap();
    let said: Vec<_> = called.messages.iter().filter(|message| message.author == Author::Automatic).collect();
    assert_eq!(said.len(), 1, "at once, although replies wait for the agent: {said:?}");
    let state = called.state;
    assert_eq!(state.needs_human.unwrap().reason, NeedsHumanReason::Bot);
    assert_eq!((state.waiting_since, state.held.is_none()), (Some(Timestamp(1)), true));
    let chatter = decide(&state, asks(), &context(&ask, 3)).unwrap();
    assert!(!chatter.messages.iter().any(|message| message.author == Author::Automatic));
    assert_eq!(chatter.state.held, None);
    assert_eq!(decide(&state, calls, &context(&ask, 3)).unwrap_err().code, Code::StaleReply);
}
