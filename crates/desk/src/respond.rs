//! What becomes of a proposal: sent, held, suggested, or a mark that a human is needed.

use deskbell_protocol::entity::{Control, HeldReply, NeedsHumanReason, Source, SourceKind, Suggestion};
use deskbell_protocol::responder::Use;
use deskbell_protocol::settings::{Fallback, Hold, WhileAway};
use deskbell_protocol::{HeldId, Timestamp};

use crate::decision::{Context, Decision, is_notice};
use crate::learn::Caught;
use crate::proposal::{Draft, Proposal};
use crate::responder::{Responder, fill_known};
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
        let state = &mut self.state;
        state.caught = state.caught.take().or_else(|| Caught::by(&draft.source));
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
        let hold = self.state.hold.unwrap_or(context.settings.hold);
        let left_alone = hold != Hold::Seconds { seconds: 0 } && context.away;
        // What is told instead is not the reply.
        if !(left_alone && context.settings.responder.while_away == WhileAway::TellAway) {
            self.count(&draft.source, Use::Used);
        }
        let draft = if left_alone {
            match self.pass_agents(draft, context) {
                Some(draft) => draft,
                None => return,
            }
        } else {
            draft
        };
        match hold {
            Hold::Seconds { seconds: 0 } => self.send_as_proposed(draft, context.now),
            Hold::Seconds { seconds } => self.hold(draft, Some(i64::from(seconds) * 1000), context.now),
            Hold::Ask => self.hold(draft, None, context.now),
        }
    }

    /// What is done with a reply that nobody is there to look at. It comes back when it waits all the same.
    fn pass_agents(&mut self, draft: Draft, context: &Context<'_>) -> Option<Draft> {
        match context.settings.responder.while_away {
            WhileAway::Hold => return Some(draft),
            WhileAway::SendAtOnce => self.send_as_proposed(draft, context.now),
            WhileAway::TellAway => {
                let text = context.settings.responder.away_text.get(context.language);
                let text = fill_known(text, context.customer);
                self.tell_away(Draft { text, source: Source::of(SourceKind::Away) }, context);
            }
        }
        None
    }

    /// The agents have left a held reply to itself; it fares as one that comes now. Whether that is something else than
    /// waiting.
    pub(crate) fn leave(&mut self, held: HeldReply, context: &Context<'_>) -> bool {
        let while_away = context.settings.responder.while_away;
        let nothing_to_send = while_away == WhileAway::SendAtOnce && held.text.trim().is_empty();
        if while_away == WhileAway::Hold || nothing_to_send {
            return false;
        }
        self.state.held = None;
        self.pass_agents(Draft { text: held.text, source: held.source }, context);
        true
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

    /// The agent who stops a reply by taking over has it as a draft. What was being written is asked for anew.
    pub(crate) fn suggest_stopped(&mut self, stopped: HeldReply, context: &Context<'_>) {
        let HeldReply { text, source, writing, .. } = stopped;
        if writing {
            self.suggest(Proposal::Ask(source.kind), context);
        } else if !text.trim().is_empty() {
            self.suggest(Proposal::Reply(Draft { text, source }), context);
        }
    }

    /// Under human control a proposal is a draft for the agent. What says nothing of its own is none.
    fn suggest(&mut self, proposal: Proposal, context: &Context<'_>) {
        self.state.suggestion = None;
        if !context.settings.responder.suggestions {
            return;
        }
        let (draft, writing) = match proposal {
            Proposal::Reply(draft)
                if draft.source.kind != SourceKind::Fallback && !is_notice(&draft.source) =>
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
        // What the responder knew, or a person has worded, leaves nothing to teach.
        let says_nothing = draft.source.kind == SourceKind::Fallback || is_notice(&draft.source);
        if !says_nothing || draft.source.edited_by.is_some() {
            state.caught = None;
        }
        state.answered_seq = state.last_customer_seq;
        state.waiting_since = None;
        state.held = None;
        state.discarded = None;
        state.answered_by = Some(draft.source.clone());
        self.say(Origin::Automatic(draft.source), draft.text, now);
    }
}
