//! The edge where time comes in.

use std::time::{SystemTime, UNIX_EPOCH};

use deskbell_protocol::Timestamp;

/// The system's clock. Order never depends on it.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
