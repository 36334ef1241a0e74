//! Whatever happens to the process, the disk's power or the console: what was acknowledged is there, once, in order.
//!
//! `cargo xtask soak` runs this with `DESKBELL_SOAK_CYCLES=1000`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::ConversationId;
use deskbell_protocol::agent::{Request, Response};
use deskbell_tests::agent::Agent;
use deskbell_tests::burst::{Found, Ledger, MESSAGES, Watching, check_all, customers, random, write_all};
use deskbell_tests::customer::V1;
use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::test_name;
use tempfile::TempDir;

const CUSTOMERS: usize = 8;
const PROMISE: &str = "What was acknowledged is there, once, in order, with its answer";

fn cycles() -> u64 {
    std::env::var("DESKBELL_SOAK_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(25)
}

fn record(fault: &str, test: &str, cycles: u64, found: Found, more: &[(&str, u64)]) {
    assert!(found.is_whole() && found.acknowledged > 0, "{found:?}");
    let counts = [
        &[("cycles", cycles), ("acknowledged", found.acknowledged)],
        &[("lost", found.lost), ("duplicated", found.duplicated), ("reordered", found.reordered)][..],
        more,
    ]
    .concat();
    Fault { subject: "Store", fault, promise: PROMISE, test, counts: &counts }.record();
}

/// Customers write until `ends` has ended the server; then its data folder.
async fn burst<T>(
    server: Server,
    ledgers: &mut [Ledger],
    watching: &Arc<Watching>,
    ends: impl AsyncFnOnce(Server) -> T,
) -> T {
    let address = server.address.clone();
    let (_, ended) = tokio::join!(write_all(ledgers, &address, MESSAGES, watching), ends(server));
    ended
}

#[tokio::test]
async fn a_kill_at_any_moment_of_a_burst_loses_nothing() {
    let mut data = TempDir::new().unwrap();
    let mut found = Found::default();
    let mut ledgers = customers(CUSTOMERS);
    let mut wal_left = 0;
    for cycle in 1..=cycles() {
        let server = Server::start_on(data).await;
        let watching = Arc::<Watching>::default();
        let wanted = random(1..MESSAGES * CUSTOMERS as u64 / 2);
        let later = Duration::from_micros(random(0..3000));
        data = burst(server, &mut ledgers, &watching, async |server: Server| {
            watching.reached(wanted).await;
            // Not awaiting anything: a random moment is what is wanted.
            tokio::time::sleep(later).await;
            server.kill().await
        })
        .await;
        wal_left += u64::from(std::fs::metadata(data.path().join("deskbell.db-wal")).unwrap().len() > 0);
        // Long histories are checked and let go, so that a thousand cycles cost no more than forty times twenty-five.
        if cycle % 25 == 0 || cycle == cycles() {
            let server = Server::start_on(data).await;
            found += check_all(&ledgers, &server.address, u64::MAX).await;
            assert!(found.is_whole(), "cycle {cycle}: {found:?}");
            ledgers = customers(CUSTOMERS);
            data = server.stop().await;
            assert!(!data.path().join("deskbell.db-wal").exists(), "an orderly end leaves no WAL");
        }
    }
    record(
        "kill -9 at a random moment of a burst",
        &test_name!(),
        cycles(),
        found,
        &[("WAL left over", wal_left)],
    );
}

/// Writes to all conversations in turn until the socket breaks; what was not answered is sent again first.
async fn agent_writes(
    address: &str,
    secret: &str,
    conversations: &[ConversationId],
    sent: &mut usize,
    answered: &mut Vec<usize>,
    watching: &Watching,
) {
    let mut agent = Agent::connect(address, secret).await;
    *sent = answered.len();
    loop {
        let (number, conversation) = (*sent, conversations[*sent % conversations.len()]);
        *sent += 1;
        let text = format!("agent {number}");
        let request = Request::Send { conversation, id: number.to_string(), text };
        match agent.try_call(request).await {
            Some(answer) => assert!(answer.is_ok(), "{answer:?}"),
            None => return,
        }
        answered.push(number);
        watching.one_more();
    }
}

#[tokio::test]
async fn what_an_agent_wrote_survives_kills_and_reaches_the_customer_once() {
    const KILLS: u64 = 10;
    let server = Server::start().await;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        let mut customer = server.v1().await;
        customer.say("a", "Is anyone there?").await;
        customer.next_of("ack").await;
        tokens.push(customer.token());
    }
    let secret = server.secret();
    let all = server.agent().await.snapshot().await.conversations;
    let conversations: Vec<_> = all.into_iter().map(|conversation| conversation.id).collect();
    let (mut sent, mut answered) = (0, Vec::new());
    let mut data = server.stop().await;
    for _ in 0..KILLS {
        let server = Server::start_on(data).await;
        let address = server.address.clone();
        let watching = Arc::<Watching>::default();
        let kill = async {
            watching.reached(random(1..60)).await;
            // Not awaiting anything: a random moment is what is wanted.
            tokio::time::sleep(Duration::from_micros(random(0..3000))).await;
            server.kill().await
        };
        let writes = agent_writes(&address, &secret, &conversations, &mut sent, &mut answered, &watching);
        ((), data) = tokio::join!(writes, kill);
    }
    let server = Server::start_on(data).await;
    let mut found = Found { acknowledged: answered.len() as u64, ..Found::default() };
    let mut there = Vec::new();
    for token in &tokens {
        let back = V1::resume(&server.address, token, 0).await;
        let own = back.history.iter().filter(|message| message["author"] == "agent");
        let numbers: Vec<usize> = own
            .map(|message| message["text"].as_str().unwrap().trim_start_matches("agent ").parse().unwrap())
            .collect();
        found.reordered += numbers.windows(2).filter(|two| two[0] > two[1]).count() as u64;
        there.extend(numbers);
    }
    found.lost = answered.iter().filter(|number| !there.contains(number)).count() as u64;
    let before = there.len();
    there.sort_unstable();
    there.dedup();
    found.duplicated = (before - there.len()) as u64;
    record("kill -9 while an agent writes", &test_name!(), KILLS, found, &[]);
}

