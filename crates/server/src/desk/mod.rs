//! The desk as its hosts see it: opened, told to listen, asked, watched, closed.

mod asking;
pub(crate) mod calls;
mod export;
mod knowledge;
mod listen;
mod numbers;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use deskbell_desk::{Command, Draft};
use deskbell_protocol::entity::{Counts, Listening};
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::upkeep::Upkeep;
use deskbell_protocol::{Code, ConnectionId, ConversationId, Refusal, Seq, Timestamp};
use deskbell_store::{Receipt, Store, Submission};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::accept::ConsoleAssets;
use crate::clock::now;
use crate::descriptors;
use crate::gate::Gate;
use crate::hub::{Hub, Publisher};
use crate::identity::{Hash, fresh_token, hash};
use crate::limits::GOODBYE;
use crate::responder::{Http, SecretStore};
use crate::secret;
use crate::stopping::Stopping;
use crate::watch::Watch;
use listen::Listener;
pub use upkeep::restore;

/// How often the numbers that change by themselves are looked at.
const COUNTS: Duration = Duration::from_secs(1);
/// Calls larger than a frame, each up to `CONSOLE_CALL_BYTES`, that are read at once; more wait.
const LARGE_CALLS: usize = 2;

/// How a host opens the desk.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where to listen this time, as `IP:PORT`, instead of what the settings say.
    pub listen: Option<String>,
    /// The files of the browser console, served at `/console/`.
    pub console: ConsoleAssets,
}

/// Why the desk cannot be opened; a sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] deskbell_store::OpenError),
    /// The agent's secret.
    #[error("The agent's secret in the data folder cannot be read or written: {0}.")]
    Secret(std::io::Error),
    /// The system has no randomness to give.
    #[error("The system has no randomness to give: {0}.")]
    Randomness(getrandom::Error),
}

impl OpenError {
    /// The sentence in Chinese.
    #[must_use]
    pub fn in_chinese(&self) -> String {
        match self {
            Self::Store(error) => error.in_chinese(),
            Self::Secret(error) => format!("无法读写数据文件夹中的客服密钥：{error}。"),
            Self::Randomness(error) => format!("系统无法提供随机数：{error}。"),
        }
    }
}

/// The desk. Clones share it.
#[derive(Debug, Clone)]
pub struct Desk {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    hub: Arc<Hub>,
    options: Options,
    secret: String,
    secret_hash: Hash,
    system_language: Language,
    gate: Arc<Gate>,
    /// True when the desk is stopping.
    stopping: watch::Sender<bool>,
    /// The socket that accepts, if any. Held across awaits so that two changes of address follow each other.
    listener: Mutex<Option<Listener>>,
    http: Http,
    secrets: SecretStore,
    /// Two saves of settings, or of rules or answers, follow each other.
    saving: Mutex<()>,
    /// Work on the whole database that goes on. Never held across an await.
    upkeep: std::sync::Mutex<Option<Upkeep>>,
    /// Places for calls that are larger than a frame.
    large_calls: Semaphore,
    /// When an agent last acted, in milliseconds since 1970; 0 for not since the start.
    last_act: AtomicI64,
}

