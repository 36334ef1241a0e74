//! Replies that are held for agents who have left: what the settings say is done while nobody is at the console is done
//! with what waits already, too.

use deskbell_desk::Command;
use deskbell_protocol::agent::{Cursor, Filter};
use deskbell_protocol::entity::HeldReply;
use deskbell_protocol::limits;

use crate::desk::Desk;

/// Whether nobody is at work on it: no agent who edits it, no model that writes it.
pub(crate) fn is_left(held: &HeldReply) -> bool {
    held.paused_ms.is_none() && !held.writing
}

/// Waits for the agents to leave, until the desk stops.
pub(crate) async fn run(desk: Desk) {
    let mut stopping = desk.stopping();
    loop {
        tokio::select! {
            () = desk.hub().left() => {}
            () = stopping.wait() => return,
        }
        let mut before = None;
        while desk.hub().is_away() {
            before = leave_page(&desk, before).await;
            if before.is_none() {
                break;
            }
        }
    }
}

/// Leaves a page of the held replies to themselves. Where the next page begins.
async fn leave_page(desk: &Desk, before: Option<Cursor>) -> Option<Cursor> {
    let held = desk.store().readers().conversations(Filter::Held, before, limits::LIST_PAGE).await;
    let page = match held {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "it could not be read what is held");
            return None;
        }
    };
    let next =
        page.last().map(|entry| Cursor { last_activity_at: entry.state.last_activity_at, id: entry.id });
    let left = page.into_iter().filter_map(|entry| {
        let held = entry.state.held.filter(is_left)?;
        Some(desk.execute(entry.id, Command::AgentsLeft { held: held.id }))
    });
    for decided in futures_util::future::join_all(left).await {
        // An agent may have come back, or been quicker: then it is refused, as it should be.
        if let Err(refusal) = decided {
            tracing::debug!(%refusal, "a held reply was not left to itself");
        }
    }
    next
}
