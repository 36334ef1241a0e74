//! Shows alerts as the system's notifications, with a sound where the settings want one.

use std::collections::HashMap;
use std::time::Duration;

use deskbell_protocol::ConversationId;
use deskbell_protocol::settings::Language;
use deskbell_server::Desk;
use notify_rust::{Notification, NotificationHandle};
use tauri::AppHandle;
use tauri::async_runtime::{JoinHandle, spawn, spawn_blocking};
use tokio::sync::oneshot;

use crate::alerts::Alert;
use crate::texts;

/// More alerts than this at once become one notification.
const AT_ONCE: usize = 3;
/// How many notifications are kept clickable. Each holds a connection to the notification service.
const KEPT: usize = 32;
/// Longest time that the notification service may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Why an alert was not shown.
pub(crate) enum NotShown {
    /// The notification service did not answer within [`PATIENCE`].
    Late,
    /// The system's own word.
    Refused(String),
}

/// The notifications on the screen.
pub(crate) struct Notices {
    app: AppHandle,
    desk: Desk,
    /// Dropping one takes its notification away.
    shown: HashMap<Option<ConversationId>, oneshot::Sender<()>>,
    /// A call that the notification service has not answered in time. It holds a thread, so there is never a second.
    unanswered: Option<JoinHandle<()>>,
    /// Why the last alert was not shown.
    problem: Option<NotShown>,
}

impl Notices {
    pub(crate) fn new(app: AppHandle, desk: Desk) -> Self {
        Self { app, desk, shown: HashMap::new(), unanswered: None, problem: None }
    }

    /// Shows these alerts.
    pub(crate) async fn show(&mut self, language: Language, sound: bool, alerts: Vec<Alert>) {
        if alerts.is_empty() {
            return;
        }
        let mut shown = Ok(());
        if alerts.len() > AT_ONCE {
            shown = self.one(language, sound, None, texts::many(language, &alerts)).await;
        } else {
            for alert in alerts {
                shown =
                    self.one(language, sound, Some(alert.conversation), texts::alert(language, &alert)).await;
            }
        }
        self.problem = shown.err();
    }

    /// Tells the desk why alerts do not work, or that they do, in the language that the console has now.
    pub(crate) fn tell_problem(&self, language: Language) {
        let problem = self.problem.as_ref().map(|why| texts::alerts_problem(language, why));
        self.desk.report_alerts_problem(problem);
    }

    /// Takes a notification away that someone has looked at.
    pub(crate) fn withdraw(&mut self, conversation: ConversationId) {
        self.shown.remove(&Some(conversation));
    }

    async fn one(
        &mut self,
        language: Language,
        sound: bool,
        conversation: Option<ConversationId>,
        (title, body): (String, String),
    ) -> Result<(), NotShown> {
        // A repeated alert takes the place of the one before it.
        self.shown.remove(&conversation);
        self.shown.retain(|_, open| !open.is_closed());
        if self.shown.len() >= KEPT
            && let Some(any) = self.shown.keys().next().copied()
        {
            self.shown.remove(&any);
        }
        if self.unanswered.as_ref().is_some_and(|call| !call.inner().is_finished()) {
            return Err(NotShown::Late);
        }
        let mut notification = Notification::new();
        notification.appname("Deskbell").summary(&title).body(&plain(&body));
        prepare(&mut notification, language, sound);
        let mut showing =
            spawn_blocking(move || notification.show().map_err(|error| NotShown::Refused(error.to_string())));
        let handle = match tokio::time::timeout(PATIENCE, &mut showing).await {
            Ok(Ok(shown)) => shown?,
            Ok(Err(error)) => return Err(NotShown::Refused(error.to_string())),
            Err(_) => {
                // Told as not shown, so what comes at last goes at once; the next repetition stays.
                self.unanswered = Some(spawn(async move {
                    if let Ok(Ok(handle)) = showing.await {
                        take_away(handle).await;
                    }
                }));
                return Err(NotShown::Late);
            }
        };
        let (withdraw, withdrawn) = oneshot::channel();
        self.shown.insert(conversation, withdraw);
        spawn(follow(self.app.clone(), self.desk.clone(), conversation, handle, withdrawn));
        Ok(())
    }
}

/// Some notification services read the body as markup, and customers' text must stay text: these look the same.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '<' => '‹',
            '>' => '›',
            '&' => '＆',
            c => c,
        })
        .collect()
}

#[cfg(target_os = "linux")]
fn prepare(notification: &mut Notification, language: Language, sound: bool) {
    notification.icon("deskbell").action("default", texts::look(language));
    notification.hint(notify_rust::Hint::DesktopEntry("Deskbell".to_owned()));
    if sound {
        notification.sound_name("message-new-instant");
    } else {
        notification.hint(notify_rust::Hint::SuppressSound(true));
    }
}

#[cfg(not(target_os = "linux"))]
fn prepare(notification: &mut Notification, _language: Language, sound: bool) {
    if sound {
        notification.sound_name(if cfg!(windows) { "IM" } else { "Ping" });
    }
}

#[cfg(target_os = "linux")]
async fn take_away(handle: NotificationHandle) {
    handle.close_async().await;
}

#[cfg(not(target_os = "linux"))]
async fn take_away(_handle: NotificationHandle) {}

/// Opens the conversation when its notification is chosen, and takes the notification away when it was looked at.
#[cfg(target_os = "linux")]
async fn follow(
    app: AppHandle,
    desk: Desk,
    conversation: Option<ConversationId>,
    handle: NotificationHandle,
    withdrawn: oneshot::Receiver<()>,
) {
    use notify_rust::NotificationResponse;
    let (chosen, was_chosen) = oneshot::channel();
    let acted = handle.wait_for_action_async(|response: &NotificationResponse| {
        if matches!(response, NotificationResponse::Default | NotificationResponse::Action(_)) {
            // The receiver waits below.
            let _heard = chosen.send(());
        }
    });
    tokio::select! {
        () = acted => {}
        _ = withdrawn => take_away(handle).await,
    }
    if was_chosen.await.is_ok() {
        crate::window::show(&app);
        if let Some(conversation) = conversation {
            desk.reveal(conversation);
        }
    }
}

/// Elsewhere the system brings the app forward by itself, and does not say for which notification.
#[cfg(not(target_os = "linux"))]
async fn follow(
    _app: AppHandle,
    _desk: Desk,
    _conversation: Option<ConversationId>,
    _handle: NotificationHandle,
    withdrawn: oneshot::Receiver<()>,
) {
    let _withdrawn = withdrawn.await;
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_customer_writes_is_no_markup() {
        assert_eq!(plain("<a href=x>1 & 2</a>"), "‹a href=x›1 ＆ 2‹/a›");
    }
}
