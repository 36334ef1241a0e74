//! Clients nobody here wrote: Node's `ws`, Python's `websockets`, `wsproto` and `aiohttp`, pinned in `clients/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::{echo, root, test_name, within};
use tokio::process::Command;

/// Runs a client against an address; the lines that it printed.
async fn said(mut client: Command, address: &str, arguments: &[&str]) -> Vec<String> {
    client.arg(format!("ws://{address}")).args(arguments).kill_on_drop(true);
    let output = within("the client's end", client.output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// What a client received that asked these questions.
async fn received(client: Command, questions: &[&str]) -> Vec<String> {
    let server = Server::start().await;
    let lines = said(client, &server.address, questions).await;
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn clients() -> PathBuf {
    root().join("tests").join("clients")
}

fn node(script: &str) -> Command {
    let mut client = Command::new("node");
    client.arg(clients().join(script));
    client
}

fn python(script: &str) -> Command {
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    let mut client = Command::new(clients().join(".venv").join(folder).join("python"));
    client.arg(clients().join(script));
    client
}

const EXPECTED: [&str; 3] = [
    "Hello, welcome to live support. What can we help you with?",
    "Hello, what can we help you with?",
    "Hello, what can we help you with?",
];

#[tokio::test]
async fn node_ws_is_greeted_and_answered() {
    assert_eq!(received(node("plain.mjs"), &["hi", "你好"]).await, EXPECTED);
}

#[tokio::test]
async fn python_websockets_is_greeted_and_answered() {
    assert_eq!(received(python("plain.py"), &["hi", "你好"]).await, EXPECTED);
}

/// Each checks for itself what comes back; all together, and how many checks that was.
#[tokio::test]
async fn sockets_of_four_libraries_get_back_what_they_send() {
    let echo = echo::start(echo::UNLIMITED).await;
    let mut counts = Vec::new();
    for (name, client) in [
        ("checks of ws", node("echo.mjs")),
        ("of websockets", python("echo_websockets.py")),
        ("of wsproto", python("echo_wsproto.py")),
        ("of aiohttp", python("echo_aiohttp.py")),
    ] {
        let checks: u64 = said(client, &echo.address, &[]).await[0].parse().unwrap();
        assert!(checks > 30, "{name}: {checks}");
        counts.push((name, checks));
    }
    Fault {
        subject: "WebSocket",
        fault: "clients of npm and PyPI: sizes up to 16 MiB, fragments, pings, goodbyes, compression offered",
        promise: "Everything comes back, in order; compression is declined",
        test: &test_name!(),
        counts: &counts,
    }
    .record();
}
