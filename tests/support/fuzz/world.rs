//! A desk in this process, on a data folder of its own.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::entity::{Conversation, Listening, Message};
use deskbell_protocol::settings::{Limits, Settings};
use deskbell_protocol::{ConversationId, Refusal};
use deskbell_server::{Desk, Options};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::within;

/// Inputs after which a desk begins anew, so that it does not grow without end.
const INPUTS: u32 = 1000;

/// Panics so far, those of tasks too, which nobody else hears of.
static PANICS: AtomicU64 = AtomicU64::new(0);

pub(super) fn panics() -> u64 {
    PANICS.load(Ordering::SeqCst)
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            told(panic);
        }));
    });
}

/// One thread for everything that is async, so that the same input does the same again.
pub(super) fn runtime() -> Runtime {
    count_panics();
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A desk that listens.
pub(super) struct World {
    pub(super) desk: Desk,
    pub(super) address: String,
    data: TempDir,
    inputs: u32,
}

impl World {
    pub(super) async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let (desk, address) = open(&data).await;
        let world = Self { desk, address, data, inputs: 0 };
        world.usual_settings().await;
        world
    }

    /// Counts an input, and begins anew when there were many.
    pub(super) async fn next_input(&mut self) {
        self.inputs += 1;
        if self.inputs > INPUTS {
            let settings = Box::new(self.desk.settings());
            self.desk.close().await;
            *self = Self::new().await;
            self.ask(Request::SaveSettings { settings }).await;
        }
    }

    /// Closes the desk and opens it again on the same data.
    pub(super) async fn restart(&mut self) {
        self.desk.close().await;
        (self.desk, self.address) = open(&self.data).await;
    }

    /// The defaults, with more room: an input may be quick.
    pub(super) async fn usual_settings(&self) {
        let limits = Limits {
            frames_burst: 100_000,
            connections_per_conversation: 1000,
            connections_per_address: 10_000,
            ..Limits::default()
        };
        let settings = Box::new(Settings { limits, ..Settings::default() });
        self.ask(Request::SaveSettings { settings }).await;
    }

    pub(super) async fn call(&self, request: Request) -> Result<Response, Refusal> {
        within("the desk's answer", self.desk.call(request)).await
    }

    /// A call that must succeed.
    pub(super) async fn ask(&self, request: Request) -> Response {
        self.call(request).await.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    pub(super) async fn conversation(&self, id: ConversationId) -> Option<Conversation> {
        match self.call(Request::Conversation { conversation: id }).await {
            Ok(Response::Conversation { conversation }) => Some(*conversation),
            _ => None,
        }
    }

    /// A conversation and its thread of one moment: something may happen between two questions.
    pub(super) async fn both(&self, id: ConversationId) -> Option<(Conversation, Vec<Message>)> {
        loop {
            let before = self.conversation(id).await?;
            let thread = self.thread(id).await;
            let after = self.conversation(id).await?;
            if (before.last_seq, before.revision) == (after.last_seq, after.revision) {
                return Some((after, thread));
            }
        }
    }

    /// The conversation whose customer has this name.
    pub(super) async fn named(&self, name: &str) -> Option<Conversation> {
        match self.ask(Request::Search { query: name.to_owned() }).await {
            Response::Found { hits } => hits
                .into_iter()
                .map(|hit| hit.conversation)
                .find(|found| found.customer.name.as_deref() == Some(name)),
            response => panic!("{response:?}"),
        }
    }

    /// The last 200 messages.
    pub(super) async fn thread(&self, id: ConversationId) -> Vec<Message> {
        match self.ask(Request::Thread { conversation: id, before_seq: None, limit: 200 }).await {
            Response::Thread { messages, .. } => messages,
            response => panic!("{response:?}"),
        }
    }
}

async fn open(data: &TempDir) -> (Desk, String) {
    let options = Options {
        data_dir: data.path().to_owned(),
        listen: Some("127.0.0.1:0".to_owned()),
        console: |_| None,
    };
    let desk = within("the desk to open", Desk::open(options)).await.unwrap();
    match desk.listen().await {
        Listening::Listening { address, .. } => (desk, address),
        other => panic!("{other:?}"),
    }
}
