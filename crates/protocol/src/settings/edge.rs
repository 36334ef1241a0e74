//! What one customer, one address or all of them may ask of the desk.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::Refusal;

/// Bounds on sockets. A change holds for what comes next: connections that are open keep theirs, but for `message_bytes`
/// and the numbers of connections and conversations, which hold at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Limits {
    /// Seconds from the TCP connection to the end of the HTTP request's headers, 1 to 60.
    pub handshake_seconds: u32,
    /// HTTP headers in one request, 16 to 1,000.
    pub headers: u32,
    /// Seconds from the handshake to `hello`, 1 to 60.
    pub hello_seconds: u32,
    /// Bytes of UTF-8 in one message's text, 256 to 65,536.
    pub message_bytes: u32,
    /// Bytes in one WebSocket frame, and in one message put together from fragments, 4,096 to 1,048,576.
    pub frame_bytes: u32,
    /// Frames that one connection may send at once, fragments, pings and pongs counted, 50 to 100,000.
    pub frames_burst: u32,
    /// Frames a second that are given back to the burst, 10 to 100,000.
    pub frames_per_second: u32,
    /// Bytes that one connection may send at once, 65,536 to 1,073,741,824.
    pub bytes_burst: u32,
    /// Bytes a second that are given back to the burst, 65,536 to 1,073,741,824.
    pub bytes_per_second: u32,
    /// Live connections of one conversation: tabs and devices, 1 to 1,000.
    pub connections_per_conversation: u32,
    /// Live connections of one address, 1 to 100,000. An IPv6 address counts by its /64. This machine itself (127.0.0.1
    /// and ::1), where a proxy may stand, may have three quarters of `connections`.
    pub connections_per_address: u32,
    /// Live connections in all, 16 to 100,000; less where the system allows fewer open files.
    pub connections: u32,
    /// New conversations of one address at once, and as many are given back in a minute, 1 to 100,000. This machine
    /// itself is not counted.
    pub new_conversations_per_minute: u32,
    /// Frames that wait for one connection before it is closed as too slow, 32 to 4,096.
    pub outbox_frames: u32,
    /// Bytes that wait for one connection before it is closed as too slow, 131,072 to 16,777,216, and at least eight
    /// times `message_bytes`.
    pub outbox_bytes: u32,
    /// Seconds between pings, 1 to 300.
    pub ping_seconds: u32,
    /// Seconds without any frame after which a connection is gone, 2 to 900, and more than `ping_seconds`.
    pub silence_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_seconds: 5,
            headers: 100,
            hello_seconds: 10,
            message_bytes: 16 * 1024,
            frame_bytes: 64 * 1024,
            frames_burst: 400,
            frames_per_second: 100,
            bytes_burst: 8 * 1024 * 1024,
            bytes_per_second: 2 * 1024 * 1024,
            connections_per_conversation: 10,
            connections_per_address: 50,
            connections: 16_384,
            new_conversations_per_minute: 120,
            outbox_frames: 64,
            outbox_bytes: 256 * 1024,
            ping_seconds: 20,
            silence_seconds: 45,
        }
    }
}

const SIXTEEN_MIB: u32 = 16 * 1024 * 1024;
const GIB: u32 = 1024 * 1024 * 1024;

/// A limit that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// As it is called in [`Limits`].
    pub name: &'static str,
    /// What it is here.
    pub value: u32,
    /// What it may be.
    pub range: RangeInclusive<u32>,
}

