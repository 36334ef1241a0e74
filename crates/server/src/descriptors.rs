//! How many files and sockets the system lets this process have open.

/// Kept back from connections: for the store, for the model and the bot, for files that are served, for sockets that are
/// being refused.
const RESERVED: u64 = 256;

/// Asks for as many as the system allows. Refused is no failure: there is room for fewer connections then.
pub(crate) fn ask_for_more() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(allowed) => tracing::debug!(allowed, "open files"),
        Err(error) => tracing::warn!(%error, "the system does not allow more open files"),
    }
}

/// Connections for which there is room beside what is kept back.
pub(crate) fn room() -> usize {
    room_within(allowed())
}

fn room_within(allowed: u64) -> usize {
    // Where there is little, half is kept.
    usize::try_from(allowed.saturating_sub(RESERVED.min(allowed / 2))).unwrap_or(usize::MAX)
}

#[cfg(unix)]
fn allowed() -> u64 {
    // Looked up each time: the limit of a running process can change.
    rlimit::Resource::NOFILE.get_soft().unwrap_or(u64::MAX)
}

/// Sockets are no files there and have no such limit.
#[cfg(not(unix))]
fn allowed() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_always_kept_back() {
        assert_eq!(room_within(20_000), 19_744);
        assert_eq!(room_within(100), 50);
        assert_eq!(room_within(0), 0);
    }
}
