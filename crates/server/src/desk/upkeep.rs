//! Backups, restoring and erasing, as consoles and the clock ask for them.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::upkeep::{Backup, BackupReason, DataProblem, Upkeep, UpkeepTask};
use deskbell_protocol::{Code, ConversationId, Refusal, Timestamp};
use deskbell_store::UpkeepError;
use tokio::time::Instant;

use super::{Desk, OpenError};
use crate::clock::{self, now};
use crate::identity::fresh_token;

/// Between two automatic backups.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How often is looked whether one is due.
const LOOK: Duration = Duration::from_secs(600);
/// However the clock jumps, there is no more than one automatic backup in this time.
const APART: Duration = Duration::from_secs(3600);

/// Puts a backup in the place of a folder's database, before the desk is opened. `file` is a path or the name of one of
/// the folder's backups. Gives a sentence that says what became of the database that was there.
///
/// # Errors
/// [`OpenError`]; nothing was changed.
pub fn restore(data_dir: &Path, file: &Path) -> Result<String, OpenError> {
    let epoch = fresh_token().map_err(OpenError::Randomness)?;
    let kept = deskbell_store::restore_closed(data_dir, file, &epoch, now())?;
    let kept = match kept {
        Some(kept) => format!("The database that was there is kept in {}.", kept.display()),
        None => "There was no database before.".to_owned(),
    };
    Ok(format!("Restored {}. {kept}", file.display()))
}

impl Desk {
    pub(super) async fn backups(&self) -> Result<Response, Refusal> {
        let backups = self.store().backups().await.map_err(refusal)?;
        Ok(Response::Backups {
            backups,
            folder: self.store().backups_folder().display().to_string(),
            problem: self.hub().data_problem(),
        })
    }

    /// Does work on the whole database, to its end even when whoever asked has left.
    pub(super) async fn keep_up(&self, request: Request) -> Result<Response, Refusal> {
        let desk = self.clone();
        let working = tokio::spawn(async move {
            match request {
                Request::BackUp {} => desk.back_up_now().await,
                Request::Restore { name } => desk.restore(name).await,
                Request::Erase { conversation } => desk.erase(conversation).await,
                _ => Err(Refusal::new(Code::UnknownType, "This request is not about the whole database.")),
            }
        });
        match working.await {
            Ok(done) => done,
            Err(_panicked) => {
                self.tell_upkeep(None);
                Err(Refusal::new(Code::Internal, "The desk failed at this; please report it."))
            }
        }
    }

    async fn back_up_now(&self) -> Result<Response, Refusal> {
        self.back_up(BackupReason::Asked).await.map_err(refusal)?;
        self.backups().await
    }

    async fn back_up(&self, reason: BackupReason) -> Result<Backup, UpkeepError> {
        let kept = usize::try_from(self.settings().backups_kept).unwrap_or(usize::MAX);
        let made = self.store().back_up(reason, now(), kept, self.telling(UpkeepTask::BackUp)).await;
        self.ended(&made);
        if let Err(error) = &made
            && !matches!(error, UpkeepError::Busy | UpkeepError::Closed)
        {
            tracing::error!(%error, "a backup was not made");
            self.hub().set_backups_problem(Some(DataProblem {
                message: format!("The last backup was not made. {error}"),
                message_zh: format!("上次备份没有完成。{}", error.in_chinese()),
            }));
        } else if made.is_ok() {
            self.hub().set_backups_problem(None);
        }
        made
    }

    async fn restore(&self, name: String) -> Result<Response, Refusal> {
        let epoch = fresh_token()
            .map_err(|_| Refusal::new(Code::Internal, "The system has no randomness to give."))?;
        let restored = self.store().restore(name, epoch, now(), self.telling(UpkeepTask::Restore)).await;
        self.ended(&restored);
        restored.map_err(refusal)?;
        // It was another database that could not be backed up.
        self.hub().set_backups_problem(None);
        Ok(Response::Done {})
    }

    async fn erase(&self, conversation: ConversationId) -> Result<Response, Refusal> {
        let erased = self.store().erase(conversation, self.telling(UpkeepTask::Erase)).await;
        self.ended(&erased);
        erased.map_err(refusal)?;
        // Offers to learn from it went with it.
        if let Ok(waiting) = self.store().readers().open_lessons().await {
            self.hub().set_lessons(waiting);
        }
        Ok(Response::Done {})
    }

