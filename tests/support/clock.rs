//! The clock of a desk in a debug build, moved by hand.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;

/// An hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// How far a desk's clock is ahead. The desk sees a change when it looks next.
pub struct Clock {
    folder: TempDir,
    ahead: AtomicI64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { folder: TempDir::new().unwrap(), ahead: AtomicI64::new(0) }
    }
}

impl Clock {
    /// What `DESKBELL_TEST_CLOCK` has to be.
    pub fn variable(&self) -> String {
        self.file().to_str().unwrap().to_owned()
    }

    /// Puts it forward by this many milliseconds.
    pub fn forward(&self, milliseconds: i64) {
        let ahead = self.ahead.fetch_add(milliseconds, Ordering::Relaxed) + milliseconds;
        // As a whole: the desk must not read half a number.
        let written = self.folder.path().join("written");
        std::fs::write(&written, ahead.to_string()).unwrap();
        std::fs::rename(written, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}
