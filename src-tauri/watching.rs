//! Tells the console's page what happens, as it asks: all that has come since it drew the last.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deskbell_protocol::{Code, Refusal};
use deskbell_server::{ActivitySwitch, Watch, now};
use serde_json::json;
use tauri::AppHandle;
use tauri::async_runtime::{JoinHandle, spawn};
use tokio::sync::{mpsc, oneshot, watch};

use crate::window;

/// Bytes of JSON in one batch, about.
const ROOM: usize = 1024 * 1024;
/// While nothing happens the page is told so this often: without an answer for longer, it begins anew.
const QUIET: Duration = Duration::from_secs(15);

/// The one watch of the console. A page that was reloaded begins anew.
#[derive(Default)]
pub(crate) struct Watching {
    // Replaced as a whole; never held across an await.
    current: Mutex<Option<Current>>,
}

struct Current {
    number: u32,
    task: JoinHandle<()>,
    asks: mpsc::Sender<Ask>,
    /// Set once the desk records what happens for it: from then on a snapshot misses nothing.
    begun: watch::Receiver<Option<ActivitySwitch>>,
}

/// A page that has taken all batches up to one and waits for the next.
struct Ask {
    after: i64,
    /// A batch as JSON.
    answer: oneshot::Sender<String>,
}

impl Watching {
    /// Begins a watch, which ends the earlier one. Returns its number.
    pub(crate) fn begin(&self, app: &AppHandle) -> u32 {
        let (begin, begun) = watch::channel(None);
        let (asks, asked) = mpsc::channel(1);
        let task = spawn(run(app.clone(), begin, asked));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let number = current.as_ref().map_or(0, |earlier| earlier.number.wrapping_add(1));
        if let Some(earlier) = current.replace(Current { number, task, asks, begun }) {
            earlier.task.abort();
        }
        number
    }

    /// The batch after this one, as JSON, as soon as there is one; after 15 s one with nothing in it.
    ///
    /// # Errors
    /// [`Code::ShuttingDown`] when this watch has ended, because a later one has begun or the desk has closed, and when
    /// the page has asked again meanwhile.
    pub(crate) async fn next(&self, number: u32, after: i64) -> Result<String, Refusal> {
        let asks = {
            let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.as_ref().filter(|current| current.number == number).map(|current| current.asks.clone())
        };
        let answered = tokio::time::timeout(QUIET, ask(asks.as_ref(), after)).await;
        match answered {
            Ok(answer) => answer.ok_or_else(|| Refusal::new(Code::ShuttingDown, "This watch has ended.")),
            // Should a batch be taken just now, then it is given to the next question.
            Err(_) => Ok(nothing_since(after)),
        }
    }

    /// Returns once the watch that was asked for last has begun, if there is one, with what turns its events of sockets
    /// on and off.
    pub(crate) async fn begun(&self) -> Option<ActivitySwitch> {
        let begun = {
            let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.as_ref().map(|current| current.begun.clone())
        };
        // An error means that it has ended, and there is nothing to wait for.
        begun?.wait_for(Option::is_some).await.ok()?.clone()
    }
}

async fn ask(asks: Option<&mpsc::Sender<Ask>>, after: i64) -> Option<String> {
    let (answer, answered) = oneshot::channel();
    asks?.send(Ask { after, answer }).await.ok()?;
    answered.await.ok()
}

fn nothing_since(after: i64) -> String {
    json!({ "serial": after, "now": now(), "updates": [] }).to_string()
}

async fn run(app: AppHandle, begin: watch::Sender<Option<ActivitySwitch>>, asks: mpsc::Receiver<Ask>) {
    let Some(desk) = window::shell(&app).desk_at_last().await else { return };
    let watch = desk.watch().in_batches_of(ROOM);
    begin.send_replace(Some(watch.activity()));
    answer(watch, asks).await;
}

