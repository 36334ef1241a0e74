//! An HTTP endpoint that behaves and misbehaves on command: what a model or a webhook bot may do to the desk.
//!
//! It writes raw bytes, so that it can break what a well-made server cannot. Used by the server's unit tests as a module
//! of its own, too; it depends on tokio and serde_json only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
                      Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

/// What the endpoint does with one request.
#[derive(Debug, Clone, Default)]
pub struct Script(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<u8>),
    /// Until the test calls [`Endpoint::go_on`].
    Wait,
    /// Until the client has gone.
    Stall,
    /// Again and again, until the client has gone.
    Forever(Vec<u8>),
}

impl Script {
    /// A reply, streamed word by word as OpenAI-compatible endpoints do.
    pub fn streams(text: &str) -> Self {
        Self::stream().words(text).ends("stop")
    }

    /// The beginning of a stream.
    pub fn stream() -> Self {
        Self::default().write(STREAM)
    }

    /// Some more words of a stream.
    pub fn words(mut self, text: &str) -> Self {
        for word in text.split_inclusive([' ', '。', '，']) {
            self = self.event(&json!({
                "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "test",
                "choices": [{ "index": 0, "delta": { "content": word }, "finish_reason": null }],
            }));
        }
        self
    }

    /// The end of a stream, for this reason.
    pub fn ends(self, reason: &str) -> Self {
        self.event(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }))
            .event(&json!({ "choices": [], "usage": { "total_tokens": 7 } }))
            .chunk("data: [DONE]\n\n")
            .write("0\r\n\r\n")
    }

    /// One event of a stream.
    pub fn event(self, data: &serde_json::Value) -> Self {
        self.chunk(&format!("data: {data}\n\n"))
    }

    /// Any bytes within a stream.
    pub fn chunk(self, text: &str) -> Self {
        let size = text.len();
        self.write(&format!("{size:x}\r\n{text}\r\n"))
    }

    /// Waits until the test lets it go on.
    pub fn waits(mut self) -> Self {
        self.0.push(Step::Wait);
        self
    }

    /// Says nothing more and keeps the connection.
    pub fn stalls(mut self) -> Self {
        self.0.push(Step::Stall);
        self
    }

    /// Writes this without end.
    pub fn forever(mut self, text: &str) -> Self {
        self.0.push(Step::Forever(text.as_bytes().to_vec()));
        self
    }

    /// Any bytes.
    pub fn write(mut self, text: &str) -> Self {
        self.0.push(Step::Write(text.as_bytes().to_vec()));
        self
    }

    /// A whole answer.
    pub fn answers(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::default().write(&format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    }

    /// A whole answer in JSON.
    pub fn json(status: &str, body: &serde_json::Value) -> Self {
        Self::answers(status, "Content-Type: application/json\r\n", &body.to_string())
    }

    /// A whole chat reply, not streamed.
    pub fn whole(text: &str) -> Self {
        Self::json(
            "200 OK",
            &json!({
                "object": "chat.completion",
                "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
            }),
        )
    }

    /// A page for people.
    pub fn page() -> Self {
        Self::answers("200 OK", "Content-Type: text/html\r\n", "<h1>It works!</h1>")
    }

    /// Another address, with whatever method and headers the client likes to take along.
    pub fn redirects(url: &str) -> Self {
        Self::answers("307 Temporary Redirect", &format!("Location: {url}\r\n"), "")
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method and path.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Received {
    /// A header's value; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// A listening endpoint. Ends when dropped.
#[derive(Debug)]
pub struct Endpoint {
    pub address: String,
    scripts: Arc<Scripts>,
    received: mpsc::Receiver<Received>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Scripts {
    next: Mutex<VecDeque<Script>>,
    always: Mutex<Script>,
    go_on: Semaphore,
    gone: Semaphore,
}

impl Endpoint {
    /// Listens on a free port; every request gets this.
    pub async fn start(always: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let scripts = Arc::new(Scripts {
            next: Mutex::default(),
            always: Mutex::new(always),
            go_on: Semaphore::new(0),
            gone: Semaphore::new(0),
        });
        let (sender, received) = mpsc::channel(1024);
        let task = tokio::spawn(accept(listener, Arc::clone(&scripts), sender));
        Self { address, scripts, received, task }
    }

    /// The base of a model's address.
    pub fn model_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// A bot's address.
    pub fn url(&self) -> String {
        format!("http://{}/bot", self.address)
    }

    /// From now on every request gets this.
    pub fn always(&self, script: Script) {
        *self.scripts.always.lock().unwrap() = script;
    }

    /// The next request gets this, after those that were said before.
    pub fn next(&self, script: Script) {
        self.scripts.next.lock().unwrap().push_back(script);
    }

    /// Lets one script that waits go on.
    pub fn go_on(&self) {
        self.scripts.go_on.add_permits(1);
    }

    /// The next request that came or comes.
    pub async fn received(&mut self) -> Received {
        let received = tokio::time::timeout(std::time::Duration::from_secs(30), self.received.recv());
        received.await.expect("waited 30 s for a request").expect("requests")
    }

    /// Whether a request came that was not looked at.
    pub fn has_received(&mut self) -> bool {
        !self.received.is_empty()
    }

    /// Waits until a client has gone from a script that stalls or goes on for ever.
    pub async fn client_gone(&self) {
        let gone = tokio::time::timeout(std::time::Duration::from_secs(30), self.scripts.gone.acquire());
        gone.await.expect("waited 30 s for the client to go").unwrap().forget();
    }
}

impl Endpoint {
    /// Ends it, and returns when nothing listens any more.
    pub async fn end(mut self) {
        self.task.abort();
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, scripts: Arc<Scripts>, received: mpsc::Sender<Received>) {
    // Dropped, and its tasks with it, when the endpoint is.
    let mut clients = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (scripts, received) = (Arc::clone(&scripts), received.clone());
        clients.spawn(async move {
            let mut stream = stream;
            if let Some(request) = read(&mut stream).await {
                let next = scripts.next.lock().unwrap().pop_front();
                let script = next.unwrap_or_else(|| scripts.always.lock().unwrap().clone());
                received.try_send(request).expect("a test that looks at its requests");
                play(&mut stream, script, &scripts).await;
            }
        });
    }
}

/// The client's whole request; nothing when it leaves before.
async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[head + 4..]).into_owned();
    Some(Received { line, headers, body })
}

async fn play(stream: &mut TcpStream, script: Script, scripts: &Scripts) {
    let _best_effort = stream.set_nodelay(true);
    for step in script.0 {
        match step {
            Step::Write(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Wait => scripts.go_on.acquire().await.unwrap().forget(),
            Step::Stall => {
                while stream.read(&mut [0u8; 64]).await.is_ok_and(|bytes| bytes > 0) {}
                scripts.gone.add_permits(1);
                return;
            }
            Step::Forever(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                scripts.gone.add_permits(1);
                return;
            }
        }
    }
    let _gone = stream.shutdown().await;
}
