//! The system's keyring, on a thread of its own: its calls block, ask a person to unlock, or with a session bus that has
//! died never return. Who waits here waits with a deadline; the thread may wait for ever, and harms nobody.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deskbell_protocol::responder::SecretName;
use tokio::sync::oneshot;

/// The service under which secrets stand in the keyring.
const SERVICE: &str = "deskbell";
/// How long the system's keyring may take.
const DEADLINES: Deadlines =
    Deadlines { open: Duration::from_secs(5), get: Duration::from_secs(5), change: Duration::from_secs(60) };
/// How `secret_service` says that there is no collection of the name `default`: the type of its errors cannot be named
/// here. `tests/keyring.rs` asks a real service.
const NO_COLLECTION: &str = "result not returned";
/// Jobs waiting for the thread.
const JOBS: usize = 8;

/// How long a keyring may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// Until it is known whether there is one. Nobody is asked anything.
    pub(super) open: Duration,
    /// Until it gives a secret; a customer waits meanwhile. It may ask a person to unlock it, and can be asked again.
    pub(super) get: Duration,
    /// Until a change is made; a person who unlocks it first has this long.
    pub(super) change: Duration,
}

/// Why the keyring could not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is none, or it cannot hold this.
    Missing,
    /// It is there and did not answer in time: most likely it is locked.
    NoAnswer,
}

/// What the thread does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// Finds out whether there is a keyring.
    Open,
    Get(SecretName),
    Set(SecretName, String),
    Delete(SecretName),
}

/// How the thread does it. Blocks.
type Act = Box<dyn FnMut(Work) -> Result<Option<String>, Trouble> + Send>;

struct Job {
    work: Work,
    done: oneshot::Sender<Result<Option<String>, Trouble>>,
}

/// A keyring, or none.
#[derive(Debug)]
pub(super) struct Keyring {
    // Taken to start the thread and to change the state; never held across an await.
    state: Mutex<State>,
    deadlines: Deadlines,
}

enum State {
    /// Nobody has asked yet.
    New(Act),
    /// The thread runs.
    Running(SyncSender<Job>),
    /// There is no keyring.
    Missing,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::New(_) => "New",
            Self::Running(_) => "Running",
            Self::Missing => "Missing",
        })
    }
}

impl Keyring {
    /// The system's: on Linux the Secret Service of the session, on macOS the Keychain, on Windows the Credential Manager.
    pub(super) fn of_system(folder: &Path) -> Self {
        // Desks on different folders have different secrets.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let folder = folder.to_string_lossy().into_owned();
        Self::acting(Box::new(move |work| act(&folder, work)), DEADLINES)
    }

    pub(super) fn none() -> Self {
        Self { state: Mutex::new(State::Missing), deadlines: DEADLINES }
    }

    pub(super) fn acting(act: Act, deadlines: Deadlines) -> Self {
        Self { state: Mutex::new(State::New(act)), deadlines }
    }

    pub(super) async fn get(&self, name: SecretName) -> Result<Option<String>, Trouble> {
        self.open().await?;
        self.run(Work::Get(name), self.deadlines.get).await
    }

    pub(super) async fn set(&self, name: SecretName, secret: String) -> Result<(), Trouble> {
        self.open().await?;
        self.run(Work::Set(name, secret), self.deadlines.change).await.map(drop)
    }

    pub(super) async fn delete(&self, name: SecretName) -> Result<(), Trouble> {
        self.open().await?;
        self.run(Work::Delete(name), self.deadlines.change).await.map(drop)
    }

    /// A keyring that does not even open in time is as good as none, until the next start.
    async fn open(&self) -> Result<(), Trouble> {
        if matches!(*self.state(), State::Running(_)) {
            return Ok(());
        }
        let opened = self.run(Work::Open, self.deadlines.open).await;
        if let Err(trouble) = opened {
            if trouble == Trouble::NoAnswer {
                tracing::warn!(
                    "the system's keyring does not answer; this desk does without it until it is started again"
                );
            }
            *self.state() = State::Missing;
            return Err(Trouble::Missing);
        }
        Ok(())
    }

    async fn run(&self, work: Work, deadline: Duration) -> Result<Option<String>, Trouble> {
        let (done, answer) = oneshot::channel();
        let jobs = self.jobs()?;
        match jobs.try_send(Job { work, done }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Trouble::NoAnswer),
            Err(TrySendError::Disconnected(_)) => return Err(Trouble::Missing),
        }
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_thread_died)) => Err(Trouble::Missing),
            Err(_late) => Err(Trouble::NoAnswer),
        }
    }

    fn jobs(&self) -> Result<SyncSender<Job>, Trouble> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Missing) {
            State::New(act) => {
                let (sender, jobs) = sync_channel(JOBS);
                let thread = std::thread::Builder::new().name("keyring".to_owned());
                thread.spawn(move || work(act, &jobs)).map_err(|_| Trouble::Missing)?;
                *state = State::Running(sender.clone());
                Ok(sender)
            }
            State::Running(sender) => {
                *state = State::Running(sender.clone());
                Ok(sender)
            }
            State::Missing => Err(Trouble::Missing),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(mut act: Act, jobs: &Receiver<Job>) {
    while let Ok(Job { work, done }) = jobs.recv() {
        // Who asked may have given up; what was asked to be changed is changed all the same.
        let _given_up = done.send(act(work));
    }
}

/// Does it with the system's keyring. Blocks.
fn act(folder: &str, work: Work) -> Result<Option<String>, Trouble> {
    use ::keyring::{Entry, Error};
    let entry = |name: SecretName| {
        let name = match name {
            SecretName::ModelKey => "model key",
            SecretName::WebhookSecret => "webhook secret",
        };
        Entry::new(SERVICE, &format!("{name} of {folder}"))
    };
    let result = match work {
        // Asking for a secret would make a person unlock the keyring for nothing.
        Work::Open => match Entry::store_status() {
            Ok(()) => Ok(None),
            Err(error) => {
                tracing::info!(%error, "this system has no keyring");
                return Err(Trouble::Missing);
            }
        },
        Work::Get(name) => entry(name).and_then(|entry| entry.get_password()).map(Some),
        Work::Set(name, secret) => entry(name).and_then(|entry| entry.set_password(&secret)).map(|()| None),
        Work::Delete(name) => entry(name).and_then(|entry| entry.delete_credential()).map(|()| None),
    };
    match result {
        Ok(found) => Ok(found),
        Err(Error::NoEntry) => Ok(None),
        Err(Error::NoStorageAccess(why)) if why.to_string().contains(NO_COLLECTION) => {
            tracing::info!("this session has a keyring service, and nobody has ever made a keyring in it");
            Err(Trouble::Missing)
        }
        // The person said no, or the keyring stayed locked: not a reason to write the secret to a file.
        Err(Error::NoStorageAccess(_)) => Err(Trouble::NoAnswer),
        Err(error) => {
            // Only the kind: some errors carry what was read.
            let kind = match error {
                Error::PlatformFailure(_) => "the platform failed",
                Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => {
                    "what it has is damaged"
                }
                Error::TooLong(..) => "the secret is too long for it",
                _ => "it refused",
            };
            tracing::warn!("the system's keyring cannot be used: {kind}");
            Err(Trouble::Missing)
        }
    }
}