    /// Work on the whole database that goes on.
    pub(super) fn under_way(&self) -> Option<Upkeep> {
        *self.shared.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_upkeep(&self, upkeep: Option<Upkeep>) {
        let mut known = self.shared.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != upkeep {
            *known = upkeep;
            self.hub().tell(Update::Upkeep { upkeep });
        }
    }

    /// Tells consoles how far a task is, when that changes.
    fn telling(&self, task: UpkeepTask) -> impl FnMut(u32) + Send + 'static {
        let desk = self.clone();
        move |percent| desk.tell_upkeep(Some(Upkeep { task, percent }))
    }

    /// Tells consoles that a task has ended, unless it was another one that is under way.
    fn ended<T>(&self, result: &Result<T, UpkeepError>) {
        if !matches!(result, Err(UpkeepError::Busy)) {
            self.tell_upkeep(None);
        }
    }

    /// Looks through a database that was too large for that at the start.
    pub(super) async fn look_through(self) {
        let mut stopping = self.stopping();
        if let Some(error) = self.store().look_through(stopping.wait()).await {
            self.is_damaged(&error);
        }
    }

    /// Tells consoles of damage that questions and writes meet.
    pub(super) async fn tell_of_damage(self) {
        let mut stopping = self.stopping();
        loop {
            tokio::select! {
                error = self.store().damage() => self.is_damaged(&error),
                () = stopping.wait() => return,
            }
        }
    }

    fn is_damaged(&self, error: &deskbell_store::OpenError) {
        tracing::error!(%error, "the database is not sound");
        self.hub().set_damage(DataProblem { message: error.to_string(), message_zh: error.in_chinese() });
    }

    /// Makes a backup whenever the last one is a day old, until the desk stops.
    pub(super) async fn back_up_daily(self) {
        let mut stopping = self.stopping();
        let mut look = tokio::time::interval(clock::test_interval().unwrap_or(LOOK));
        let mut tried: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = stopping.wait() => return,
            }
            let apart = clock::test_interval().unwrap_or(APART);
            if tried.is_some_and(|tried| tried.elapsed() < apart) || !self.hub().has_conversations() {
                continue;
            }
            let backups = self.store().backups().await.unwrap_or_default();
            if is_due(&backups, now()) {
                let made = self.back_up(BackupReason::Daily).await;
                tried = made.is_ok().then(Instant::now);
            }
        }
    }
}

/// Whether the last backup is a day old, or from a time that has not come yet: then the clock was wrong.
fn is_due(backups: &[Backup], now: Timestamp) -> bool {
    let counts = |backup: &&Backup| matches!(backup.reason, BackupReason::Daily | BackupReason::Asked);
    let age = backups.iter().find(counts).map(|last| now.since(last.at));
    // Names tell seconds only.
    age.is_none_or(|age| !(-1000..DAY_MS).contains(&age))
}

fn refusal(error: UpkeepError) -> Refusal {
    let code = match &error {
        UpkeepError::Busy => Code::Overloaded,
        UpkeepError::Closed => Code::ShuttingDown,
        UpkeepError::NoSuchConversation => Code::NoSuchConversation,
        UpkeepError::Missing(_)
        | UpkeepError::NotABackup(_)
        | UpkeepError::Newer { .. }
        | UpkeepError::Damaged { .. } => Code::BackupUnusable,
        _ => Code::StoreFailed,
    };
    Refusal::new(code, error.to_string()).in_chinese(error.in_chinese())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_due_after_a_day_and_when_the_clock_went_back() {
        let made = |at: i64, reason| Backup { name: String::new(), at: Timestamp(at), reason, bytes: 1 };
        let now = Timestamp(400 * DAY_MS);
        assert!(is_due(&[], now));
        for (at, due) in [(now.0, false), (now.0 - DAY_MS + 1, false), (now.0 - DAY_MS, true)] {
            assert_eq!(is_due(&[made(at, BackupReason::Daily)], now), due, "{at}");
        }
        assert!(is_due(&[made(now.0 + DAY_MS, BackupReason::Asked)], now));
        assert!(is_due(&[made(now.0, BackupReason::BeforeRestore)], now));
    }
}
