//! A disk that is full, that fails, or that cannot be written to: real file systems over the data folder.

use std::collections::BTreeSet;
use std::process::Command;

use deskbell_tests::power;

use super::*;

/// A file system of its own over the data folder; gone when dropped.
struct Mounted(TempDir);

impl Mounted {
    /// A file system of this size, or a note of why the fault cannot be injected here.
    fn or_skip(options: &str, fault: &str, promise: &str, test: &str) -> Option<Self> {
        Self::new(options)
            .map_err(|why| Fault { subject: "Store", fault, promise, test, counts: &[] }.skip(&why))
            .ok()
    }

    fn new(options: &str) -> Result<Self, String> {
        let folder = TempDir::new().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(folder)),
            Ok(output) => Err(format!(
                "a file system must be mounted, which takes root: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
            Err(error) => Err(format!("there is no mount: {error}")),
        }
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ended = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A folder in a mounted file system: what is in it goes with it.
fn inside(mounted: &Mounted) -> TempDir {
    TempDir::new_in(mounted.0.path()).unwrap()
}

/// The numbers of a customer's messages, as they stand in the history.
fn numbers(back: &V1) -> Vec<u64> {
    let own = back.history.iter().filter(|frame| frame["author"] == "customer");
    own.map(|frame| frame["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// Counts what is missing, twice there or out of order, of which there must be none; and what was refused must have left
/// nothing behind, not even a gap between revisions.
fn compared(acknowledged: &[u64], back: &V1, more: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    let there = numbers(back);
    let revisions = back.history.iter().map(|frame| frame["revision"].as_i64().unwrap());
    assert!(revisions.eq((1..).take(back.history.len())), "{:?}", back.history);
    let lost = acknowledged.iter().filter(|number| !there.contains(number)).count() as u64;
    let duplicated = there.windows(2).filter(|two| two[0] == two[1]).count() as u64;
    let reordered = there.windows(2).filter(|two| two[0] > two[1]).count() as u64;
    assert_eq!((lost, duplicated, reordered), (0, 0, 0), "{there:?}");
    let found = [("lost", lost), ("duplicated", duplicated), ("reordered", reordered)];
    [&[("acknowledged", acknowledged.len() as u64)], more, &found].concat()
}

const FULL: &str = "the disk is full, and later free again";
const FULL_PROMISE: &str =
    "What does not fit is refused and not acknowledged; afterwards the desk goes on by itself";

#[tokio::test]
async fn a_full_disk_refuses_and_a_freed_one_goes_on() {
    let test = &test_name!();
    let Some(mounted) = Mounted::or_skip("size=3m", FULL, FULL_PROMISE, test) else { return };
    let server = Server::start_on(inside(&mounted)).await;
    let mut customer = server.v1().await;
    let text = "x".repeat(16_000);
    let (mut acknowledged, mut refused, mut number) = (Vec::new(), 0_u64, 0_u64);
    while refused < 3 {
        number += 1;
        customer.say(&number.to_string(), &text).await;
        let frame = loop {
            let frame = customer.next().await;
            if frame["type"] == "ack" || frame["type"] == "error" {
                break frame;
            }
        };
        match frame["type"].as_str().unwrap() {
            "ack" => acknowledged.push(number),
            _ => {
                assert_eq!(frame["code"], "store_failed", "{frame}");
                assert!(frame["retry_after_ms"].is_number(), "{frame}");
                refused += 1;
            }
        }
    }
    mounted.remount("size=64m");
    let after = (number + 1)..=(number + 20);
    for number in after {
        customer.say(&number.to_string(), &text).await;
        customer.next_of("ack").await;
        acknowledged.push(number);
    }
    let token = customer.token();
    let server = Server::start_on(server.kill().await).await;
    let back = V1::resume(&server.address, &token, 0).await;
    assert_eq!(numbers(&back), acknowledged, "what was acknowledged, and nothing that was refused");
    drop(server);
    let counts = compared(&acknowledged, &back, &[("refused", refused)]);
    Fault { subject: "Store", fault: FULL, promise: FULL_PROMISE, test, counts: &counts }.record();
}

/// Takes all the room that is left but so many bytes.
fn fill(folder: &Path, but: u64) -> std::path::PathBuf {
    use std::io::Write as _;
    let path = folder.join("filler");
    let mut filler = std::fs::File::create(&path).unwrap();
    for piece in [vec![0; 64 * 1024], vec![0; 4096]] {
        while filler.write_all(&piece).is_ok() {}
    }
    let length = filler.metadata().unwrap().len();
    filler.set_len(length.saturating_sub(but)).unwrap();
    path
}

#[tokio::test]
async fn on_a_full_disk_a_start_and_a_backup_say_so_and_on_a_freed_one_they_work() {
    let fault = "the disk is full when the desk starts, and when a backup is made";
    let promise = "Told with what to do about it, nothing half made is left; with room they work";
    let test = &test_name!();
    let Some(mounted) = Mounted::or_skip("size=16m", fault, promise, test) else { return };
    let server = Server::start_on(inside(&mounted)).await;
    let mut ledgers = written(&server, 2, 100).await;
    let filler = fill(mounted.0.path(), 0);
    let data = server.kill().await;
    let said = super::refused(data.path()).await;
    assert!(said.contains("full") && said.contains("Free some space"), "{said}");
    std::fs::remove_file(filler).unwrap();
    let server = Server::start_on(data).await;
    let mut found = check_all(&ledgers, &server.address, u64::MAX).await;

    let mut agent = server.agent().await;
    let names = |data: &Path| {
        let entries = std::fs::read_dir(data.join("backups")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    let before = names(server.data.path());
    let filler = fill(mounted.0.path(), 0);
    let refusal = agent.call(Request::BackUp {}).await.unwrap_err();
    assert_eq!(refusal.code, Code::StoreFailed);
    let problem = agent.snapshot().await.backups_problem.unwrap();
    assert!(
        problem.message.contains("was not made") && problem.message.contains("free space"),
        "{problem:?}"
    );
    assert_eq!(names(server.data.path()), before);
    std::fs::remove_file(filler).unwrap();
    agent.ask(Request::BackUp {}).await;
    assert_eq!(names(server.data.path()).len(), before.len() + 1);
    assert_eq!(agent.snapshot().await.backups_problem, None);
    write(&server, &mut ledgers, 10).await;
    found += check_all(&ledgers, &server.address, u64::MAX).await;
    drop(server);
    record(fault, promise, test, &counts(2, found));
}

#[tokio::test]
async fn what_an_erasure_left_to_do_does_not_keep_a_desk_from_starting_on_a_full_disk() {
    let fault = "the disk is full when an erasure that was interrupted is to be finished";
    let promise = "The desk starts all the same; with room the next start leaves no trace";
    let test = &test_name!();
    let Some(mounted) = Mounted::or_skip("size=8m", fault, promise, test) else { return };
    let server = Server::start_on(inside(&mounted)).await;
    let mut erased = server.v1().await;
    erased.say("a", "CANARY").await;
    erased.next_of("ack").await;
    let id = server.agent().await.snapshot().await.conversations[0].id;
    let mut other = server.v1().await;
    for number in 0..80 {
        other.say(&number.to_string(), &"x".repeat(16_000)).await;
        other.next_of("ack").await;
    }
    let data = server.stop().await;
    let mut server = Server::start_with(data, &[("DESKBELL_TEST_CRASH", "erased")]).await;
    let request = Request::Erase { conversation: id };
    let mut agent = server.agent().await;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    // Until it crashes on the way; the day's backup may be made first.
    while let Some(answer) = agent.try_call(request.clone()).await {
        assert_eq!(answer.unwrap_err().code, Code::Overloaded);
        look.tick().await;
    }
    assert_eq!(server.ended().await, None, "it ended by a signal");
    let data = server.kill().await;
    // Room for what a start writes, and not for the whole database once more.
    let filler = fill(mounted.0.path(), 256 * 1024);
    let mut server = Server::start_on(data).await;
    let log = server.collect_log();
    let counts = server.agent().await.snapshot().await.counts;
    assert_eq!(counts.open, 1);
    let data = server.stop().await;
    let log = log.await.unwrap();
    assert!(log.contains("traces of an erased customer may remain"), "{log}");
    std::fs::remove_file(filler).unwrap();
    let data = Server::start_on(data).await.stop().await;
    let looked = files(data.path());
    let has_it = |bytes: &&Vec<u8>| bytes.windows(6).any(|six| six == b"CANARY");
    let traces = looked.values().filter(has_it).count() as u64;
    assert_eq!(traces, 0);
    drop(data);
    let counts = [("files looked through", looked.len() as u64), ("traces", traces)];
    Fault { subject: "Store", fault, promise, test, counts: &counts }.record();
}

#[tokio::test]
async fn a_read_only_folder_is_told_and_left() {
    let fault = "the data folder is read-only";
    let promise = "The desk does not start and says which folder; nothing is touched";
    let test = &test_name!();
    let Some(mounted) = Mounted::or_skip("size=16m", fault, promise, test) else { return };
    let server = Server::start_on(inside(&mounted)).await;
    let mut customer = server.v1().await;
    customer.say("a", "hello").await;
    customer.next_of("ack").await;
    let acknowledged = 1;
    let token = customer.token();
    let data = server.stop().await;
    mounted.remount("ro");
    let before = files(data.path());
    let said = super::refused(data.path()).await;
    assert!(said.contains(data.path().to_str().unwrap()) && said.contains("cannot be used"), "{said}");
    assert!(files(data.path()) == before, "nothing was touched");
    mounted.remount("rw");
    let server = Server::start_on(data).await;
    let back = V1::resume(&server.address, &token, 0).await;
    drop(server);
    let there = back.history.iter().filter(|frame| frame["text"] == "hello").count() as u64;
    assert_eq!(there, acknowledged);
    let counts = [("acknowledged", acknowledged), ("lost", acknowledged - there)];
    Fault { subject: "Store", fault, promise, test, counts: &counts }.record();
}

/// Writes, then fsyncs, fail with EIO for a while: refused meanwhile, whole afterwards, even after a power loss.
#[tokio::test]
async fn failing_writes_and_fsyncs_refuse_and_never_acknowledge() {
    let fault =
        "writes and fsyncs fail (EIO), growing files fail (ENOSPC), then all is well; then the power is lost";
    let promise = "Refused while it lasts, never acknowledged; afterwards the desk goes on and has what it acknowledged";
    let test = &test_name!();
    let library = match power::library() {
        Ok(library) => library.to_str().unwrap(),
        Err(why) => {
            Fault { subject: "Store", fault, promise, test, counts: &[] }
                .skip(&format!("not run here: {why}"));
            return;
        }
    };
    let notes = TempDir::new().unwrap();
    let (log, broken) = (notes.path().join("log"), notes.path().join("fault"));
    let data = TempDir::new().unwrap();
    let folder = data.path().to_str().unwrap().to_owned();
    let disk = power::variables(library, &folder, log.to_str().unwrap(), broken.to_str().unwrap());
    let server = Server::start_with(data, &disk).await;
    let mut customer = server.v1().await;
    let (mut acknowledged, mut refused, mut number) = (Vec::new(), 0_u64, 0_u64);
    for word in ["", "write", "", "sync", "", "full", ""] {
        if word.is_empty() {
            let _not_there_at_first = std::fs::remove_file(&broken);
        } else {
            std::fs::write(&broken, word).unwrap();
        }
        for _ in 0..10 {
            number += 1;
            customer.say(&number.to_string(), "hello").await;
            let frame = loop {
                let frame = customer.next().await;
                if frame["type"] == "ack" || frame["type"] == "error" {
                    break frame;
                }
            };
            if frame["type"] == "ack" {
                // A file that need not grow does not feel a full disk.
                assert!(word.is_empty() || word == "full", "{word}: {frame}");
                acknowledged.push(number);
            } else {
                assert_eq!(frame["code"], "store_failed", "{word}: {frame}");
                assert!(!word.is_empty(), "{frame}");
                refused += 1;
                // Ten refusals would end the connection: these are the desk's fault, not the customer's.
            }
        }
    }
    assert!(refused >= 20 && acknowledged.len() >= 40, "{refused} refused");
    let token = customer.token();
    server.kill().await;
    let log = std::fs::read(&log).unwrap();
    let cuts = 5;
    let mut counts = Vec::new();
    for _ in 0..cuts {
        let server = Server::start_on(power::cut(&log, log.len() as u64)).await;
        let back = V1::connect(&server.address, json!({ "type": "hello", "token": token })).await;
        counts = compared(&acknowledged, &back, &[("cycles", cuts), ("refused", refused)]);
    }
    Fault { subject: "Store", fault, promise, test, counts: &counts }.record();
}
