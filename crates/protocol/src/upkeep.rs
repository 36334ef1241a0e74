//! Keeping the data: backups, what is under way, exports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::id::Timestamp;

/// A copy of the whole database in the data folder's `backups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Backup {
    /// The file's name; counts up, so that names are in order whatever the clock did.
    pub name: String,
    /// When it was made.
    pub at: Timestamp,
    /// Why it was made.
    pub reason: BackupReason,
    /// The file's size.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum BackupReason {
    /// A day had passed.
    Daily,
    /// An agent wanted it.
    Asked,
    /// A newer Deskbell was about to change the format.
    BeforeUpdate,
    /// A backup was about to take the database's place; this is the database that it replaced.
    BeforeRestore,
}

/// What is wrong with the data: the last automatic backup was not made, or the database is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct DataProblem {
    /// What, and what to do about it, in a sentence or two.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

/// Work on the whole database, which takes long when that is large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Upkeep {
    /// What is done.
    pub task: UpkeepTask,
    /// How far it is, from 0 to 100.
    pub percent: u32,
}

/// Kinds of [`Upkeep`]. One at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum UpkeepTask {
    /// A backup is made.
    BackUp,
    /// A backup takes the database's place.
    Restore,
    /// A customer is erased.
    Erase,
}

/// As what a conversation is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Everything that is stored of it, for programs.
    Json,
    /// To read.
    Text,
}
