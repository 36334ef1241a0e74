//! What a fault's test came to, for the table in docs/reliability.md.
//!
//! A test that injects a fault ends with
//!
//! ```ignore
//! Fault {
//!     subject: "Store",                                  // or "Network": a part of the table
//!     fault: "kill -9 at random points of a burst",      // what was done to the desk
//!     promise: "What was acknowledged is there, once, in order",
//!     test: &test_name!(),                               // `durability::a_kill_loses_nothing`
//!     counts: &[("cycles", 25), ("acknowledged", 4_211), ("lost", 0), ("duplicated", 0), ("reordered", 0)],
//! }
//! .record();
//! ```
//!
//! once all its checks have passed. `cargo xtask reliability` runs the tests and makes the table of what they recorded.
//! Counts are counted by the test, never written by hand. A fault that cannot be injected on this machine is recorded
//! with [`Fault::skip`] and the reason in a sentence, which goes into the table and to stderr.

use std::path::PathBuf;

use serde_json::json;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// Which part of the table.
    pub subject: &'a str,
    /// What was done to the desk.
    pub fault: &'a str,
    /// What must hold all the same.
    pub promise: &'a str,
    /// Which test saw it, see [`test_name`](crate::test_name).
    pub test: &'a str,
    /// What was counted, in the order of the table: lowercase words and numbers.
    pub counts: &'a [(&'a str, u64)],
}

impl Fault<'_> {
    /// Notes that the promise held.
    pub fn record(&self) {
        self.write("held");
    }

    /// Notes why the fault could not be injected here.
    pub fn skip(&self, why: &str) {
        eprintln!("skipped: {}: {why}", self.test);
        self.write(why);
    }

    fn write(&self, result: &str) {
        let counts: Vec<_> = self.counts.iter().map(|(what, count)| json!([what, count])).collect();
        let row = json!({
            "subject": self.subject,
            "fault": self.fault,
            "promise": self.promise,
            "test": self.test,
            "counts": counts,
            "result": result,
        });
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}.json", self.test.replace("::", ".")));
        std::fs::write(file, row.to_string()).unwrap();
    }
}

/// Where the rows lie: `reliability` in cargo's target folder.
fn folder() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(3).unwrap().join("reliability")
}

/// The path of the function that this stands in, as `cargo test` names it, with its binary.
#[macro_export]
macro_rules! test_name {
    () => {{
        struct Here;
        std::any::type_name::<Here>().replace("::{{closure}}", "").replace("::Here", "")
    }};
}