#[tokio::test]
async fn a_crash_before_and_after_a_commit_loses_nothing() {
    let mut found = Found::default();
    let mut crashes = 0;
    for place in ["before commit", "after commit"] {
        let mut data = TempDir::new().unwrap();
        let mut ledgers = customers(CUSTOMERS);
        for times in [1, 2, 4, 8] {
            let crash = format!("{place}#{times}");
            let server = Server::start_with(data, &[("DESKBELL_TEST_CRASH", &crash)]).await;
            data = burst(server, &mut ledgers, &Arc::default(), async |mut server: Server| {
                assert_eq!(server.ended().await, None, "it ended by a signal");
                server.kill().await
            })
            .await;
            crashes += 1;
        }
        let server = Server::start_on(data).await;
        // What was on its way is sent again: stored once, however far it had come.
        assert!(write_all(&mut ledgers, &server.address, 1, &Arc::default()).await);
        assert!(ledgers.iter().all(|ledger| ledger.waiting() == 0));
        found += check_all(&ledgers, &server.address, u64::MAX).await;
    }
    record("crash just before and just after COMMIT", &test_name!(), crashes, found, &[]);
}

#[tokio::test]
async fn a_torn_end_of_the_wal_loses_nothing() {
    let mut found = Found::default();
    let mut cycles = 0;
    for torn in 0..6 {
        let mut ledgers = customers(CUSTOMERS);
        let server = Server::start().await;
        let watching = Arc::<Watching>::default();
        let data = burst(server, &mut ledgers, &watching, async |server: Server| {
            watching.reached(random(50..500)).await;
            server.kill().await
        })
        .await;
        let wal = data.path().join("deskbell.db-wal");
        let mut bytes = std::fs::read(&wal).unwrap();
        let last = bytes[bytes.len().saturating_sub(4120)..].to_vec();
        // What a disk may have of a frame that was being written: nothing sensible, a part, zeros, an old frame.
        match torn {
            0 => bytes.extend((0..1000).map(|n| (n * 7 % 251) as u8)),
            1 => bytes.extend(&last[..2000]),
            2 => bytes.extend(vec![0; 8240]),
            3 => bytes.extend(&last),
            4 => bytes.extend([&last[..24], &[0xff; 4096]].concat()),
            _ => bytes.extend([&last[..], &last[..], &last[..100]].concat()),
        }
        std::fs::write(&wal, bytes).unwrap();
        let server = Server::start_on(data).await;
        found += check_all(&ledgers, &server.address, u64::MAX).await;
        assert!(write_all(&mut ledgers, &server.address, 5, &Arc::default()).await);
        found += check_all(&ledgers, &server.address, u64::MAX).await;
        cycles += 1;
    }
    record("a torn frame at the end of the WAL", &test_name!(), cycles, found, &[]);
}

#[tokio::test]
async fn a_process_that_was_stopped_goes_on() {
    let seconds = 60;
    let server = Server::start().await;
    let mut ledgers = customers(CUSTOMERS);
    let watching = Arc::<Watching>::default();
    let address = server.address.clone();
    let (whole, ()) = tokio::join!(write_all(&mut ledgers, &address, MESSAGES, &watching), async {
        watching.reached(200).await;
        server.signal("STOP").await;
        // Time is the fault here.
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        server.signal("CONT").await;
    });
    assert!(whole, "the desk stood still for longer than it waits for others, and gave nobody up");
    let found = check_all(&ledgers, &address, u64::MAX).await;
    record("the process is stopped and continued", &test_name!(), 1, found, &[("seconds", seconds)]);
}

