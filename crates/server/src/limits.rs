//! Bounds inside the desk. Those that customers can meet are settings (`protocol::settings::Limits`).

use std::time::Duration;

/// Bytes of one HTTP request's headers.
pub(crate) const HEADER_BYTES: usize = 16 * 1024;
/// From the end of an HTTP request's headers to the end of its answer.
pub(crate) const PAGE: Duration = Duration::from_secs(30);
/// The same for a console's call that is larger than a frame: 16 MiB over a slow line, and what is done with them.
pub(crate) const CONSOLE_CALL: Duration = Duration::from_secs(300);
/// What the kernel keeps for one socket, each way. By itself it would swallow megabytes for who reads slowly.
pub(crate) const KERNEL_BUFFER: u32 = 64 * 1024;
/// Bytes read from a socket at once, at least and at most; a 64th of a frame between them.
pub(crate) const READ_BUFFER: (usize, usize) = (1024, 128 * 1024);
/// One write, closing included.
pub(crate) const WRITE: Duration = Duration::from_secs(10);
/// A client's messages on their way to the store; further ones wait in the socket.
pub(crate) const IN_FLIGHT: usize = 16;
/// Their bytes, but for the last of them. Long messages make long commits, for which everyone waits: without this fifty sockets of
/// one address made it 0.4 s (`cargo xtask bench attacks`).
pub(crate) const IN_FLIGHT_BYTES: usize = 16 * 1024;
/// Refused frames after which a connection is closed.
pub(crate) const OFFENCES: u32 = 10;
/// Messages read at once when a client resumes.
pub(crate) const HISTORY_PAGE: u32 = 100;
/// Bytes of text after which no more are read: they wait in memory until the client has taken them.
pub(crate) const HISTORY_PAGE_BYTES: usize = 128 * 1024;
/// Half of the bytes of one answer to a console, at most: a page of 200 messages, each as long as settings allow and with
/// every character escaped.
pub(crate) const ANSWER_BYTES: u32 = 64 * 1024 * 1024;
/// Updates waiting for one console.
pub(crate) const WATCH_UPDATES: usize = 20_000;
/// Bytes waiting for one console, about.
pub(crate) const WATCH_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of JSON in one batch, about, unless the console asks for larger ones.
pub(crate) const BATCH_BYTES: usize = 7_000;
/// Between batches that are not full.
pub(crate) const BATCH_FRAME: Duration = Duration::from_millis(16);
/// Closing the desk waits this long for sockets to say goodbye.
pub(crate) const GOODBYE: Duration = Duration::from_secs(3);
/// While batches are full, states of conversations coalesce for this long.
pub(crate) const CONVERSATIONS: Duration = Duration::from_millis(100);
