//! The one signal that everything under way listens to.

use tokio::sync::watch;

/// Resolves when the desk is stopping.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    pub(crate) fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Waits for it. Cancelling loses nothing.
    pub(crate) async fn wait(&mut self) {
        // An error means that the desk is gone, which is the same.
        let _stopping = self.0.wait_for(|stopping| *stopping).await.is_ok();
    }
}
