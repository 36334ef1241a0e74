//! Control that an agent does not use goes back to the responder, if the settings say so: a customer who waits under
//! human control is not forgotten.

use std::time::Duration;

use deskbell_desk::{Command, Proposal};
use deskbell_protocol::responder::Question;
use deskbell_store::Entry;

use crate::clock::now;
use crate::desk::Desk;

/// How often it is looked who waits. The store has an index for it.
const LOOK: Duration = Duration::from_secs(1);
/// Conversations in one look; more come in the next.
const AT_ONCE: u32 = 100;

/// Looks until the desk stops.
pub(crate) async fn run(desk: Desk) {
    let mut stopping = desk.stopping();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = stopping.wait() => return,
        }
        let after_seconds = desk.hub().settings().responder.return_after_seconds;
        if after_seconds == 0 {
            continue;
        }
        let since = now().plus(-i64::from(after_seconds) * 1000);
        match desk.store().readers().unanswered(since, AT_ONCE).await {
            Ok(entries) => {
                for entry in entries {
                    give_back(&desk, entry, after_seconds).await;
                }
            }
            Err(error) => tracing::error!(%error, "it could not be read who waits"),
        }
    }
}

async fn give_back(desk: &Desk, entry: Entry, after_seconds: u32) {
    let seq = entry.state.last_customer_seq;
    let Ok(message) = desk.store().readers().message(entry.id, seq).await else { return };
    let proposal = match message {
        Some(message) => {
            let question = Question {
                text: message.text,
                language: entry.customer.language,
                name: entry.customer.name,
                page: entry.customer.page,
                first_message: false,
                returning: false,
            };
            let hub = desk.hub();
            hub.responder().verdict(&question, &hub.settings(), now(), false).outcome.into()
        }
        // Who has only pressed the button for a person has asked nothing.
        None => Proposal::Nothing,
    };
    let command = Command::Return { after_seconds, proposal };
    // The agent may have answered meanwhile: then it is refused, as it should be.
    if let Err(refusal) = desk.execute(entry.id, command).await {
        tracing::debug!(%refusal, "control was not given back");
    }
}