impl Desk {
    /// Opens the desk on its data folder. It does not listen yet.
    ///
    /// # Errors
    /// [`OpenError`], a sentence that says what to do.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        descriptors::ask_for_more();
        let fresh_epoch = fresh_token().map_err(OpenError::Randomness)?;
        let folder = options.data_dir.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let mut hub = None;
            let (store, found) = Store::open(&folder, &fresh_epoch, now(), |found| {
                let made = Arc::new(Hub::new(found));
                hub = Some(Arc::clone(&made));
                Box::new(Publisher { hub: made })
            })?;
            let hub = hub.unwrap_or_else(|| Arc::new(Hub::new(&found)));
            let secret = secret::load_or_make(&folder).map_err(OpenError::Secret)?;
            let secrets = SecretStore::open(&folder);
            Ok::<_, OpenError>((store, hub, secret, secrets))
        });
        let (store, hub, secret, secrets) =
            opening.await.map_err(|error| OpenError::Secret(std::io::Error::other(error)))??;
        let shared = Shared {
            store,
            hub,
            options,
            secret_hash: hash(&secret),
            secret,
            system_language: crate::system_language(),
            gate: Arc::default(),
            stopping: watch::Sender::new(false),
            listener: Mutex::new(None),
            http: Http::default(),
            secrets,
            saving: Mutex::new(()),
            upkeep: std::sync::Mutex::default(),
            large_calls: Semaphore::new(LARGE_CALLS),
            last_act: AtomicI64::new(0),
        };
        let desk = Self { shared: Arc::new(shared) };
        desk.start_clockwork();
        Ok(desk)
    }

    /// Held replies are sent when they are due, and numbers that depend on time are told.
    fn start_clockwork(&self) {
        let store = self.shared.store.clone();
        let holds = Arc::clone(&self.shared.hub.holds);
        tokio::spawn(async move { holds.run(store).await });
        tokio::spawn(crate::returning::run(self.clone()));
        tokio::spawn(crate::leaving::run(self.clone()));
        tokio::spawn(Arc::clone(&self.shared.hub.slow).run(self.clone()));
        tokio::spawn(self.clone().back_up_daily());
        tokio::spawn(self.clone().look_through());
        tokio::spawn(self.clone().tell_of_damage());
        let desk = self.clone();
        let mut stopping = self.stopping();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(COUNTS);
            loop {
                tokio::select! {
                    _ = tick.tick() => desk.hub().refresh_counts(),
                    () = stopping.wait() => return,
                }
                // Only a closed store refuses, and then the desk stops, too.
                if let Some(next) = desk.hub().to_reserve()
                    && desk.store().reserve(next).await.is_err()
                {
                    return;
                }
            }
        });
    }

    /// Begins to listen where `--listen` or the settings say. A taken port is an answer, not an error.
    pub async fn listen(&self) -> Listening {
        let address = self.shared.options.listen.clone().unwrap_or_else(|| self.settings().listen);
        self.listen_on(&address).await
    }

    /// What happens from now on. Begin to watch before asking for a snapshot.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.shared.hub.watch()
    }

    /// A slow responder's answer to a customer's message, asked under a control version.
    ///
    /// # Errors
    /// [`Code::StaleReply`] when it comes too late: the message is no longer the last, was answered, or control has
    /// changed since.
    pub async fn propose(
        &self,
        conversation: ConversationId,
        for_seq: Seq,
        control_version: i64,
        draft: Draft,
    ) -> Result<Receipt, Refusal> {
        self.execute(conversation, Command::Propose { for_seq, control_version, draft }).await
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::clone(&self.shared.hub.settings())
    }

    /// How many conversations there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.hub.counts()
    }

    /// Whether the desk listens.
    #[must_use]
    pub fn listening(&self) -> Listening {
        self.shared.hub.listening()
    }

    /// The system's language.
    pub(crate) fn system_language(&self) -> Language {
        self.shared.system_language
    }

    /// The console's language, for hosts that speak themselves: that of the settings, else the system's.
    #[must_use]
    pub fn console_language(&self) -> Language {
        self.settings().console_language.unwrap_or(self.shared.system_language)
    }

    /// When an agent last acted, at whichever console. 0 when nobody has since the start.
    #[must_use]
    pub fn last_act(&self) -> Timestamp {
        Timestamp(self.shared.last_act.load(Ordering::Relaxed))
    }

    /// Notes that somebody acts at a console, and so is there.
    fn is_here(&self) {
        self.shared.last_act.store(now().0, Ordering::Relaxed);
        self.hub().set_away(false);
        self.hub().set_idle(false);
    }

    /// Tells the desk that there was no input on this machine for as long as the settings say, or that there was.
    pub fn set_idle(&self, idle: bool) {
        self.shared.hub.set_idle(idle);
    }

    /// Tells consoles that the system's alerts do not work, or with `None` that they do.
    pub fn report_alerts_problem(&self, problem: Option<String>) {
        self.shared.hub.set_alerts_problem(problem);
    }

    /// Tells consoles to show a conversation.
    pub fn reveal(&self, conversation: ConversationId) {
        self.shared.hub.tell(deskbell_protocol::agent::Update::Reveal { conversation });
    }

    /// The link to the browser console, with the secret in its fragment, which browsers do not send.
    #[must_use]
    pub fn console_link(&self) -> Option<String> {
        match self.listening() {
            Listening::Listening { url, .. } => Some(format!("{url}/console/#secret={}", self.shared.secret)),
            _ => None,
        }
    }

    /// Stops in order: no new sockets, customers told (close 1001), what is queued committed, the store closed.
    pub async fn close(&self) {
        let mut listener = self.shared.listener.lock().await;
        if let Some(listener) = listener.take() {
            listener.close().await;
        }
        self.shared.stopping.send_replace(true);
        drop(listener);
        self.shared.hub.set_listening(Listening::Stopped {});
        if tokio::time::timeout(GOODBYE, self.shared.gate.emptied()).await.is_err() {
            tracing::warn!("some sockets did not close in time");
        }
        self.shared.store.close(now(), self.shared.hub.next_conversation()).await;
        self.shared.hub.close_watches();
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.shared.hub
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn console(&self) -> ConsoleAssets {
        self.shared.options.console
    }

    /// Whether this is the agent's secret. Compares hashes: how long it takes tells nothing.
    pub(crate) fn is_secret(&self, secret: &str) -> bool {
        hash(secret) == self.shared.secret_hash
    }

    /// A place for a call that is larger than a frame.
    pub(crate) fn large_calls(&self) -> &Semaphore {
        &self.shared.large_calls
    }

    pub(crate) fn stopping(&self) -> Stopping {
        Stopping::new(self.shared.stopping.subscribe())
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.shared.gate
    }

    /// Queues a customer's command; its outcome comes through the outbox of `connection`.
    pub(crate) async fn submit(
        &self,
        conversation: ConversationId,
        connection: ConnectionId,
        command: Command,
    ) -> Result<(), Refusal> {
        let hub = &self.shared.hub;
        let away = hub.is_away();
        let (visitor, epoch) = hub.begin(conversation, Some(connection)).ok_or_else(|| {
            Refusal::new(Code::ShuttingDown, "This conversation is not here any more; connect again.")
        })?;
        let connection = Some(connection);
        let submission = Submission { conversation, command, now: now(), connection, visitor, away, epoch };
        let submitted = self.shared.store.submit(submission).await;
        if submitted.is_err() {
            hub.abandon(conversation);
        }
        submitted
    }

    /// Runs a command of an agent or a responder and waits for its commit.
    pub(crate) async fn execute(
        &self,
        conversation: ConversationId,
        command: Command,
    ) -> Result<Receipt, Refusal> {
        let away = self.shared.hub.is_away();
        let (visitor, epoch) = self.shared.hub.begin(conversation, None).unwrap_or_else(|| (None, "".into()));
        let connection = None;
        let submission = Submission { conversation, command, now: now(), connection, visitor, away, epoch };
        let answer = self.shared.store.execute(submission).await;
        if answer.as_ref().is_err_and(|refusal| refusal.code == Code::ShuttingDown) {
            self.shared.hub.abandon(conversation);
        }
        answer
    }
}
