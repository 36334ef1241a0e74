//! What a customer does.

use deskbell_protocol::entity::{NeedsHumanReason, Source, SourceKind, Status, SystemLine};
use deskbell_protocol::{Seq, Timestamp};

use crate::decision::{Context, Decision, is_automatic};
use crate::proposal::{Draft, Label, Proposal};
use crate::state::Origin;

/// Stores a message and answers it: at once, held, once a model has written, or not at all under human control.
pub(crate) fn message(
    decision: &mut Decision,
    client_id: Option<String>,
    text: String,
    proposal: Proposal,
    labels: Vec<Label>,
    context: &Context<'_>,
) {
    let now = context.now;
    decision.begin(context);
    reopen_for_customer(decision, now);
    let seq = decision.say(Origin::Customer { client_id }, text, now);
    let state = &mut decision.state;
    state.last_customer_seq = seq;
    state.unread = state.unread.saturating_add(1);
    state.spoken_visit = state.visit;
    state.waiting_since.get_or_insert(now);
    // What was held for the message before is overtaken: the new message gets the answer.
    state.held = None;
    state.discarded = None;
    state.suggestion = None;
    state.answered_by = None;
    state.caught = None;
    decision.label_by_chain(labels);
    decision.respond(proposal, context);
}

/// A customer's message reopens what was resolved.
fn reopen_for_customer(decision: &mut Decision, now: Timestamp) {
    if decision.state.status == Status::Resolved {
        decision.state.status = Status::Open;
        decision.system(SystemLine::Reopened { by: None }, now);
    }
}

/// Moves the customer's read mark forward, never back and never past the end.
pub(crate) fn read(decision: &mut Decision, seq: Seq) {
    let state = &mut decision.state;
    state.customer_read_seq = state.customer_read_seq.max(seq.min(state.last_seq));
}

/// Marks that a person is wanted, whoever has control, and the customer waits for one. The responder tells the customer
/// so, once. A reply that waits would only be chatter.
pub(crate) fn request_human(decision: &mut Decision, draft: Option<Draft>, context: &Context<'_>) {
    decision.begin(context);
    reopen_for_customer(decision, context.now);
    let state = &mut decision.state;
    state.held = None;
    state.stored = true;
    state.last_activity_at = context.now;
    state.waiting_since.get_or_insert(context.now);
    if state.person_called() {
        return;
    }
    if is_automatic(&decision.state) {
        let nothing = || Draft { text: String::new(), source: Source::of(SourceKind::PersonCalled) };
        decision.call_human(NeedsHumanReason::CustomerAsked, draft.unwrap_or_else(nothing), context);
    } else {
        decision.mark_needs_human(NeedsHumanReason::CustomerAsked, context.now);
    }
}
