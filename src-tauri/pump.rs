//! Carries the desk's updates to the console's window, no faster than the window takes them.

use std::sync::{Mutex, PoisonError};

use deskbell_server::{ActivitySwitch, Watch};
use tauri::AppHandle;
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::ipc::Channel;
use tokio::sync::watch;

use crate::window;

/// How many batches may be under way. Beyond that the desk coalesces them, and at last asks the console to resync.
const UNACKNOWLEDGED: i64 = 32;

/// The one watch of the console. A page that was reloaded begins anew.
#[derive(Default)]
pub(crate) struct Pump {
    // Replaced as a whole; never held across an await.
    running: Mutex<Option<Running>>,
}

struct Running {
    task: JoinHandle<()>,
    acknowledged: watch::Sender<i64>,
    /// Set once the desk records what happens for it: from then on a snapshot misses nothing.
    begun: watch::Receiver<Option<ActivitySwitch>>,
}

impl Pump {
    /// Sends what happens from now on to this channel, and to no earlier one.
    pub(crate) fn start(&self, app: &AppHandle, channel: Channel<String>) {
        let (begin, begun) = watch::channel(None);
        let acknowledged = watch::Sender::new(0);
        let task = spawn(run(app.clone(), channel, begin, acknowledged.subscribe()));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = running.replace(Running { task, acknowledged, begun }) {
            earlier.task.abort();
        }
    }

    /// Notes that the console has taken all batches up to this one.
    pub(crate) fn acknowledge(&self, serial: i64) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            running.acknowledged.send_if_modified(|known| {
                let is_news = serial > *known;
                *known = serial.max(*known);
                is_news
            });
        }
    }

    /// Returns once the watch that was asked for last has begun, if there is one, with what turns its events of sockets
    /// on and off.
    pub(crate) async fn begun(&self) -> Option<ActivitySwitch> {
        let begun = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.as_ref().map(|running| running.begun.clone())
        };
        // An error means that it has ended, and there is nothing to wait for.
        begun?.wait_for(Option::is_some).await.ok()?.clone()
    }
}

async fn run(
    app: AppHandle,
    channel: Channel<String>,
    begin: watch::Sender<Option<ActivitySwitch>>,
    acknowledged: watch::Receiver<i64>,
) {
    let Some(desk) = window::shell(&app).desk_at_last().await else { return };
    let watch = desk.watch();
    begin.send_replace(Some(watch.activity()));
    carry(watch, &channel, acknowledged).await;
}

/// Each batch as a text of JSON for the page to parse: as a value it would be run as a script, which takes longer.
async fn carry(mut watch: Watch, channel: &Channel<String>, mut acknowledged: watch::Receiver<i64>) {
    while let Some(batch) = watch.next().await {
        let serial = batch.serial;
        let Ok(text) = serde_json::to_string(&batch) else { return };
        if channel.send(text).is_err() {
            return;
        }
        let in_time = |known: &i64| serial.saturating_sub(*known) < UNACKNOWLEDGED;
        if acknowledged.wait_for(in_time).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use deskbell_protocol::agent::Batch;
    use deskbell_server::{Desk, Options};
    use tauri::ipc::InvokeResponseBody;

    use super::*;

    #[tokio::test]
    async fn a_window_that_does_not_acknowledge_gets_no_more_than_32_batches() {
        let data = tempfile::tempdir().unwrap();
        let data_dir = data.path().to_owned();
        let desk = Desk::open(Options { data_dir, listen: None, console: |_| None }).await.unwrap();
        let (arrived, mut serials) = tokio::sync::mpsc::channel(1_000);
        let channel = Channel::new(move |body| {
            let InvokeResponseBody::Json(text) = body else { panic!("batches are JSON") };
            let batch = serde_json::from_str::<String>(&text).unwrap();
            arrived.try_send(serde_json::from_str::<Batch>(&batch).unwrap().serial).unwrap();
            Ok(())
        });
        let acknowledged = watch::Sender::new(0);
        let mut quick = desk.watch();
        let carrying = tokio::spawn({
            let (watch, known) = (desk.watch(), acknowledged.subscribe());
            async move { carry(watch, &channel, known).await }
        });
        // Another watch of the same desk tells that time for many more batches has passed.
        for number in 0..UNACKNOWLEDGED + 20 {
            desk.report_alerts_problem(Some(number.to_string()));
            quick.next().await.unwrap();
        }
        for serial in 1..=UNACKNOWLEDGED {
            assert_eq!(serials.recv().await, Some(serial));
        }
        assert!(serials.try_recv().is_err(), "the rest waits, and is bounded, in the desk");
        acknowledged.send_replace(UNACKNOWLEDGED);
        assert_eq!(serials.recv().await, Some(UNACKNOWLEDGED + 1), "and none is left out");
        desk.close().await;
        carrying.await.unwrap();
    }
}
