//! What each job needs on this machine.

use std::path::PathBuf;

use crate::command::{Done, cargo, command, output, root, run, target};
use crate::console::{install_in, read, write};
use crate::{console, system};

/// The WebDriver server that starts the desktop app.
const TAURI_DRIVER: &str = "^2";
/// What `cargo xtask audit` runs.
const CARGO_DENY: &str = "^0.20";

/// What the app needs.
pub(crate) fn app() -> Done {
    system::install(system::APP)?;
    console::install()
}

/// What the tests need besides.
pub(crate) fn tests() -> Done {
    system::install(&[system::APP, system::TESTS].concat())?;
    console::install()?;
    components()?;
    tool("tauri-driver", TAURI_DRIVER)?;
    clients()
}

/// Rust's formatter and lints, which rustup's minimal profile leaves out.
fn components() -> Done {
    if ["fmt", "clippy"].iter().all(|name| output(cargo().args([name, "--version"])).is_some()) {
        return Ok(());
    }
    println!("Missing parts of Rust: rustfmt, clippy. Installing them with rustup.");
    run(command("rustup").args(["component", "add", "rustfmt", "clippy"]))
}

/// A program of crates.io, in target/tools.
fn tool(name: &str, version: &str) -> Result<PathBuf, String> {
    let tools = target().join("tools");
    let program = tools.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if program.exists() {
        return Ok(program);
    }
    println!("Installing {name} {version} into target/tools, which takes some minutes.");
    run(cargo()
        .args(["install", name, "--version", version, "--locked", "--root"])
        .arg(&tools)
        // Not among the workspace's own files, whose profile and lock file are not the tool's.
        .args(["--target-dir"])
        .arg(tools.join("build")))?;
    Ok(program)
}

/// Where cargo-deny is, installed if it is missing.
pub(crate) fn cargo_deny() -> Result<PathBuf, String> {
    tool("cargo-deny", CARGO_DENY)
}

/// What tests use and nobody here wrote, pinned: Node's `ws`, Python's `websockets`, lists of naughty strings.
fn clients() -> Done {
    let folder = root().join("tests/clients");
    install_in(&folder)?;
    let wanted = read(&folder.join("requirements.txt"))?;
    let venv = folder.join(".venv");
    let stamp = venv.join("deskbell-requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let python = if output(command("python3").arg("--version")).is_some() { "python3" } else { "python" };
    run(command(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip = if cfg!(windows) { "Scripts/pip.exe" } else { "bin/pip" };
    run(command(venv.join(pip))
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(folder.join("requirements.txt")))?;
    write(&stamp, &wanted)
}
