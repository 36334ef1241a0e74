//! Bounds on sockets. Bounds on texts are the protocol's.

use std::time::Duration;

/// Live sockets at once; more are refused with 503.
pub(crate) const CONNECTIONS: usize = 10_000;
/// From TCP accept to the end of the HTTP request's headers.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(5);
/// HTTP headers in one request.
pub(crate) const HEADERS: usize = 100;
/// Bytes of one HTTP request's headers.
pub(crate) const HEADER_BYTES: usize = 16 * 1024;
/// From the upgrade to the `hello` of JSON clients and consoles.
pub(crate) const HELLO: Duration = Duration::from_secs(10);
/// Between pings.
pub(crate) const PING: Duration = Duration::from_secs(20);
/// Without any frame for this long, a client is gone.
pub(crate) const SILENCE: Duration = Duration::from_secs(45);
/// One write, closing included.
pub(crate) const WRITE: Duration = Duration::from_secs(10);
/// Frames waiting for one client.
pub(crate) const OUTBOX_FRAMES: usize = 256;
/// Bytes of text waiting for one client.
pub(crate) const OUTBOX_BYTES: usize = 256 * 1024;
/// A client's messages on their way to the store; further ones wait in the socket.
pub(crate) const IN_FLIGHT: usize = 16;
/// Frames a client may send at once, and what is given back a second.
pub(crate) const FRAMES_BURST: f64 = 400.0;
/// See [`FRAMES_BURST`].
pub(crate) const FRAMES_PER_SECOND: f64 = 100.0;
/// Refused frames after which a connection is closed.
pub(crate) const OFFENCES: u32 = 10;
/// Messages read at once when a client resumes.
pub(crate) const HISTORY_PAGE: u32 = 100;
/// Updates waiting for one console.
pub(crate) const WATCH_UPDATES: usize = 20_000;
/// Bytes waiting for one console, about.
pub(crate) const WATCH_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of JSON in one batch, about: under the 8,192 that Tauri's IPC carries inline.
pub(crate) const BATCH_BYTES: usize = 7_000;
/// Between batches that are not full.
pub(crate) const BATCH_FRAME: Duration = Duration::from_millis(16);
/// Closing the desk waits this long for sockets to say goodbye.
pub(crate) const GOODBYE: Duration = Duration::from_secs(3);
/// While batches are full, states of conversations coalesce for this long.
pub(crate) const CONVERSATIONS: Duration = Duration::from_millis(100);
