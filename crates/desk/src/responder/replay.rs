//! What would be said now in conversations that were. The rules of a conversation hold as they do live: what is said once
//! a visit, and that who waits for a person hears nothing more.

use std::collections::HashMap;

use deskbell_protocol::entity::{
    Author, Customer, Message, NeedsHuman, NeedsHumanReason, Source, SourceKind, SystemLine,
};
use deskbell_protocol::responder::{Outcome, Question, Replayed, ThenAnswer};
use deskbell_protocol::settings::{Hold, Settings};
use deskbell_protocol::{ConversationId, Seq};

use super::Responder;
use crate::decide::{Command, decide};
use crate::decision::{Context, Decision};
use crate::proposal::Proposal;
use crate::state::{State, calls_person};

/// A conversation as it was.
#[derive(Debug, Clone, Copy)]
pub struct Past<'a> {
    /// Its id.
    pub conversation: ConversationId,
    /// Its customer.
    pub customer: &'a Customer,
    /// Its messages in order, all of them or the last.
    pub thread: &'a [Message],
    /// In which visit the customer wrote; what is missing is not known.
    pub visits: &'a HashMap<Seq, u32>,
}

/// What the chain makes now of each of the customer's messages, if it had had control all the time. Nobody hears of it.
#[must_use]
pub fn replay(responder: &Responder, settings: &Settings, past: &Past<'_>) -> Vec<Replayed> {
    let settings = Settings { hold: Hold::Seconds { seconds: 0 }, ..settings.clone() };
    let Some(first) = past.thread.first() else { return Vec::new() };
    let mut state = State::new(first.at);
    let mut whole = first.seq == Seq(1);
    // Whether the customer waited for a person then.
    let mut called = false;
    let mut replayed = Vec::new();
    for (at, message) in past.thread.iter().enumerate() {
        if message.author != Author::Customer {
            heed(&mut state, &mut called, message);
            continue;
        }
        visit(&mut state, past.visits.get(&message.seq).copied());
        let then = then(past.thread.get(at + 1..).unwrap_or_default());
        if called && then.as_ref().is_some_and(|then| then.author == Author::Automatic) {
            // An agent had said that nobody is needed; that leaves no line.
            (state.needs_human, called) = (None, false);
        }
        let question = Question {
            text: message.text.clone(),
            language: past.customer.language,
            name: past.customer.name.clone(),
            page: past.customer.page.clone(),
            first_message: std::mem::take(&mut whole),
            returning: state.stored && state.spoken_visit < state.visit,
        };
        let mut now = responder.verdict(&question, &settings, message.at, true);
        let context = Context {
            now: message.at,
            settings: &settings,
            language: question.language,
            customer: Some(past.customer),
            away: false,
            greeting: None,
            subject: None,
        };
        let command = Command::CustomerMessage {
            client_id: None,
            text: question.text.clone(),
            proposal: Proposal::from(now.outcome.clone()),
            labels: Vec::new(),
        };
        if let Ok(decision) = decide(&state, command, &context) {
            now.outcome = decided(now.outcome, &decision);
            state = decision.state;
        }
        let changed = changes(&now.outcome, then.as_ref());
        let (conversation, seq) = (past.conversation, message.seq);
        replayed.push(Replayed { conversation, seq, question: question.text, then, now, changed });
    }
    replayed
}

/// As [`replay`] with a chain that is only planned; what changes is what differs from the chain in force.
#[must_use]
pub fn replay_planned(
    planned: &Responder,
    in_force: &Responder,
    settings: &Settings,
    past: &Past<'_>,
) -> Vec<Replayed> {
    let mut replayed = replay(planned, settings, past);
    for (planned, now) in replayed.iter_mut().zip(replay(in_force, settings, past)) {
        planned.changed = says(&planned.now.outcome) != says(&now.now.outcome);
    }
    replayed
}

/// What happened between the customer's messages: a person came, or was called. Who had control does not matter here.
fn heed(state: &mut State, called: &mut bool, message: &Message) {
    use SystemLine::{EditedAndSent, NeedsHuman as Needed, Resolved, SentNow, TookOver};
    let by_button = |source: &Source| source.kind == SourceKind::PersonCalled && source.matched.is_none();
    match &message.system {
        Some(TookOver { .. } | SentNow { .. } | EditedAndSent { .. } | Resolved { .. }) => {
            (state.needs_human, *called) = (None, false);
        }
        Some(Needed { reason }) if calls_person(*reason) => *called = true,
        _ if message.author == Author::Agent => (state.needs_human, *called) = (None, false),
        _ if message.source.as_ref().is_some_and(by_button) => {
            let reason = NeedsHumanReason::CustomerAsked;
            state.needs_human = Some(NeedsHuman { reason, since: message.at });
        }
        _ => {}
    }
}

/// Of a visit that is not known, nothing was said in it before.
fn visit(state: &mut State, visit: Option<u32>) {
    match visit {
        Some(visit) => state.visit = visit,
        None => (state.fallback_visit, state.away_visit) = (0, 0),
    }
}

/// What comes of an outcome under the conversation's rules.
fn decided(outcome: Outcome, decision: &Decision) -> Outcome {
    let said = decision.messages.iter().find(|message| message.author == Author::Automatic);
    match (outcome, said) {
        (Outcome::Reply { .. }, None) if decision.state.person_called() => Outcome::NeedsHuman {
            reason: NeedsHumanReason::CustomerAsked,
            text: None,
            source: Source::of(SourceKind::PersonCalled),
        },
        (Outcome::Reply { .. }, None) => Outcome::Nothing {},
        (Outcome::NeedsHuman { reason, source, .. }, said) => {
            Outcome::NeedsHuman { reason, text: said.map(|said| said.text.clone()), source }
        }
        (outcome, _) => outcome,
    }
}

/// What answered, before the customer wrote again.
fn then(after: &[Message]) -> Option<ThenAnswer> {
    let answer = after
        .iter()
        .take_while(|next| next.author != Author::Customer)
        .find(|next| matches!(next.author, Author::Automatic | Author::Agent))?;
    Some(ThenAnswer { author: answer.author, text: answer.text.clone(), source: answer.source.clone() })
}

/// Whether the customer would get something else. What a model or a bot would say again is not known, and no change.
fn changes(now: &Outcome, then: Option<&ThenAnswer>) -> bool {
    match now {
        Outcome::Ask { who, .. } => {
            let source = then.and_then(|then| then.source.as_ref());
            !source.is_some_and(|source| who.contains(&source.kind))
        }
        now => says(now) != then.map(|then| Says::Text(&then.text)),
    }
}

/// What the customer would get.
#[derive(PartialEq)]
enum Says<'a> {
    Text(&'a str),
    /// What those would say.
    Asked(&'a [SourceKind]),
}

fn says(outcome: &Outcome) -> Option<Says<'_>> {
    match outcome {
        Outcome::Reply { text, .. } => Some(Says::Text(text)),
        Outcome::NeedsHuman { text, .. } => text.as_deref().map(Says::Text),
        Outcome::Ask { who, .. } => Some(Says::Asked(who)),
        Outcome::Silent { .. } | Outcome::Nothing {} => None,
    }
}
