//! Watches the desk for what the agent should know while looking elsewhere. In Rust, because hidden pages are suspended
//! on some systems.

use std::time::Duration;

use deskbell_protocol::agent::{Batch, Filter, Request, Response, Update};
use deskbell_protocol::entity::{Author, Conversation, Counts};
use deskbell_protocol::limits;
use deskbell_protocol::settings::{Language, Settings};
use deskbell_protocol::{ConversationId, Refusal};
use deskbell_server::{Desk, now};
use tauri::AppHandle;
use tokio::sync::watch;

use crate::alerts::Alerts;
use crate::notices::Notices;
use crate::{tray, window};

/// Runs until the desk has closed.
pub(crate) async fn attend(app: AppHandle, desk: Desk) {
    let focus = window::shell(&app).focus();
    let mut watch = desk.watch();
    let mut attention = Attention {
        alerts: Alerts::default(),
        notices: Notices::new(app.clone(), desk.clone()),
        settings: desk.settings(),
        counts: desk.counts(),
        in_tray: None,
        app,
        desk,
        focus: focus.clone(),
    };
    attention.resync().await;
    let mut focus_changes = focus;
    loop {
        attention.show_tray();
        attention.notify().await;
        tokio::select! {
            batch = watch.next() => match batch {
                Some(batch) => attention.take(batch).await,
                None => return,
            },
            () = tokio::time::sleep(attention.time_to_next()) => {}
            changed = focus_changes.changed() => if changed.is_err() { return },
        }
    }
}

struct Attention {
    app: AppHandle,
    desk: Desk,
    alerts: Alerts,
    notices: Notices,
    settings: Settings,
    counts: Counts,
    /// What the tray icon shows.
    in_tray: Option<(Language, u32)>,
    focus: watch::Receiver<bool>,
}

impl Attention {
    async fn take(&mut self, batch: Batch) {
        for update in batch.updates {
            match update {
                Update::Message { conversation, message } if message.author == Author::Customer => {
                    self.alerts.heard(conversation, &message.text);
                }
                Update::Conversation { conversation } => self.conversation(&conversation),
                Update::Gone { conversation } => self.gone(conversation),
                Update::Counts { counts } => self.counts = counts,
                Update::Settings { settings } => self.settings = *settings,
                Update::Resync {} => self.resync().await,
                _ => {}
            }
        }
    }

    /// Catches up with the desk: the open conversations, those that need a human, and those it knew.
    async fn resync(&mut self) {
        if let Ok(Response::Snapshot(snapshot)) = self.desk.call(Request::Snapshot {}).await {
            self.settings = snapshot.settings;
            self.counts = snapshot.counts;
            for conversation in &snapshot.conversations {
                self.conversation(conversation);
            }
        }
        let needs_me =
            Request::Conversations { filter: Filter::NeedsMe, before: None, limit: limits::LIST_PAGE };
        if let Ok(Response::Conversations { conversations, .. }) = self.desk.call(needs_me).await {
            for conversation in &conversations {
                self.conversation(conversation);
            }
        }
        for id in self.alerts.tracked() {
            match self.desk.call(Request::Conversation { conversation: id }).await {
                Ok(Response::Conversation { conversation }) => self.conversation(&conversation),
                Ok(_) => {}
                Err(Refusal { .. }) => self.gone(id),
            }
        }
    }

    fn conversation(&mut self, conversation: &Conversation) {
        let focused = *self.focus.borrow();
        self.alerts.update(conversation, focused, now());
        if !self.alerts.is_open(conversation.id) {
            self.notices.withdraw(conversation.id);
        }
    }

    fn gone(&mut self, conversation: ConversationId) {
        self.alerts.forget(conversation);
        self.notices.withdraw(conversation);
    }

    fn show_tray(&mut self) {
        let wanted = (self.desk.console_language(), self.counts.needs_me);
        if self.in_tray != Some(wanted) {
            tray::update(&self.app, wanted.0, wanted.1);
            self.in_tray = Some(wanted);
        }
    }

    async fn notify(&mut self) {
        let focused = *self.focus.borrow();
        let due = self.alerts.due(&self.settings.alerts, focused, now());
        let language = self.desk.console_language();
        self.notices.show(language, self.settings.alerts.sound, due).await;
        self.notices.tell_problem(language);
    }

    fn time_to_next(&self) -> Duration {
        let focused = *self.focus.borrow();
        let next = self.alerts.next_due(&self.settings.alerts, focused);
        let milliseconds = next.map_or(i64::from(u32::MAX), |at| at.since(now()).max(0));
        Duration::from_millis(milliseconds.unsigned_abs())
    }
}
