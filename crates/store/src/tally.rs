//! Numbers over all conversations, kept by the writer as it goes.

use deskbell_desk::State;
use deskbell_protocol::entity::Status;
use rusqlite::Connection;

/// How many stored conversations there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Open.
    pub open: u32,
    /// Open, and an agent should look.
    pub needs_me: u32,
    /// With a held reply.
    pub held: u32,
    /// Resolved.
    pub resolved: u32,
}

impl Tally {
    pub(crate) fn count(connection: &Connection) -> rusqlite::Result<Self> {
        let count = |condition: &str| -> rusqlite::Result<u32> {
            let sql = format!("SELECT count(*) FROM conversation WHERE {condition}");
            connection.query_row(&sql, [], |row| row.get(0))
        };
        Ok(Self {
            open: count("status = 'open'")?,
            needs_me: count("needs_me = 1")?,
            held: count("held IS NOT NULL")?,
            resolved: count("status = 'resolved'")?,
        })
    }

    /// Takes a conversation's old state out and puts its new one in.
    pub(crate) fn replace(&mut self, before: &State, after: &State) {
        self.remove(before);
        self.count_as(after, true);
    }

    /// Takes a conversation out.
    pub(crate) fn remove(&mut self, state: &State) {
        self.count_as(state, false);
    }

    fn count_as(&mut self, state: &State, more: bool) {
        if state.stored {
            let open = state.status == Status::Open;
            for (number, counts) in [
                (&mut self.open, open),
                (&mut self.resolved, !open),
                (&mut self.needs_me, state.needs_me()),
                (&mut self.held, state.held.is_some()),
            ] {
                if counts {
                    *number = if more { number.saturating_add(1) } else { number.saturating_sub(1) };
                }
            }
        }
    }
}
