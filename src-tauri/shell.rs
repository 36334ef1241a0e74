//! What the parts of the window share: the desk, once it is open, and what they know of each other.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use deskbell_protocol::{Code, Refusal};
use deskbell_server::{Desk, OpenError};
use tokio::sync::watch;

use crate::watching::Watching;

/// The desk, as far as it has come.
#[derive(Clone)]
enum Opening {
    Waiting,
    Open(Desk),
    /// Why not.
    Failed(Refusal),
}

/// Managed by Tauri, one for the whole app.
pub(crate) struct Shell {
    pub(crate) data_dir: PathBuf,
    pub(crate) watching: Watching,
    opening: watch::Sender<Opening>,
    focused: watch::Sender<bool>,
    quitting: AtomicBool,
}

impl Shell {
    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            watching: Watching::default(),
            opening: watch::Sender::new(Opening::Waiting),
            focused: watch::Sender::new(false),
            quitting: AtomicBool::new(false),
        }
    }

    /// Gives the desk to those who wait for it.
    pub(crate) fn opened(&self, desk: Desk) {
        self.opening.send_replace(Opening::Open(desk));
    }

    /// Tells those who wait why there is no desk yet.
    pub(crate) fn failed(&self, error: &OpenError) {
        let refusal = Refusal::new(Code::Internal, error.to_string()).in_chinese(error.in_chinese());
        self.opening.send_replace(Opening::Failed(refusal));
    }

    /// The desk, as soon as it is open, or why it is not.
    pub(crate) async fn desk(&self) -> Result<Desk, Refusal> {
        let mut opening = self.opening.subscribe();
        let opened = opening.wait_for(|opening| !matches!(opening, Opening::Waiting)).await;
        match opened.as_deref() {
            Ok(Opening::Open(desk)) => Ok(desk.clone()),
            Ok(Opening::Failed(refusal)) => Err(refusal.clone()),
            Ok(Opening::Waiting) | Err(_) => Err(Refusal::new(Code::ShuttingDown, "The desk is closing.")),
        }
    }

    /// The desk, however often its opening fails before.
    pub(crate) async fn desk_at_last(&self) -> Option<Desk> {
        let mut opening = self.opening.subscribe();
        let opened = opening.wait_for(|opening| matches!(opening, Opening::Open(_))).await;
        match opened.as_deref() {
            Ok(Opening::Open(desk)) => Some(desk.clone()),
            _ => None,
        }
    }

    /// The desk, if it is open by now.
    pub(crate) fn desk_now(&self) -> Option<Desk> {
        match &*self.opening.borrow() {
            Opening::Open(desk) => Some(desk.clone()),
            Opening::Waiting | Opening::Failed(_) => None,
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        matches!(&*self.opening.borrow(), Opening::Failed(_))
    }

    pub(crate) fn set_focused(&self, focused: bool) {
        self.focused.send_replace(focused);
    }

    /// Whether the console's window has the focus, now and as it changes.
    pub(crate) fn focus(&self) -> watch::Receiver<bool> {
        self.focused.subscribe()
    }

    /// Whether this call is the first that wants to quit.
    pub(crate) fn begin_to_quit(&self) -> bool {
        !self.quitting.swap(true, Ordering::SeqCst)
    }
}
