//! Who is here and who hears what: sockets, connections, the hub, HTTP.
//!
//! [`Desk`] is the whole of it: opened on a data folder, told to listen, asked by consoles through [`Desk::call`] and
//! watched through [`Desk::watch`]. The desktop app and the `deskbell-server` binary are two thin hosts of it.
#![deny(missing_docs)]

mod accept;
mod activity;
pub mod arguments;
mod bucket;
mod clock;
mod connection;
mod descriptors;
mod desk;
pub mod edge;
mod failpoints;
mod gate;
mod holds;
mod hub;
mod identity;
mod leaving;
mod limits;
mod outbox;
mod port_holder;
mod responder;
mod returning;
mod secret;
mod slow;
mod stop_signal;
mod stopping;
mod traffic;
mod watch;

pub use accept::ConsoleAssets;
pub use clock::{idle_minute, now};
pub use desk::{Desk, OpenError, Options, restore};
pub use stop_signal::stop_signal;
pub use watch::{ActivitySwitch, Watch};

use std::path::PathBuf;

use deskbell_protocol::settings::Language;

/// Where the data lies unless `--data` says otherwise: the user's data folder of the system.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_else(|| PathBuf::from("."));
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(target_os = "windows") {
        variable("APPDATA").unwrap_or_else(|| home().join("AppData").join("Roaming"))
    } else if cfg!(target_os = "macos") {
        home().join("Library").join("Application Support")
    } else {
        variable("XDG_DATA_HOME").unwrap_or_else(|| home().join(".local").join("share"))
    };
    base.join("deskbell")
}

/// The system's language, where the desk speaks it.
#[must_use]
pub fn system_language() -> Language {
    sys_locale::get_locale().and_then(|tag| Language::of_tag(&tag)).unwrap_or_default()
}
