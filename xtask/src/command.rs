//! Running other programs, from the repository's root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a step ends with: nothing, or a sentence that says what failed and what to do.
pub(crate) type Done = Result<(), String>;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A program that this workspace builds.
pub(crate) fn built(release: bool, name: &str) -> PathBuf {
    let profile = if release { "release" } else { "debug" };
    target().join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A command in the repository's root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this xtask, without what it told this xtask about its own package. Build scripts that look at that
/// would run again, and what depends on them be compiled again, each time that `cargo xtask` and `cargo` take turns.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Whether cargo sets this variable for the one package that it runs, and no person does.
fn is_of_package(name: &OsStr) -> bool {
    let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_PACKAGE"];
    name.to_str().is_some_and(|name| of_package.iter().any(|beginning| name.starts_with(beginning)))
}

/// npm, which on Windows is a script.
pub(crate) fn npm() -> Command {
    command(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// Runs it with its output shown.
pub(crate) fn run(command: &mut Command) -> Done {
    let shown = show(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` failed ({status}).")),
        Err(error) => Err(format!("`{shown}` cannot be started: {error}.")),
    }
}

/// Runs it and gives what it printed on stdout, or nothing if it failed or is not there.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn show(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let words: Vec<_> = words.iter().map(|w| w.to_string_lossy()).collect();
    let shown = words.join(" ");
    shown.replace(&format!("{}{}", root().display(), std::path::MAIN_SEPARATOR), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_keeps_what_a_person_set() {
        let is = |name: &str| is_of_package(OsStr::new(name));
        assert!(["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_PRIMARY_PACKAGE"].into_iter().all(is));
        assert!(!["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "PATH"].into_iter().any(is));
    }
}
