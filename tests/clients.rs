//! Clients nobody here wrote: Node's `ws` and Python's `websockets`, pinned in `clients/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;

use deskbell_tests::server::Server;
use deskbell_tests::{root, within};
use tokio::process::Command;

/// Runs a client that asks these questions; what it received.
async fn received(mut client: Command, server: &Server, questions: &[&str]) -> Vec<String> {
    client.arg(format!("ws://{}", server.address)).args(questions).kill_on_drop(true);
    let output = within("the client's end", client.output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn clients() -> PathBuf {
    root().join("tests").join("clients")
}

const EXPECTED: [&str; 3] = [
    "Hello, welcome to live support. What can we help you with?",
    "Hello, what can we help you with?",
    "Hello, what can we help you with?",
];

#[tokio::test]
async fn node_ws_is_greeted_and_answered() {
    let server = Server::start().await;
    let mut client = Command::new("node");
    client.arg(clients().join("plain.mjs"));
    assert_eq!(received(client, &server, &["hi", "你好"]).await, EXPECTED);
}

#[tokio::test]
async fn python_websockets_is_greeted_and_answered() {
    let server = Server::start().await;
    let folder = if cfg!(windows) { "Scripts" } else { "bin" };
    let mut client = Command::new(clients().join(".venv").join(folder).join("python"));
    client.arg(clients().join("plain.py"));
    assert_eq!(received(client, &server, &["hi", "你好"]).await, EXPECTED);
}
