//! Starting this program anew in its own place, for what cannot be mended within a process.

use std::io::Error;
use std::process::Command;

/// Becomes this program, with the same arguments and a changed environment. Returns only when that fails.
#[cfg(unix)]
pub(crate) fn start(change: impl FnOnce(&mut Command) -> &mut Command) -> Error {
    use std::os::unix::process::CommandExt as _;
    match std::env::current_exe() {
        Ok(program) => change(Command::new(program).args(std::env::args_os().skip(1))).exec(),
        Err(error) => error,
    }
}

/// Starts this program and ends, with the same arguments and a changed environment. Returns only when that fails.
#[cfg(not(unix))]
pub(crate) fn start(change: impl FnOnce(&mut Command) -> &mut Command) -> Error {
    let started = std::env::current_exe()
        .and_then(|program| change(Command::new(program).args(std::env::args_os().skip(1))).spawn());
    match started {
        Ok(_) => std::process::exit(0),
        Err(error) => error,
    }
}
