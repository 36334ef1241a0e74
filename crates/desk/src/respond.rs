//! What becomes of a proposal: sent, held, suggested, or a mark that a human is needed.

use deskbell_protocol::entity::{Control, HeldReply, NeedsHumanReason, Source, SourceKind, Suggestion};
use deskbell_protocol::responder::Use;
use deskbell_protocol::settings::{Fallback, Hold, WhileAway};
use deskbell_protocol::{HeldId, Timestamp};

use crate::decision::{Context, Decision};
use crate::proposal::{Draft, Proposal};
use crate::responder::Responder;
use crate::state::{Origin, calls_person};

impl Decision {
    /// Answers the customer's last message with a proposal, or marks that there is none.
    pub(crate) fn respond(&mut self, proposal: Proposal, context: &Context<'_>) {
        if self.state.control == Control::Human {
            return self.suggest(proposal, context);
        }
        if self.state.person_called() {
            return;
        }
        match proposal {
            Proposal::Reply(draft) => self.reply(draft, context),
            Proposal::NeedsHuman { reason, draft } => self.call_human(reason, draft, context),
            Proposal::Silent(source) => {
                self.count(&source, Use::Used);
                self.state.answered_seq = self.state.last_customer_seq;
                self.state.waiting_since = None;
            }
            Proposal::Ask(first) => {
                let source = Responder::slow_part(first, context.settings);
                self.count(&source, Use::Used);
                self.hold(Draft { text: String::new(), source }, None, context.now);
                if let Some(held) = &mut self.state.held {
                    held.writing = true;
                }
            }
            Proposal::Nothing => self.mark_needs_human(NeedsHumanReason::NoAnswer, context.now),
        }
    }

    fn reply(&mut self, draft: Draft, context: &Context<'_>) {
        let state = &self.state;
        let repeats = match draft.source.kind {
            SourceKind::Fallback => {
                context.settings.fallback == Fallback::OncePerVisit && state.fallback_visit == state.visit
            }
            SourceKind::Away => state.away_visit == state.visit,
            _ => false,
        };
        if repeats {
            return self.mark_needs_human(NeedsHumanReason::NoAnswer, context.now);
        }
        if draft.source.kind == SourceKind::Away {
            return self.tell_away(draft, context);
        }
        let at_once = Hold::Seconds { seconds: 0 };
        let mut hold = self.state.hold.unwrap_or(context.settings.hold);
        if hold != at_once && context.away {
            match context.settings.responder.while_away {
                WhileAway::Hold => {}
                WhileAway::SendAtOnce => hold = at_once,
                WhileAway::TellAway => {
                    let text = context.settings.responder.away_text.get(context.language).to_owned();
                    return self.tell_away(Draft { text, source: Source::of(SourceKind::Away) }, context);
                }
            }
        }
        self.count(&draft.source, Use::Used);
        match hold {
            Hold::Seconds { seconds: 0 } => self.send_as_proposed(draft, context.now),
            Hold::Seconds { seconds } => self.hold(draft, Some(i64::from(seconds) * 1000), context.now),
            Hold::Ask => self.hold(draft, None, context.now),
        }
    }

    /// Tells the customer once a visit that nobody is here; somebody must come back to it.
    fn tell_away(&mut self, draft: Draft, context: &Context<'_>) {
        self.mark_needs_human(NeedsHumanReason::Away, context.now);
        if self.state.away_visit == self.state.visit || draft.text.trim().is_empty() {
            return;
        }
        self.state.away_visit = self.state.visit;
        self.count(&draft.source, Use::Used);
        self.count(&draft.source, Use::LedToHuman);
        self.notify_customer(draft, context.now);
    }

    /// Marks that a person is needed, and tells the customer the text if there is one.
    pub(crate) fn call_human(&mut self, reason: NeedsHumanReason, draft: Draft, context: &Context<'_>) {
        self.count(&draft.source, Use::Used);
        self.count(&draft.source, Use::LedToHuman);
        self.mark_needs_human(reason, context.now);
        if draft.text.trim().is_empty() {
            return;
        }
        if calls_person(reason) {
            self.notify_customer(draft, context.now);
        } else {
            self.reply(draft, context);
        }
    }

    /// Says something that is no answer: the customer goes on waiting for one, and what answered before still did.
    fn notify_customer(&mut self, draft: Draft, now: Timestamp) {
        let before = (self.state.waiting_since, self.state.answered_by.clone());
        self.send_as_proposed(draft, now);
        (self.state.waiting_since, self.state.answered_by) = before;
    }

    /// Under human control a proposal is a draft for the agent. What says nothing of its own is none.
    fn suggest(&mut self, proposal: Proposal, context: &Context<'_>) {
        self.state.suggestion = None;
        if !context.settings.responder.suggestions {
            return;
        }
        let (draft, writing) = match proposal {
            Proposal::Reply(draft)
                if !matches!(draft.source.kind, SourceKind::Fallback | SourceKind::Away) =>
            {
                (draft, false)
            }
            Proposal::Ask(first) => {
                let source = Responder::slow_part(first, context.settings);
                (Draft { text: String::new(), source }, true)
            }
            _ => return,
        };
        self.state.suggestion = Some(Suggestion {
            for_seq: self.state.last_customer_seq,
            text: draft.text,
            source: draft.source,
            writing,
        });
    }

    fn hold(&mut self, draft: Draft, hold_ms: Option<i64>, now: Timestamp) {
        let id = HeldId(self.state.last_held.0.saturating_add(1));
        self.state.last_held = id;
        self.state.discarded = None;
        self.state.held = Some(HeldReply {
            id,
            for_seq: self.state.last_customer_seq,
            text: draft.text,
            source: draft.source,
            held_at: now,
            due_at: hold_ms.map(|ms| now.plus(ms)),
            hold_ms,
            paused_ms: None,
            writing: false,
        });
    }

    /// Sends what nobody changed.
    pub(crate) fn send_as_proposed(&mut self, draft: Draft, now: Timestamp) {
        self.count(&draft.source, Use::Sent);
        self.send_automatic(draft, now);
    }

    pub(crate) fn send_automatic(&mut self, draft: Draft, now: Timestamp) {
        let state = &mut self.state;
        if draft.source.kind == SourceKind::Fallback {
            state.fallback_visit = state.visit;
        }
        state.answered_seq = state.last_customer_seq;
        state.waiting_since = None;
        state.held = None;
        state.discarded = None;
        state.answered_by = Some(draft.source.clone());
        self.say(Origin::Automatic(draft.source), draft.text, now);
    }
}