/// Answers one question after the other. What was given last is given again to a page that did not get it: Tauri repeats
/// a question, another way, when the first way fails.
async fn answer(mut watch: Watch, mut asks: mpsc::Receiver<Ask>) {
    let (mut given, mut text) = (0, String::new());
    let mut waiting = None;
    loop {
        let Some(ask) = (match waiting.take() {
            Some(ask) => Some(ask),
            None => asks.recv().await,
        }) else {
            return;
        };
        if ask.after >= given {
            let batch = tokio::select! {
                batch = watch.next() => batch,
                // Nobody waits for the answer to the earlier question any more.
                later = asks.recv() => {
                    waiting = later;
                    continue;
                }
            };
            let Some(batch) = batch else { return };
            let Ok(json) = serde_json::to_string(&batch) else { return };
            (given, text) = (batch.serial, json);
        }
        // Whoever has gone meanwhile is given it when it asks again.
        let _ = ask.answer.send(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use deskbell_server::{Desk, Options};
    use serde_json::Value;
    use tempfile::TempDir;

    use super::*;

    /// A desk, the way to ask for what happens there, and where its data lies.
    async fn open() -> (Desk, mpsc::Sender<Ask>, TempDir) {
        let data = TempDir::new().unwrap();
        let data_dir = data.path().to_owned();
        let desk = Desk::open(Options { data_dir, listen: None, console: |_| None }).await.unwrap();
        let (asks, asked) = mpsc::channel(1);
        tokio::spawn(answer(desk.watch().in_batches_of(ROOM), asked));
        (desk, asks, data)
    }

    async fn next(asks: &mpsc::Sender<Ask>, after: i64) -> (i64, Vec<String>) {
        read(&ask(Some(asks), after).await.unwrap())
    }

    /// The serial of a batch, and what happened.
    fn read(batch: &str) -> (i64, Vec<String>) {
        let batch: Value = serde_json::from_str(batch).unwrap();
        let updates = batch["updates"].as_array().unwrap().iter();
        let happened = updates.filter_map(|update| Some(update["problem"].as_str()?.to_owned()));
        (batch["serial"].as_i64().unwrap(), happened.collect())
    }

    fn happens(desk: &Desk, what: &str) {
        desk.report_alerts_problem(Some(what.to_owned()));
    }

    #[tokio::test]
    async fn a_page_gets_in_one_batch_all_that_happened_since_it_asked_last() {
        let (desk, asks, _data) = open().await;
        happens(&desk, "first");
        assert_eq!(next(&asks, 0).await, (1, vec!["first".to_owned()]));
        let names: Vec<_> = (1..=1_000).map(|number| number.to_string()).collect();
        names.iter().for_each(|name| happens(&desk, name));
        assert_eq!(next(&asks, 1).await, (2, names));
        desk.close().await;
    }

    #[tokio::test]
    async fn what_a_page_did_not_get_is_given_again() {
        let (desk, asks, _data) = open().await;
        happens(&desk, "lost on the way");
        let lost = next(&asks, 0).await;
        happens(&desk, "later");
        assert_eq!(next(&asks, 0).await, lost);
        assert_eq!(next(&asks, lost.0).await, (2, vec!["later".to_owned()]));
        desk.close().await;
    }

    #[tokio::test]
    async fn of_two_questions_the_later_is_answered() {
        let (desk, asks, _data) = open().await;
        let (answer, earlier) = oneshot::channel();
        asks.send(Ask { after: 0, answer }).await.unwrap();
        let (answer, later) = oneshot::channel();
        asks.send(Ask { after: 0, answer }).await.unwrap();
        assert!(earlier.await.is_err(), "nobody waits for it");
        happens(&desk, "once");
        assert_eq!(read(&later.await.unwrap()), (1, vec!["once".to_owned()]));
        desk.close().await;
    }

    #[tokio::test]
    async fn nothing_is_skipped_by_an_answer_that_tells_of_nothing() {
        assert_eq!(read(&nothing_since(7)), (7, vec![]));
        let (desk, asks, _data) = open().await;
        let (answer, given_up) = oneshot::channel();
        asks.send(Ask { after: 0, answer }).await.unwrap();
        drop(given_up);
        happens(&desk, "at last");
        assert_eq!(next(&asks, 0).await, (1, vec!["at last".to_owned()]));
        desk.close().await;
    }

    #[tokio::test]
    async fn a_watch_ends_with_its_desk() {
        let (desk, asks, _data) = open().await;
        desk.close().await;
        // What happened before is told, then nothing more.
        let mut told = 0;
        while let Some(batch) = ask(Some(&asks), told).await {
            told = read(&batch).0;
        }
        assert_eq!(ask(None, 0).await, None, "nor is there one of a number that was not given");
    }
}
