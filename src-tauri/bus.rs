//! Whether the session's bus answers, found out before anything waits for it.
//!
//! GTK's application (`tao`), the lock of the single instance (its plugin) and the tray icon each connect to the bus
//! while the window is made, and wait for it without a deadline. A bus that takes connections and never says a word
//! would keep the window from opening, for ever.

use std::time::Duration;

use crate::again;

/// How long a bus may take to say that it is there. One that is there takes milliseconds.
const ANSWER: Duration = Duration::from_secs(5);
/// The variable that names the bus.
const ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// An address that every library refuses at once.
const NOWHERE: &str = "disabled:";

/// Returns when the bus has answered or refused to. When it does neither, this process becomes the same program without
/// a bus: no address can be taken from libraries that are already asking it, and no environment changed safely.
pub(crate) fn leave_if_silent() {
    if is_silent() {
        eprintln!(
            "The session bus ({}) takes connections and does not answer. Deskbell starts without it: there are no \
             notifications, no tray icon and no keyring, and a second start does not find this window.",
            std::env::var(ADDRESS).unwrap_or_else(|_| "the default one".to_owned())
        );
        let error = again::start(|program| program.env(ADDRESS, NOWHERE));
        eprintln!("It cannot be started without it: {error}.");
    }
}

fn is_silent() -> bool {
    let (done, answered) = std::sync::mpsc::sync_channel(1);
    let asking = std::thread::Builder::new().name("bus".to_owned()).spawn(move || {
        // An error is an answer: whoever asks after this gets it as quickly.
        let _too_late = done.send(zbus::blocking::Connection::session().is_ok());
    });
    asking.is_ok() && answered.recv_timeout(ANSWER) == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
}
