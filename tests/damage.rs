//! What is wrong with the data folder is said, nothing is made worse, and what was acknowledged is there when it is right
//! again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(target_os = "linux")]
#[path = "damage/disk.rs"]
mod disk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use deskbell_protocol::Code;
use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::upkeep::{Backup, BackupReason, DataProblem};
use deskbell_tests::agent::Agent;
use deskbell_tests::burst::{Found, Ledger, Watching, check_all, customers, write_all};
use deskbell_tests::customer::V1;
use deskbell_tests::record::Fault;
use deskbell_tests::server::{Server, command, run_to_end};
use deskbell_tests::test_name;
use serde_json::json;
use tempfile::TempDir;

/// Starts a desk that must refuse, and gives what it says.
async fn refused(data: &Path) -> String {
    let (code, said) = run_to_end(command(data, "127.0.0.1:0")).await;
    assert_eq!(code, Some(1), "{said}");
    said
}

async fn run_restore(data: &Path, file: &str) -> String {
    let mut command = command(data, "127.0.0.1:0");
    command.args(["--restore", file]);
    let (code, said) = run_to_end(command).await;
    assert_eq!(code, Some(0), "{said}");
    said
}

/// New customers, each with this many acknowledged messages.
async fn written(server: &Server, many: usize, messages: u64) -> Vec<Ledger> {
    let mut ledgers = customers(many);
    write(server, &mut ledgers, messages).await;
    ledgers
}

/// Each writes this many messages more.
async fn write(server: &Server, ledgers: &mut [Ledger], messages: u64) {
    assert!(write_all(ledgers, &server.address, messages, &Arc::default()).await, "a socket broke");
}

async fn backups(server: &Server) -> Vec<Backup> {
    match server.agent().await.ask(Request::Backups {}).await {
        Response::Backups { backups, .. } => backups,
        response => panic!("{response:?}"),
    }
}

/// Every file of the database and of its backups, with its bytes.
fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in [data.to_owned(), data.join("backups")] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                continue;
            }
            let bytes = std::fs::read(entry.path()).unwrap();
            // `-shm` is an index in shared memory, made anew at every start, and an empty `-wal` says nothing.
            let says_nothing = name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty();
            if !says_nothing && (name.starts_with("deskbell.db") || name.ends_with("Z-asked.db")) {
                found.insert(name, bytes);
            }
        }
    }
    found
}

fn record(fault: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Store", fault, promise, test, counts }.record();
}

