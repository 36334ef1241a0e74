//! `cargo xtask run`: from a fresh clone to a running desk.

use std::ffi::OsString;
use std::process::Command;

use crate::command::{Done, built, cargo, root, run as run_command};
use crate::{console, setup};

/// Installs, builds and starts the desk; without a display, the server.
pub(crate) fn run(release: bool, arguments: &[String]) -> Done {
    setup::app()?;
    console::build()?;
    build(release)?;
    let program = if has_display() {
        "deskbell"
    } else {
        eprintln!(
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so this starts deskbell-server: \
             the same desk, with its console in the browser. Its link follows."
        );
        "deskbell-server"
    };
    let mut desk = Command::new(built(release, program));
    desk.current_dir(root()).args(arguments);
    start(desk)
}

/// Builds the whole workspace: with one set of features, whatever is built or tested afterwards is there already.
pub(crate) fn build(release: bool) -> Done {
    let profile: Option<OsString> = release.then(|| "--release".into());
    run_command(cargo().args(["build", "--workspace"]).args(profile))
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(target_os = "linux")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Becomes the desk, so that signals and the exit code are its own.
#[cfg(unix)]
fn start(mut desk: Command) -> Done {
    use std::os::unix::process::CommandExt;
    let error = desk.exec();
    Err(format!("The desk cannot be started: {error}."))
}

#[cfg(not(unix))]
fn start(mut desk: Command) -> Done {
    run_command(&mut desk)
}