impl Limits {
    /// Each limit with its bounds.
    #[must_use]
    pub fn bounds(&self) -> [Bound; 17] {
        let bound = |name, value, range| Bound { name, value, range };
        [
            bound("handshake_seconds", self.handshake_seconds, 1..=60),
            bound("headers", self.headers, 16..=1000),
            bound("hello_seconds", self.hello_seconds, 1..=60),
            bound("message_bytes", self.message_bytes, 256..=65_536),
            bound("frame_bytes", self.frame_bytes, 4_096..=1_048_576),
            bound("frames_burst", self.frames_burst, 50..=100_000),
            bound("frames_per_second", self.frames_per_second, 10..=100_000),
            bound("bytes_burst", self.bytes_burst, 65_536..=GIB),
            bound("bytes_per_second", self.bytes_per_second, 65_536..=GIB),
            bound("connections_per_conversation", self.connections_per_conversation, 1..=1000),
            bound("connections_per_address", self.connections_per_address, 1..=100_000),
            bound("connections", self.connections, 16..=100_000),
            bound("new_conversations_per_minute", self.new_conversations_per_minute, 1..=100_000),
            bound("outbox_frames", self.outbox_frames, 32..=4096),
            bound("outbox_bytes", self.outbox_bytes, 131_072..=SIXTEEN_MIB),
            bound("ping_seconds", self.ping_seconds, 1..=300),
            bound("silence_seconds", self.silence_seconds, 2..=900),
        ]
    }

    /// Whether every limit is within its bounds and they fit each other.
    ///
    /// # Errors
    /// [`Code::InvalidSetting`](crate::Code::InvalidSetting) with the field, such as `limits.ping_seconds`.
    pub fn validate(&self) -> Result<(), Refusal> {
        for Bound { name, value, range } in self.bounds() {
            if !range.contains(&value) {
                let (least, most) = (range.start(), range.end());
                return Err(refused(
                    name,
                    &format!("Between {least} and {most}."),
                    &format!("须在 {least} 与 {most} 之间。"),
                ));
            }
        }
        if self.frame_bytes < self.message_bytes {
            return Err(refused(
                "frame_bytes",
                "A frame must have room for a message.",
                "一帧须容得下一条消息。",
            ));
        }
        if self.outbox_bytes < self.message_bytes.saturating_mul(8) {
            return Err(refused(
                "outbox_bytes",
                "At least eight times the bytes of a message.",
                "至少为一条消息字节数的八倍。",
            ));
        }
        if self.silence_seconds <= self.ping_seconds {
            return Err(refused(
                "silence_seconds",
                "More than the seconds between pings.",
                "须大于心跳间隔的秒数。",
            ));
        }
        Ok(())
    }

    /// [`Limits::handshake_seconds`]
    #[must_use]
    pub fn handshake(&self) -> Duration {
        seconds(self.handshake_seconds)
    }

    /// [`Limits::hello_seconds`]
    #[must_use]
    pub fn hello(&self) -> Duration {
        seconds(self.hello_seconds)
    }

    /// [`Limits::ping_seconds`]
    #[must_use]
    pub fn ping(&self) -> Duration {
        seconds(self.ping_seconds)
    }

    /// [`Limits::silence_seconds`]
    #[must_use]
    pub fn silence(&self) -> Duration {
        seconds(self.silence_seconds)
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn refused(name: &str, sentence: &str, chinese: &str) -> Refusal {
    Refusal::of_field(&format!("limits.{name}"), sentence).in_chinese(chinese)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_own_bounds_and_every_limit_has_some() {
        let limits = Limits::default();
        assert_eq!(limits.validate(), Ok(()));
        let serialized = serde_json::to_value(&limits).unwrap();
        let mut names: Vec<_> = serialized.as_object().unwrap().keys().map(String::as_str).collect();
        let mut bounded: Vec<_> = limits.bounds().iter().map(|bound| bound.name).collect();
        names.sort_unstable();
        bounded.sort_unstable();
        assert_eq!(names, bounded);
        for Bound { name, value, .. } in limits.bounds() {
            assert_eq!(serialized[name], value, "{name} is bounded by another's bounds");
        }
    }

    #[test]
    fn limits_that_do_not_fit_each_other_are_refused_by_name() {
        let field = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.validate().unwrap_err().field.unwrap()
        };
        assert_eq!(field(|limits| limits.headers = 0), "limits.headers");
        assert_eq!(field(|limits| limits.silence_seconds = 20), "limits.silence_seconds");
        assert_eq!(field(|limits| limits.message_bytes = 65_536), "limits.outbox_bytes");
    }
}