fn counts(cycles: u64, found: Found) -> [(&'static str, u64); 5] {
    assert!(found.is_whole() && found.acknowledged > 0, "{found:?}");
    [
        ("cycles", cycles),
        ("acknowledged", found.acknowledged),
        ("lost", found.lost),
        ("duplicated", found.duplicated),
        ("reordered", found.reordered),
    ]
}

#[tokio::test]
async fn a_damaged_page_is_named_and_the_last_good_backup_brings_everything_back_but_what_came_later() {
    let server = Server::start().await;
    let ledgers = written(&server, 4, 100).await;
    server.agent().await.ask(Request::BackUp {}).await;
    let good = backups(&server).await[0].name.clone();
    let data = server.stop().await;

    // The newest backup is damaged, too: it must not be offered.
    let folder = data.path().join("backups");
    let bad = good.replacen("0000", "0009", 1);
    let mut bytes = std::fs::read(folder.join(&good)).unwrap();
    bytes[3 * 4096..4 * 4096].fill(0xa5);
    std::fs::write(folder.join(&bad), bytes).unwrap();
    let path = data.path().join("deskbell.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // Page 5: whatever it is, it is in use.
    bytes[4 * 4096..5 * 4096].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let before = files(data.path());

    let said = refused(data.path()).await;
    assert!(said.contains("is damaged") && said.contains("page 5"), "{said}");
    assert!(said.contains(&format!("--restore {good};")), "{said}");
    assert!(files(data.path()) == before, "nothing was touched");

    let said = run_restore(data.path(), &good).await;
    assert!(said.contains("kept-aside"), "{said}");
    let aside = std::fs::read_dir(data.path().join("kept-aside")).unwrap().next().unwrap().unwrap();
    assert!(std::fs::read(aside.path().join("deskbell.db")).unwrap() == bytes, "the damaged one is kept");
    let server = Server::start_on(data).await;
    let found = check_all(&ledgers, &server.address, u64::MAX).await;
    record(
        "a page of the database is damaged",
        "Named, left as it is, the last sound backup offered; after --restore the damaged file is kept aside",
        &test_name!(),
        &counts(1, found),
    );
}

#[tokio::test]
async fn a_database_too_large_for_the_start_is_looked_through_while_the_desk_runs() {
    let server = Server::start().await;
    let mut ledgers = written(&server, 4, 100).await;
    server.agent().await.ask(Request::BackUp {}).await;
    let good = backups(&server).await[0].name.clone();
    let data = server.stop().await;
    let sound = std::fs::read(data.path().join("deskbell.db")).unwrap();
    // A page deep inside a table of messages: nothing that is read at the start.
    let page = (5..sound.len() / 4096).rev().find(|page| sound[page * 4096] == 13).unwrap();
    let mut bytes = sound.clone();
    bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
    std::fs::write(data.path().join("deskbell.db"), &bytes).unwrap();
    let server = Server::start_with(data, &[("DESKBELL_TEST_LOOK_THROUGH", "0")]).await;
    let mut agent = server.agent().await;
    let problem = match agent.ask(Request::Backups {}).await {
        Response::Backups { problem: Some(problem), .. } => problem,
        _ => told_of_a_problem(&mut agent).await,
    };
    let problem = problem.message;
    assert!(problem.contains("is damaged") && problem.contains(&format!("--restore {good};")), "{problem}");
    restore(server.stop().await, &good, &mut ledgers).await;
}

/// What consoles are told is wrong, as soon as they are.
async fn told_of_a_problem(agent: &mut Agent) -> DataProblem {
    if let Some(problem) = agent.snapshot().await.backups_problem {
        return problem;
    }
    agent
        .update(|update| match update {
            Update::BackupsChanged { problem } => problem,
            _ => None,
        })
        .await
}

#[tokio::test]
async fn damage_that_is_met_while_the_desk_runs_is_named_with_the_last_good_backup() {
    let server = Server::start().await;
    let mut ledgers = written(&server, 4, 100).await;
    let mut agent = server.agent().await;
    agent.ask(Request::BackUp {}).await;
    let good = backups(&server).await[0].name.clone();
    let id = agent.snapshot().await.conversations[0].id;
    // Closed, everything is in the database and nothing in the WAL: the pages are read anew.
    let server = Server::start_on(server.stop().await).await;
    let path = server.data.path().join("deskbell.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // All pages of tables and indexes but the first few, which are known already.
    for page in bytes.chunks_mut(4096).skip(20) {
        page.fill(0xa5);
    }
    std::fs::write(&path, bytes).unwrap();
    let mut agent = server.agent().await;
    let request = Request::Thread { conversation: id, before_seq: None, limit: 200 };
    let refusal = agent.call(request).await.unwrap_err();
    assert_eq!(refusal.code, Code::StoreFailed);
    let problem = told_of_a_problem(&mut agent).await;
    let offer = format!("--restore {good}");
    assert!(problem.message.contains("is damaged") && problem.message.contains(&offer), "{problem:?}");
    assert!(problem.message_zh.contains("已损坏") && problem.message_zh.contains(&offer), "{problem:?}");
    assert_eq!(agent.snapshot().await.backups_problem, Some(problem));
    // The backup that is offered, offered rightly.
    agent.ask(Request::Restore { name: good }).await;
    let mut agent = server.agent().await;
    assert_eq!(agent.snapshot().await.backups_problem, None);
    let seen = check_all(&ledgers, &server.address, u64::MAX).await;
    assert!(seen.is_whole(), "{seen:?}");
    write(&server, &mut ledgers, 10).await;
    let found = check_all(&ledgers, &server.address, u64::MAX).await;
    record(
        "the database is damaged while the desk runs",
        "Told in every console as soon as a question meets it, with the backup to restore",
        &test_name!(),
        &counts(1, found),
    );
}

/// Puts a backup in the database's place, in which everything of these customers is, and who go on.
async fn restore(data: TempDir, file: &str, ledgers: &mut [Ledger]) {
    run_restore(data.path(), file).await;
    let server = Server::start_on(data).await;
    let found = check_all(ledgers, &server.address, u64::MAX).await;
    assert!(found.is_whole(), "{found:?}");
    write(&server, ledgers, 10).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left() {
    let server = Server::start().await;
    let data = server.stop().await;
    let path = data.path().join("deskbell.db");
    std::fs::write(&path, "somebody's letter, saved under this name by mistake ".repeat(400)).unwrap();
    let before = files(data.path());
    let said = refused(data.path()).await;
    assert!(said.contains("is damaged") && said.contains("no sound backup"), "{said}");
    assert!(files(data.path()) == before, "nothing was touched");
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused_and_byte_by_byte_untouched_even_with_a_wal() {
    let server = Server::start().await;
    written(&server, 2, 50).await;
    let data = server.kill().await;
    let wal = data.path().join("deskbell.db-wal");
    assert!(std::fs::metadata(&wal).unwrap().len() > 0);
    // As a newer Deskbell would have left it: its format in the WAL, not in the database yet.
    let made = std::process::Command::new("python3")
        .args(["-c", "import os,sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute('pragma user_version=999')\nos._exit(0)"])
        .arg(data.path().join("deskbell.db"))
        .status()
        .unwrap();
    assert!(made.success());
    let before = files(data.path());
    assert!(!before["deskbell.db-wal"].is_empty());
    let said = refused(data.path()).await;
    assert!(said.contains("newer Deskbell") && said.contains("999"), "{said}");
    assert!(files(data.path()) == before, "nothing was touched");
    record(
        "the database was written by a newer version",
        "Refused with a sentence; not a byte of database and WAL is changed",
        &test_name!(),
        &[("files compared", before.len() as u64)],
    );
}

#[tokio::test]
async fn a_second_desk_on_the_folder_is_refused_and_harms_nothing() {
    let server = Server::start().await;
    let mut ledgers = customers(4);
    let watching = Arc::<Watching>::default();
    let address = server.address.clone();
    let folder = server.data.path().to_owned();
    let mut refusals = 0;
    let (whole, ()) = tokio::join!(write_all(&mut ledgers, &address, 300, &watching), async {
        for _ in 0..10 {
            let said = refused(&folder).await;
            assert!(said.contains("Another Deskbell is running"), "{said}");
            refusals += 1;
        }
    });
    assert!(whole);
    let found = check_all(&ledgers, &address, u64::MAX).await;
    record(
        "a second desk, on the same data folder, while the first is in a burst",
        "Refused with a sentence; the first goes on",
        &test_name!(),
        &counts(refusals, found),
    );
}

#[tokio::test]
async fn a_program_that_holds_the_database_is_told_of_and_waited_for() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    const HOLD: &str = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n\
        c.execute('begin immediate')\nprint('held',flush=True)\nsys.stdin.read()";
    let server = Server::start().await;
    let mut ledgers = written(&server, 4, 20).await;
    let path = server.data.path().join("deskbell.db");
    let mut holder = Command::new("python3")
        .args(["-c", HOLD])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut customer = server.v1().await;
    let asked = std::time::Instant::now();
    customer.say("a", "held up").await;
    let refusal = customer.next_of("error").await;
    // Whoever holds it is waited for before anybody is refused: most hold it for a moment.
    assert!(asked.elapsed().as_secs() >= 4, "refused after {:?}", asked.elapsed());
    assert_eq!((&refusal["code"], &refusal["id"]), (&json!("store_failed"), &json!("a")), "{refusal}");
    assert!(refusal["retry_after_ms"].is_number(), "{refusal}");
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    customer.say("a", "held up").await;
    customer.next_of("ack").await;
    write(&server, &mut ledgers, 20).await;
    let found = check_all(&ledgers, &server.address, u64::MAX).await;
    record(
        "another program holds the database's write lock for longer than the desk waits",
        "Refused with a code, not acknowledged; afterwards the desk goes on by itself",
        &test_name!(),
        &counts(1, found),
    );
}

/// A crash at each named point of restoring, erasing and backing up.
#[tokio::test]
async fn a_crash_at_any_point_of_a_restore_loses_nothing() {
    let mut cycles = 0;
    let mut found = Found::default();
    for place in ["backup half copied", "backup copied", "restore staged", "restore kept", "restore done"] {
        let server = Server::start().await;
        let mut ledgers = written(&server, 2, 40).await;
        server.agent().await.ask(Request::BackUp {}).await;
        let name = backups(&server).await[0].name.clone();
        write(&server, &mut ledgers, 40).await;
        let data = server.stop().await;

        let mut server = Server::start_with(data, &[("DESKBELL_TEST_CRASH", place)]).await;
        let mut agent = server.agent().await;
        let request = match place.starts_with("backup") {
            true => Request::BackUp {},
            false => Request::Restore { name },
        };
        let frame = deskbell_protocol::agent::AgentClientFrame::Call { id: 1, request };
        agent.write(&frame).await;
        assert_eq!(server.ended().await, None, "{place}: it ended by a signal");
        let server = Server::start_on(server.kill().await).await;
        let names: Vec<_> = std::fs::read_dir(server.data.path().join("backups")).unwrap().collect();
        let listed = backups(&server).await;
        assert_eq!(names.len(), listed.len(), "{place}: nothing half made is left");
        // Either nothing has happened, or the database that was replaced is a backup: then back to that.
        let replaced = listed.into_iter().find(|backup| backup.reason == BackupReason::BeforeRestore);
        // What is staged is not ready yet: a crash there leaves the old database in its place.
        let took_place = matches!(place, "restore kept" | "restore done");
        assert_eq!(replaced.is_some(), took_place, "{place}");
        if let Some(replaced) = replaced {
            server.agent().await.ask(Request::Restore { name: replaced.name }).await;
        }
        let seen = check_all(&ledgers, &server.address, u64::MAX).await;
        assert!(seen.is_whole() && seen.acknowledged == 160, "{place}: {seen:?}");
        found += seen;
        cycles += 1;
    }
    record(
        "crash at each step of a backup and of a restore",
        "The old data or the restored, whole; what was replaced is a backup; nothing half made is left",
        &test_name!(),
        &counts(cycles, found),
    );
}

#[tokio::test]
async fn a_restore_over_a_wal_that_was_left_mixes_nothing() {
    let server = Server::start().await;
    let ledgers = written(&server, 2, 40).await;
    server.agent().await.ask(Request::BackUp {}).await;
    let name = backups(&server).await[0].name.clone();
    let later = written(&server, 2, 40).await;
    let data = server.kill().await;
    assert!(std::fs::metadata(data.path().join("deskbell.db-wal")).unwrap().len() > 0);
    run_restore(data.path(), &name).await;
    let server = Server::start_on(data).await;
    let mut found = check_all(&ledgers, &server.address, u64::MAX).await;
    assert_eq!(server.agent().await.snapshot().await.counts.open, 2);
    // What was in the WAL is in the backup that was made of the replaced database.
    let replaced = backups(&server).await.remove(0);
    assert_eq!(replaced.reason, BackupReason::BeforeRestore);
    server.agent().await.ask(Request::Restore { name: replaced.name }).await;
    found += check_all(&later, &server.address, u64::MAX).await;
    record(
        "a WAL was left over, and a backup is restored over it",
        "The restored data knows nothing of the WAL; the replaced data has all of it",
        &test_name!(),
        &counts(1, found),
    );
}

#[tokio::test]
async fn a_crash_at_any_point_of_an_erasure_leaves_no_trace_once_it_is_done() {
    const CANARY: &[u8] = b"CANARY";
    let (mut cycles, mut traces) = (0, 0);
    for place in ["erased from a backup", "erased", "scrubbed"] {
        let server = Server::start().await;
        let mut customer = server.v1().await;
        for number in 0..100_usize {
            customer.say(&number.to_string(), &format!("CANARY {}", "x".repeat(number * 50))).await;
            customer.next_of("ack").await;
        }
        let mut agent = server.agent().await;
        agent.ask(Request::BackUp {}).await;
        let id = agent.snapshot().await.conversations[0].id;
        let data = server.stop().await;

        let mut server = Server::start_with(data, &[("DESKBELL_TEST_CRASH", place)]).await;
        let frame = deskbell_protocol::agent::AgentClientFrame::Call {
            id: 1,
            request: Request::Erase { conversation: id },
        };
        let mut agent = server.agent().await;
        agent.write(&frame).await;
        assert_eq!(server.ended().await, None, "{place}: it ended by a signal");
        let server = Server::start_on(server.kill().await).await;
        let mut agent = server.agent().await;
        // The conversation is still there and can be erased again, or it is gone for good.
        let there = !agent.snapshot().await.conversations.is_empty();
        assert_eq!(there, place == "erased from a backup", "{place}");
        if there {
            agent.ask(Request::Erase { conversation: id }).await;
        }
        let data = server.stop().await;
        for (name, bytes) in files(data.path()) {
            let has_it = bytes.windows(CANARY.len()).any(|w| w == CANARY);
            assert!(!has_it, "{place}: {name} has it");
            traces += u64::from(has_it);
        }
        cycles += 1;
    }
    record(
        "crash at each step of an erasure",
        "It is finished at the next start or can be asked for again; then no trace",
        &test_name!(),
        &[("cycles", cycles), ("traces", traces)],
    );
}

/// Customers of `tests/data/format-1.db`, each with `m1` to `m20`, as Deskbell 0.1's first format has them.
const OLD_CUSTOMERS: [&str; 3] = [
    "GcFDWKY5P-_arGUIXUGumcSzGKsyYomFcwcPihXwhy4",
    "B31L82hC4qTb7miBdiWU2iYArYsZ6bGXilfUdhB06CE",
    "i9k_fg6_ahE1WYlOh_jMgjC00uQSp9xZds4MbMu9Ifc",
];

/// Starts a desk that is to crash at this place while it opens an old database. Whether it did: a place that is passed
/// less often than that is not reached.
async fn crashes(data: &Path, place: &str) -> bool {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut child = command(data, "127.0.0.1:0").env("DESKBELL_TEST_CRASH", place).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listens = deskbell_tests::within("a line or the end", lines.next_line()).await.unwrap().is_some();
    child.kill().await.unwrap();
    !listens
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_migration_loses_nothing_and_a_backup_was_made_before() {
    let old = std::fs::read(deskbell_tests::root().join("tests/data/format-1.db")).unwrap();
    let mut cycles = 0;
    let mut found = Found::default();
    for place in [
        "backup half copied",
        "backup copied",
        "migration statement",
        "migration before commit",
        "migration step done",
    ] {
        for times in 1.. {
            let data = TempDir::new().unwrap();
            std::fs::write(data.path().join("deskbell.db"), &old).unwrap();
            if !crashes(data.path(), &format!("{place}#{times}")).await {
                assert!(times > 1, "{place} was never passed");
                break;
            }
            cycles += 1;
            let server = Server::start_on(data).await;
            for token in OLD_CUSTOMERS {
                let back = V1::resume(&server.address, token, 0).await;
                let own = back.history.iter().filter(|frame| frame["author"] == "customer");
                let texts: Vec<_> = own.map(|frame| frame["text"].as_str().unwrap().to_owned()).collect();
                let expected: Vec<_> = (1..=20).map(|number| format!("m{number}")).collect();
                assert_eq!(texts, expected, "{place}#{times}");
                found.acknowledged += 20;
            }
            let kept: Vec<_> = backups(&server).await;
            // Newest first: a start between two steps makes a backup of the format in between, too.
            let kept = kept.iter().rfind(|backup| backup.reason == BackupReason::BeforeUpdate);
            let kept =
                server.data.path().join("backups").join(&kept.expect("a backup of the old format").name);
            // Bytes 60 to 63 of the header are `user_version` (SQLite's file format, §1.3).
            assert_eq!(std::fs::read(kept).unwrap()[60..64], 1_u32.to_be_bytes(), "{place}#{times}");
        }
    }
    record(
        "crash at each statement and each step of a migration",
        "The old format or the new, whole; a backup of the old one was made before",
        &test_name!(),
        &counts(cycles, found),
    );
}
