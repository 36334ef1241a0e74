//! Writes docs/reliability.md from what the tests recorded; `cargo xtask reliability` runs both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use deskbell_tests::root;
use serde_json::Value;

const HEAD: &str = "\
# Reliability
What was done to the real desk, what must hold all the same, and what was counted. This page is made by
`cargo xtask reliability`, which runs the tests and writes down what they recorded; nothing in it is typed.

- **acknowledged**: messages whose `ack` a client had before the fault. **lost**: of these, not there afterwards, or not at
  the place that the acknowledgement named. **duplicated**, **reordered**: there twice, or behind one sent later.
- **Power loss** is simulated below the process: a preloaded library (`tests/power/disk.c`) notes every write and fsync of
  the real server, and a data folder is made that has everything that was synced and a random half of the sectors of
  everything that was not. Names of files and their order are taken to be durable at once, as journaling file systems
  have it. The control runs the same cuts against `synchronous=NORMAL`, and must lose.
- **Fuzzing** takes long and is recorded by `cargo xtask fuzz`, which is run by itself; its inputs are chosen by what code they
  reach.
- Faults of the desk's own making (a crash at a named point, a clock that jumps) are hooks that only debug builds have.
- How long honest customers wait while each attack runs: [attacks.md](attacks.md), measured by `cargo xtask bench attacks`.
";

fn main() {
    let folder = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("reliability");
    let mut subjects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask reliability`", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let row: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().replace('|', "\\|");
        let line =
            format!("| {} | {} | `{}` | {} |", text("fault"), text("promise"), text("test"), result(&row));
        subjects.entry(text("subject")).or_default().push(line);
    }
    let mut page = HEAD.to_owned();
    for (subject, lines) in subjects {
        write!(page, "\n## {subject}\n| fault | promise | test | result |\n| --- | --- | --- | --- |\n")
            .unwrap();
        page.push_str(&lines.join("\n"));
        page.push('\n');
    }
    std::fs::write(root().join("docs/reliability.md"), page).unwrap();
}

fn result(row: &Value) -> String {
    let counts = row["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| format!("{} {}", thousands(count[1].as_u64().unwrap()), count[0].as_str().unwrap()));
    match row["result"].as_str().unwrap() {
        "held" => format!("held: {}", counts.collect::<Vec<_>>().join(", ")),
        why => format!("not run: {}", why.replace('|', "\\|")),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