#[tokio::test]
async fn a_hundred_reloads_of_the_console_in_a_burst_disturb_nobody() {
    let server = Server::start().await;
    let mut ledgers = customers(CUSTOMERS);
    let address = server.address.clone();
    let mut reloads = 0;
    let mut bursts = 0;
    let watching = Arc::<Watching>::default();
    let done = Cell::new(false);
    let writing = async {
        // Until the last reload: none is after the burst.
        while !done.get() {
            assert!(
                write_all(&mut ledgers, &address, MESSAGES, &watching).await,
                "no customer was disconnected"
            );
            bursts += 1;
        }
    };
    let reloading = async {
        watching.reached(1).await;
        for _ in 0..100 {
            let mut console = server.agent().await;
            assert!(matches!(console.ask(Request::Snapshot {}).await, Response::Snapshot(_)));
            reloads += 1;
        }
        done.set(true);
    };
    tokio::join!(writing, reloading);
    let found = check_all(&ledgers, &address, u64::MAX).await;
    assert_eq!(found.acknowledged, bursts * MESSAGES * CUSTOMERS as u64);
    let counts = server.agent().await.snapshot().await.counts;
    assert_eq!(counts.open as usize, CUSTOMERS);
    record("100 reloads of the console in a burst", &test_name!(), reloads, found, &[]);
}

#[cfg(target_os = "linux")]
mod power {
    use std::ops::Range;

    use deskbell_tests::power;

    use super::*;

    /// A burst on a disk that notes everything, and the notes.
    async fn noted(ledgers: &mut [Ledger], more: &[(&str, &str)]) -> Vec<u8> {
        let library = power::library().unwrap().to_str().unwrap();
        let notes = TempDir::new().unwrap();
        let (log, fault) = (notes.path().join("log"), notes.path().join("fault"));
        let data = TempDir::new().unwrap();
        let folder = data.path().to_str().unwrap().to_owned();
        let disk = power::variables(library, &folder, log.to_str().unwrap(), fault.to_str().unwrap());
        let server = Server::start_with(data, &[&disk[..], more].concat()).await;
        let watching = Arc::new(Watching::stamped_by(&log));
        burst(server, ledgers, &watching, async |server: Server| {
            watching.reached(1500).await;
            server.kill().await
        })
        .await;
        std::fs::read(&log).unwrap()
    }

    /// The length of the notes at the first acknowledgement.
    fn first(ledgers: &[Ledger]) -> u64 {
        ledgers.iter().filter_map(|l| l.acknowledged.first()).map(|ack| ack.stamp).min().unwrap()
    }

    /// What desks find that start after power losses at random moments, every second one of them during one of these
    /// checkpoints.
    async fn cut(ledgers: &[Ledger], log: &[u8], checkpoints: &[Range<u64>], cuts: u64) -> Found {
        let mut found = Found::default();
        for number in 0..cuts {
            let at = match number % 2 {
                _ if checkpoints.is_empty() => random(first(ledgers)..log.len() as u64),
                0 => random(first(ledgers)..log.len() as u64),
                _ => random(checkpoints[random(0..checkpoints.len() as u64) as usize].clone()),
            };
            let server = Server::start_on(power::cut(log, at)).await;
            found += check_all(ledgers, &server.address, at).await;
        }
        found
    }

    #[tokio::test]
    async fn a_power_loss_at_any_moment_loses_nothing_and_without_fsync_it_would() {
        let cuts = cycles();
        if let Err(why) = power::library() {
            let test = &test_name!();
            Fault { subject: "Store", fault: "power loss", promise: PROMISE, test, counts: &[] }
                .skip(&format!("not run here: {why}"));
            return;
        }
        let mut ledgers = customers(CUSTOMERS);
        // Pages of WAL after which there is a checkpoint: of some commits, so that there are many and not one at the end.
        let often = ("DESKBELL_TEST_AUTOCHECKPOINT", "100");
        let log = noted(&mut ledgers, &[often]).await;
        let counts = power::counts(&log);
        let checkpoints = power::checkpoints(&log, first(&ledgers));
        assert!(checkpoints.writes >= 10, "{} writes to the database", checkpoints.writes);
        assert!(checkpoints.restarts >= 2, "the WAL began again {} times", checkpoints.restarts);
        let found = cut(&ledgers, &log, &checkpoints.during, cuts).await;
        assert!(found.is_whole(), "{found:?}");

        // The control: a desk that does not wait for the disk must lose, or this proves nothing. A checkpoint syncs what
        // commits did not, and with so many of them each commit may be followed by one before it is acknowledged: here
        // they are as rare as they are by themselves.
        let mut control = customers(CUSTOMERS);
        let log = noted(&mut control, &[("DESKBELL_TEST_SYNCHRONOUS", "NORMAL")]).await;
        let lost = cut(&control, &log, &[], 10).await.lost;
        assert!(lost > 0, "the control with synchronous=NORMAL lost nothing");
        let more = [
            ("writes noted", counts[&1]),
            ("fsyncs noted", counts[&3]),
            ("checkpoints", checkpoints.during.len() as u64),
            ("lost by the control", lost),
        ];
        record(
            "power loss: what was not synced is dropped, sector by sector at random",
            &test_name!(),
            cuts,
            found,
            &more,
        );
    }
}
