//! `examples/echo` of crates/server as a process: the desk's accept and frame path, and nothing behind it.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::{binary, within};

/// For what no customer would send.
pub const UNLIMITED: &[&str] = &[
    "--frame-bytes=67108864",
    "--message-bytes=67108864",
    "--outbox-bytes=67108864",
    "--frames-burst=4000000000",
    "--frames-per-second=4000000000",
    "--bytes-burst=4000000000",
    "--bytes-per-second=4000000000",
];

/// A running echo. Killed when dropped.
pub struct Echo {
    pub address: String,
    _child: Child,
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// Where the program is. `cargo test --workspace` builds it, and `cargo build --workspace --example echo`.
pub fn program() -> PathBuf {
    binary("examples/echo")
}

/// Starts it on a free port.
pub async fn start(limits: &[&str]) -> Echo {
    let mut child = Command::new(program())
        .args(["--listen", "127.0.0.1:0"])
        .args(limits)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within("the line `listening on`", stdout.next_line()).await.unwrap();
    let line = line.expect("echo ended before it listened");
    let address = line.strip_prefix("listening on ").expect(&line).to_owned();
    Echo { address, _child: child, _stdout: stdout }
}
