//! What the tests share: the real server as a process, real sockets, and clients that speak each protocol.
//!
//! Every wait has a deadline ([`DEADLINE`]); nothing sleeps where it can await an event.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod agent;
#[cfg(target_os = "linux")]
pub mod appearance;
pub mod attack;
#[cfg(target_os = "linux")]
pub mod browser;
pub mod burst;
#[cfg(target_os = "linux")]
pub mod bus;
pub mod clock;
pub mod customer;
#[cfg(target_os = "linux")]
pub mod desktop;
pub mod echo;
pub mod endpoint;
pub mod fuzz;
#[cfg(target_os = "linux")]
pub mod keyring;
pub mod load;
pub mod naughty;
pub mod outside;
#[cfg(target_os = "linux")]
pub mod power;
pub mod proxy;
pub mod raw;
pub mod record;
#[cfg(target_os = "linux")]
pub mod screen;
pub mod server;
#[cfg(target_os = "linux")]
pub mod services;
#[cfg(target_os = "linux")]
pub mod window_load;
#[cfg(target_os = "linux")]
pub mod x11;

use std::path::PathBuf;
use std::time::Duration;

/// How long a test waits for what must happen. Long: it only matters when something is broken.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Awaits with the deadline; `what` names the wait when it is missed.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    within_time(DEADLINE, what, future).await
}

/// Awaits with a deadline of one's own.
pub async fn within_time<T>(deadline: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(deadline, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {} s for {what}", deadline.as_secs()),
    }
}

/// Waits until a condition holds that nothing tells of, by looking again and again.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    within(what, async {
        while !holds() {
            look.tick().await;
        }
    })
    .await;
}

/// A binary of this workspace, built beside the tests by `cargo build --workspace`.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // Tests lie in `deps`, one folder deeper.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(&file)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{file} is missing: run `cargo build --workspace` first"))
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}
