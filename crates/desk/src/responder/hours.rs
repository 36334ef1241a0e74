//! When the desk is staffed. Time zones come with the program, so that the same hours are the same on every system.

use std::sync::LazyLock;

use deskbell_protocol::Timestamp;
use deskbell_protocol::settings::BusinessHours;
use jiff::tz::{TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether a moment lies within business hours, by the clock on the wall there. Hours whose time zone does not exist
/// are always open: [`validate_responder`](super::validate_responder) refuses them.
#[must_use]
pub fn is_open(hours: &BusinessHours, at: Timestamp) -> bool {
    let (Some(zone), Ok(at)) = (zone(&hours.time_zone), jiff::Timestamp::from_millisecond(at.0)) else {
        return true;
    };
    let there = at.to_zoned(zone);
    let (Ok(day), Ok(hour), Ok(minute)) = (
        usize::try_from(there.weekday().to_monday_zero_offset()),
        u32::try_from(there.hour()),
        u32::try_from(there.minute()),
    ) else {
        return true;
    };
    let minute = hour * 60 + minute;
    let Some(spans) = hours.days.get(day) else { return true };
    spans.iter().any(|span| (span.from..span.to).contains(&minute))
}

/// The time zone of this name.
pub(crate) fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}
