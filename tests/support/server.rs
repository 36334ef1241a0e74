//! `deskbell-server` as a process on a data folder.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::agent::Agent;
use crate::customer::{Plain, V1};
use crate::{binary, within};

/// A running server. Killed when dropped.
pub struct Server {
    pub address: String,
    pub data: TempDir,
    child: Child,
    pub stdout: Lines<BufReader<ChildStdout>>,
    pub stderr: Lines<BufReader<ChildStderr>>,
}

impl Server {
    /// Starts on a new data folder and a free port.
    pub async fn start() -> Self {
        Self::start_on(TempDir::new().unwrap()).await
    }

    /// Starts on a data folder that may have been used before.
    pub async fn start_on(data: TempDir) -> Self {
        Self::start_with(data, &[]).await
    }

    /// Starts with more variables in its environment.
    pub async fn start_with(data: TempDir, variables: &[(&str, &str)]) -> Self {
        Self::start_at(data, "127.0.0.1:0", variables).await
    }

    /// Starts where it is told to listen.
    pub async fn start_at(data: TempDir, listen: &str, variables: &[(&str, &str)]) -> Self {
        let child = command(data.path(), listen).envs(variables.iter().copied()).spawn().unwrap();
        Self::started(child, data).await
    }

    /// Waits for a process that was started with a pipe for stdout until it listens.
    pub async fn started(mut child: Child, data: TempDir) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap_or_else(silence)).lines();
        let line = within("the line `listening on`", stdout.next_line()).await.unwrap();
        let line = line.expect("the server ended before it listened");
        let address = line.strip_prefix("listening on ").expect(&line).to_owned();
        Self { address, data, child, stdout, stderr }
    }

    /// Ends it in order and gives its data folder back.
    pub async fn stop(mut self) -> TempDir {
        self.signal("TERM").await;
        let status = within("the server's end", self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}");
        self.data
    }

    /// Kills it where it stands and gives its data folder back.
    pub async fn kill(mut self) -> TempDir {
        self.child.kill().await.unwrap();
        self.data
    }

    /// Sends it a signal, such as `TERM`.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
        assert!(status.success());
    }

    /// Waits for its end; its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        within("the server's end", self.child.wait()).await.unwrap().code()
    }

    /// The process's id.
    pub fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Collects the log from now on until the server has ended.
    pub fn collect_log(&mut self) -> tokio::task::JoinHandle<String> {
        let mut lines = std::mem::replace(&mut self.stderr, BufReader::new(silence()).lines());
        tokio::spawn(async move {
            let mut log = String::new();
            while let Some(line) = lines.next_line().await.unwrap() {
                log.push_str(&line);
                log.push('\n');
            }
            log
        })
    }

    pub fn secret(&self) -> String {
        std::fs::read_to_string(self.data.path().join("agent.secret")).unwrap().trim().to_owned()
    }

    pub async fn plain(&self) -> Plain {
        Plain::connect(&self.address, &[]).await
    }

    pub async fn v1(&self) -> V1 {
        V1::connect(&self.address, serde_json::json!({ "type": "hello" })).await
    }

    pub async fn agent(&self) -> Agent {
        Agent::connect(&self.address, &self.secret()).await
    }
}

/// The stderr of a process that says nothing.
fn silence() -> ChildStderr {
    Command::new("true").stderr(Stdio::piped()).spawn().unwrap().stderr.take().unwrap()
}

/// Starts the binary without waiting for it.
pub fn spawn(data: &Path, listen: &str) -> Child {
    command(data, listen).spawn().unwrap()
}

/// What starts the binary.
pub fn command(data: &Path, listen: &str) -> Command {
    let mut command = Command::new(binary("deskbell-server"));
    command
        .args(["--listen", listen, "--data"])
        .arg(data)
        .env("LC_ALL", "en_US.UTF-8")
        .env("RUST_LOG", "warn")
        // Tests do not meet the keyring of the person at the machine.
        .env("DESKBELL_KEYRING", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the binary with these arguments until it ends: its exit code, and what it said on both outputs.
pub async fn run_to_end(mut command: Command) -> (Option<i32>, String) {
    let output = within("the desk's end", command.output()).await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}
