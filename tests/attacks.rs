//! Attacks and bad luck, injected for real on this machine's loopback. Honest customers are answered, what was acknowledged
//! is there, memory stays bounded. How fast, `cargo xtask bench attacks` measures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![cfg(target_os = "linux")]

#[path = "attacks/verbs.rs"]
mod verbs;

use std::cell::Cell;
use std::time::Duration;

use deskbell_client::{Client, Event, Events, Options};
use deskbell_protocol::agent::{Request, Update};
use deskbell_protocol::entity::{ActivityKind, Conversation};
use deskbell_protocol::settings::Hold;
use deskbell_protocol::{Code, ConversationId, HeldId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::attack::ATTACKS;
use deskbell_tests::clock::Clock;
use deskbell_tests::customer::{V1, next_text};
use deskbell_tests::raw::{Raw, STRANGER, first, frame};
use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::{load, test_name, within};
use futures_util::future::{join_all, poll_immediate};
use serde_json::json;
use tempfile::TempDir;

/// What thousands do takes longer than single steps may, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

fn held(fault: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Network", fault, promise, test, counts }.record();
}

fn count(number: usize) -> u64 {
    number.try_into().unwrap()
}

/// Resident memory of a process in KiB.
fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The lowest number that no open file has: the next one would get it.
fn next_descriptor(process: u32) -> u64 {
    let open: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    (0..).find(|number: &u64| !open.contains(&number.to_string())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_honest_customers_are_answered_beside_every_flood_of_one_address() {
    const MESSAGES: usize = 10;
    let server = Server::start().await;
    let mut customers = Vec::new();
    for attack in ATTACKS {
        let address = server.address.clone();
        // Whoever may not even begin a conversation could not do the rest.
        let begins = if attack.name == "new conversations" { 120 } else { 100_000 };
        let mut agent = server.agent().await;
        agent.set(|settings| settings.limits.new_conversations_per_minute = begins).await;
        drop(agent);
        let mut flood = Box::pin(async move { attack.run(&address).await });
        // Every stranger has knocked before the first of them does.
        assert!(poll_immediate(&mut flood).await.is_none(), "an attack has no end");
        let under_way = tokio::spawn(flood);
        // All fifty, each message after the acknowledgement of the one before.
        let honest = load::each(&server.address, MESSAGES, None);
        customers.extend(tokio::time::timeout(PATIENCE, honest).await.expect(attack.name));
        assert!(!under_way.is_finished(), "an attack has no end");
        under_way.abort();
    }
    let (mut acknowledged, mut lost) = (0, 0);
    for customer in customers {
        let back = V1::resume(&server.address, &customer.token, 0).await;
        let there = back.history.iter().filter(|message| message["author"] == "customer").count();
        acknowledged += customer.acknowledged;
        lost += customer.acknowledged - there;
    }
    assert_eq!((acknowledged, lost), (ATTACKS.len() * load::CUSTOMERS * MESSAGES, 0));
    held(
        "floods from one address beside 50 honest customers",
        "Every honest message is acknowledged",
        &test_name!(),
        &[("attacks", count(ATTACKS.len())), ("acknowledged", count(acknowledged)), ("lost", count(lost))],
    );
}

/// Waits until one customer's socket is left.
async fn alone(agent: &mut Agent) {
    if agent.snapshot().await.counts.connections == 1 {
        return;
    }
    loop {
        match agent.next_update().await {
            Update::Counts { counts } if counts.connections == 1 => return,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_readers_cost_bounded_memory_and_are_let_go() {
    const READERS: usize = 1_000;
    let server = Server::start().await;
    server.agent().await.set(|settings| settings.reply.en = "x".repeat(4_000)).await;
    let before = resident_kib(server.process());
    let flood: Vec<u8> = (0..300)
        .flat_map(|n| {
            let message = json!({ "type": "message", "id": n.to_string(), "text": "And?" });
            frame(first::TEXT, message.to_string().as_bytes())
        })
        .collect();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut raw = Raw::hello(&server.address, None, r#"{"type":"hello","locale":"en"}"#).await;
        // Asks 300 times, and takes none of 1.2 MB of answers.
        raw.send(&flood).await;
        readers.push(raw);
    }
    let mut highest = 0;
    let mut honest = server.v1().await;
    let mut acknowledged: u64 = 0;
    let mut agent = server.agent().await;
    let talks = async {
        loop {
            honest.say(&acknowledged.to_string(), "Are you there?").await;
            honest.next_of("ack").await;
            acknowledged += 1;
            highest = highest.max(resident_kib(server.process()));
        }
    };
    // Until the last of them has been let go: only the honest one is left.
    tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            () = alone(&mut agent) => {}
            () = talks => {}
        }
    })
    .await
    .expect("slow readers to be let go");
    let each = (highest - before) / count(READERS);
    // 256 KiB may wait for each, besides what a connection costs.
    assert!(each < 320, "{each} KiB each");
    // Whoever was let go is told everything when it comes back.
    let mut raw = readers.swap_remove(0);
    let welcome = raw.json().await;
    let resumed = V1::resume(&server.address, welcome["token"].as_str().unwrap(), 0).await;
    assert!(resumed.history.len() > 50, "{}", resumed.history.len());
    held(
        "slow reader ×1,000",
        "Memory stays bounded; each is disconnected and resumes; an honest customer is answered",
        &test_name!(),
        &[
            ("slow readers", count(READERS)),
            ("KiB each at most", each),
            ("honest messages acknowledged", acknowledged),
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn resumers_who_never_read_cost_bounded_memory_however_long_their_history() {
    const RESUMERS: usize = 300;
    const MESSAGES: usize = 100;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let most = u32::try_from(RESUMERS + 2).unwrap();
    agent.set(|settings| settings.limits.connections_per_conversation = most).await;
    let mut customer = server.v1().await;
    let text = "x".repeat(16 * 1024);
    for number in 0..MESSAGES {
        customer.say(&number.to_string(), &text).await;
        customer.next_of("ack").await;
    }
    let token = customer.token();
    let hello = json!({ "type": "hello", "token": token, "revision": 0 }).to_string();
    let before = resident_kib(server.process());
    let mut resumers = Vec::new();
    let mut highest = before;
    for _ in 0..RESUMERS {
        let mut raw = Raw::hello(&server.address, None, &hello).await;
        // Welcomed, it takes nothing of what follows.
        assert_eq!(raw.json().await["resumed"], true);
        resumers.push(raw);
        highest = highest.max(resident_kib(server.process()));
    }
    // All of them are waited for while another one is told everything.
    let other = V1::resume(&server.address, &token, 0).await;
    let told = other.history.iter().filter(|message| message["author"] == "customer").count();
    assert_eq!(told, MESSAGES);
    assert!(
        agent.snapshot().await.counts.connections as usize > RESUMERS,
        "one was let go before it was measured"
    );
    highest = highest.max(resident_kib(server.process()));
    let each = (highest - before) / count(RESUMERS);
    // A page of 128 KiB, what is being written of it, and what a connection costs.
    assert!(each < 320, "{each} KiB each");
    held(
        "resumers who never read a long history",
        "Memory stays bounded, whatever is in the history; another one is told everything meanwhile",
        &test_name!(),
        &[
            ("resumers", count(resumers.len())),
            ("messages of 16 KiB", count(told)),
            ("KiB each at most", each),
        ],
    );
}

#[tokio::test]
async fn a_tab_that_does_not_read_is_let_go_with_a_full_outbox_and_misses_nothing() {
    /// With their replies far more than systems keep for a socket, and written long before a write is late.
    const MESSAGES: usize = 400;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent
        .set(|settings| {
            settings.reply.en = "x".repeat(4_000);
            settings.limits.frames_burst = 10_000;
        })
        .await;
    agent.ask(Request::WatchActivity { on: true }).await;
    let mut awake = server.v1().await;
    awake.say("first", "Hello?").await;
    awake.next_of("ack").await;
    let mut asleep = V1::resume(&server.address, &awake.token(), 0).await;
    for number in 0..MESSAGES {
        awake.say(&number.to_string(), "And?").await;
        awake.next_of("ack").await;
    }
    // It wakes up: what its system had kept for it is there, and no more, or everything was kept.
    let mut heard = 0;
    within("the end of what was kept", async {
        while let Some(text) = next_text(&mut asleep.socket).await {
            heard += usize::from(text.contains("\"author\":\"automatic\""));
        }
    })
    .await;
    assert!(heard < MESSAGES / 2, "{heard} replies waited for a tab that did not read");
    let refusal = agent
        .update(|update| match update {
            Update::Activity { event } => match event.kind {
                ActivityKind::Refused { refusal, .. } => Some(refusal),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert_eq!(refusal.code, Code::TooSlow, "{refusal}");
    let back = V1::resume(&server.address, &awake.token(), 0).await;
    let replies = back.history.iter().filter(|frame| frame["author"] == "automatic").count();
    // With the greeting, and the reply to the first.
    assert_eq!(replies, MESSAGES + 2);
    held(
        "a tab that does not read, beside one that does",
        "It is let go when its outbox is full, nothing more is kept for it, and it resumes with everything",
        &test_name!(),
        &[("messages", count(MESSAGES)), ("heard before it was let go", count(heard)), ("lost", 0)],
    );
}

#[tokio::test]
async fn without_a_free_descriptor_open_conversations_go_on_and_new_ones_wait() {
    let mut server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    customer.say("before", "hi").await;
    customer.next_of("ack").await;
    agent.ask(Request::WatchActivity { on: true }).await;
    let process = i32::try_from(server.process()).unwrap();
    let mut old = (0, 0);
    rlimit::prlimit(process, rlimit::Resource::NOFILE, None, Some((&mut old.0, &mut old.1))).unwrap();
    let set = |soft| rlimit::prlimit(process, rlimit::Resource::NOFILE, Some((soft, old.1)), None).unwrap();
    // Not one more than there are.
    set(next_descriptor(server.process()));
    let waiting = tokio::spawn({
        let address = server.address.clone();
        async move { V1::connect(&address, json!({ "type": "hello" })).await }
    });
    let failure = agent
        .update(|update| match update {
            Update::Activity { event } => match event.kind {
                ActivityKind::Failed { error, .. } => Some(error),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert!(failure.starts_with("No connection can be accepted: Too many open files"), "{failure}");
    let mut acknowledged = 0;
    for number in 0..100 {
        customer.say(&number.to_string(), "Still there?").await;
        customer.next_of("ack").await;
        acknowledged += 1;
    }
    // The store still answers questions, and stores settings.
    agent.ask(Request::Search { query: "still".to_owned() }).await;
    agent.set(|settings| settings.agent_name = "Mia".to_owned()).await;
    assert!(!waiting.is_finished());
    set(old.0);
    let mut new = within("who has waited", waiting).await.unwrap();
    new.say("a", "At last.").await;
    new.next_of("ack").await;
    let back = V1::resume(&server.address, &customer.token(), 0).await;
    let there = back.history.iter().filter(|message| message["text"] == "Still there?").count();
    assert_eq!(there, acknowledged);
    // A loop without a pause would have said it thousands of times.
    server.signal("TERM").await;
    let mut said = 0;
    while let Some(line) = within("the log", server.stderr.next_line()).await.unwrap() {
        said += u64::from(line.contains("no connection can be accepted"));
    }
    assert!((1..200).contains(&said), "{said} lines");
    held(
        "EMFILE",
        "Open conversations go on, the store works, accepting pauses and goes on by itself",
        &test_name!(),
        &[
            ("acknowledged meanwhile", count(acknowledged)),
            ("lost", count(acknowledged - there)),
            ("failed accepts", said),
        ],
    );
}

#[tokio::test]
async fn connections_are_fewer_than_descriptors() {
    let data = TempDir::new().unwrap();
    let command = deskbell_tests::server::command(data.path(), "127.0.0.1:0");
    let program = command.as_std().get_program().to_owned();
    let arguments: Vec<_> = command.as_std().get_args().map(ToOwned::to_owned).collect();
    // The shell lowers its own limit, soft and hard, and becomes the server.
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", r#"ulimit -n 120; exec "$0" "$@""#]).arg(program).args(arguments);
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).kill_on_drop(true);
    let server = Server::started(shell.spawn().unwrap(), data).await;
    let mut here = Vec::new();
    let refused = loop {
        match Raw::try_open(&server.address, None, "").await {
            Ok(raw) => here.push(raw),
            Err(answer) => break answer,
        }
    };
    assert!(refused.contains("(too_many_connections)"), "{refused}");
    // Half of 120 are kept, and a quarter of the rest is not for this machine.
    assert_eq!(here.len(), 45);
    let mut stranger = Raw::hello(&server.address, Some(STRANGER), r#"{"type":"hello"}"#).await;
    stranger.send(&frame(first::TEXT, br#"{"type":"message","id":"a","text":"hi"}"#)).await;
    while stranger.json().await["type"] != "ack" {}
}

/// A reference client that counts.
struct Counted {
    client: Client,
    events: Events,
    acknowledged: Vec<String>,
    /// The place of the last that was acknowledged.
    seq: i64,
}

impl Counted {
    fn start(address: &str, seed: u64) -> Self {
        let mut state = seed;
        let randomness = Box::new(move || {
            // splitmix64
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^ (mixed >> 27)
        });
        let (client, events) = deskbell_client::start(Options { randomness, ..Options::to(address) }, None);
        Self { client, events, acknowledged: Vec::new(), seq: 0 }
    }

    async fn until_acknowledged(&mut self, many: usize) {
        while self.acknowledged.len() < many {
            match self.events.next().await.expect("the client has ended") {
                Event::Acknowledged { id, seq, .. } => {
                    self.acknowledged.push(id);
                    self.seq = seq.0;
                }
                Event::Refused { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_clients_come_back_at_once_and_lose_nothing() {
    const CLIENTS: usize = 5_000;
    let server = Server::start().await;
    let address = server.address.clone();
    let mut clients: Vec<Counted> = (0..CLIENTS).map(|n| Counted::start(&address, count(n))).collect();
    let all = |clients: Vec<Counted>, many: usize| async move {
        let each = clients.into_iter().map(|mut client| async move {
            client.client.say_as(&format!("m{many}"), "Hello?").await.unwrap();
            client.until_acknowledged(many).await;
            client
        });
        tokio::time::timeout(PATIENCE, join_all(each)).await.expect("all to be acknowledged")
    };
    clients = all(clients, 1).await;
    let data = server.kill().await;
    // What is said meanwhile waits in the clients.
    let server = tokio::spawn(async move { Server::start_at(data, &address, &[]).await });
    clients = all(clients, 2).await;
    let server = server.await.unwrap();
    let lost = clients.iter().filter(|client| client.acknowledged != ["m1", "m2"]).count();
    // The greeting, the first message and its answer, the second: what was stored twice would stand between.
    let duplicated = clients.iter().filter(|client| client.seq != 4).count();
    assert_eq!((lost, duplicated), (0, 0));
    let counts = server.agent().await.snapshot().await.counts;
    assert_eq!(u64::from(counts.open), count(CLIENTS), "each in its own conversation, none twice");
    held(
        "5,000 clients reconnecting at once, after kill -9",
        "All are back, in their own conversations; what was said meanwhile arrives once",
        &test_name!(),
        &[
            ("clients", count(CLIENTS)),
            ("acknowledged", count(CLIENTS * 2)),
            ("lost", count(lost)),
            ("duplicated", count(duplicated)),
        ],
    );
}

#[tokio::test]
async fn a_panic_in_one_connections_task_ends_that_connection_only() {
    let data = TempDir::new().unwrap();
    let server = Server::start_with(data, &[("DESKBELL_TEST_PANIC_ON", "boom")]).await;
    let mut agent = server.agent().await;
    let mut unlucky = server.v1().await;
    unlucky.say("1", "fine").await;
    unlucky.next_of("ack").await;
    let acknowledged = 1;
    let mut other = server.v1().await;
    let token = unlucky.token();
    agent.until(|conversation| conversation.stored && !conversation.connections.is_empty()).await;
    unlucky.say("2", "boom").await;
    let gone = agent.until(|conversation| conversation.stored && conversation.connections.is_empty()).await;
    other.say("1", "And me?").await;
    other.next_of("ack").await;
    let mut again = V1::resume(&server.address, &token, 0).await;
    assert_eq!(again.history.len(), 3, "{:?}", again.history);
    let there = again.history.iter().filter(|message| message["author"] == "customer").count();
    again.say("3", "back").await;
    again.next_of("ack").await;
    assert_eq!(agent.conversation(gone.id).await.connections.len(), 1);
    held(
        "a panic in one connection's task",
        "That connection ends and its conversation resumes; others notice nothing",
        &test_name!(),
        &[("acknowledged before", acknowledged), ("lost", acknowledged - count(there))],
    );
}

#[tokio::test]
async fn a_panic_of_the_store_refuses_what_it_was_about_and_nothing_else() {
    let variables = [("DESKBELL_TEST_WRITER_PANIC_ON", "boom")];
    let server = Server::start_with(TempDir::new().unwrap(), &variables).await;
    let mut agent = server.agent().await;
    let mut customers = Vec::new();
    for _ in 0..10 {
        customers.push(asking(&server).await);
    }
    // Side by side, so that what is fine shares commits with what is not.
    let (mut refused, mut acknowledged) = (0, 0);
    for customer in &mut customers {
        for (id, text) in [("b", "fine"), ("c", "boom"), ("d", "fine")] {
            customer.say(id, text).await;
        }
    }
    for customer in &mut customers {
        for (id, code) in [("b", None), ("c", Some("internal")), ("d", None)] {
            let frame = loop {
                let frame = customer.next().await;
                if frame["type"] == "ack" || frame["type"] == "error" {
                    break frame;
                }
            };
            assert_eq!((frame["id"].as_str(), frame["code"].as_str()), (Some(id), code), "{frame}");
            refused += u64::from(code.is_some());
            acknowledged += u64::from(code.is_none());
        }
    }
    let conversation = agent.snapshot().await.conversations[0].id;
    let send = |text: &str| Request::Send { conversation, id: text.to_owned(), text: text.to_owned() };
    assert_eq!(agent.call(send("boom")).await.unwrap_err().code, Code::Internal);
    agent.ask(send("fine")).await;
    agent.set(|settings| settings.agent_name = "Mia".to_owned()).await;
    assert_eq!(agent.snapshot().await.counts.open, 10);
    // And it ends in order.
    let tokens: Vec<String> = customers.iter().map(V1::token).collect();
    let server = Server::start_on(server.stop().await).await;
    let mut there = 0;
    for token in &tokens {
        let back = V1::resume(&server.address, token, 0).await;
        there += count(back.history.iter().filter(|message| message["text"] == "fine").count());
        assert!(!back.history.iter().any(|message| message["text"] == "boom"));
    }
    // One more was the agent's.
    assert_eq!(there, acknowledged + 1);
    held(
        "a panic on the store's thread",
        "What it was about is refused; everything else is stored, and the desk goes on",
        &test_name!(),
        &[("refused", refused), ("acknowledged beside", acknowledged), ("lost", acknowledged + 1 - there)],
    );
}

#[tokio::test]
async fn a_process_that_was_stopped_and_goes_on_has_lost_nothing() {
    let server = Server::start().await;
    let mut client = Counted::start(&server.address, 1);
    client.client.say_as("m1", "Before.").await.unwrap();
    within("the first", client.until_acknowledged(1)).await;
    let mut lost_sight = asking(&server).await;
    server.signal("STOP").await;
    client.client.say_as("m2", "Meanwhile.").await.unwrap();
    lost_sight.say("b", "Do you hear me?").await;
    // Until the client has given this connection up, and found that no new one is to be had.
    for _ in 0..2 {
        let offline = async { while !matches!(client.events.next().await, Some(Event::Offline { .. })) {} };
        within("the client to notice", offline).await;
    }
    server.signal("CONT").await;
    client.client.say_as("m3", "After.").await.unwrap();
    within("the rest", client.until_acknowledged(3)).await;
    assert_eq!(client.acknowledged, ["m1", "m2", "m3"]);
    // The reference client finds what it said in its history. One that does not look there says it again.
    let mut again = V1::resume(&server.address, &lost_sight.token(), 0).await;
    again.say("b", "Do you hear me?").await;
    assert_eq!(again.next_of("ack").await, lost_sight.next_of("ack").await, "it was said once");
    let acknowledged = client.acknowledged.len() + 2;
    let mut agent = server.agent().await;
    let conversations = agent.snapshot().await.conversations;
    let stored: Vec<_> = conversations.iter().filter(|conversation| conversation.stored).collect();
    assert_eq!(stored.len(), 2);
    let mut own = 0;
    for conversation in stored {
        let thread = agent.thread(conversation.id).await;
        own += thread.iter().filter(|message| message.client_id.is_some()).count();
    }
    let lost = acknowledged.saturating_sub(own);
    let duplicated = own.saturating_sub(acknowledged);
    assert_eq!((lost, duplicated), (0, 0), "each is there once");
    held(
        "process stopped (SIGSTOP) for longer than clients wait, and continued",
        "Clients notice, come back, and what they said meanwhile arrives once",
        &test_name!(),
        &[("acknowledged", count(acknowledged)), ("lost", count(lost)), ("duplicated", count(duplicated))],
    );
}

#[tokio::test]
async fn a_clock_that_jumps_a_year_both_ways_changes_no_order_and_loses_no_held_reply() {
    const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;
    let data = TempDir::new().unwrap();
    let clock = data.path().join("clock");
    let jumps = Cell::new(0);
    let jump = |milliseconds: i64| {
        std::fs::write(&clock, milliseconds.to_string()).unwrap();
        jumps.set(jumps.get() + 1);
    };
    std::fs::write(&clock, "0").unwrap();
    let server = Server::start_with(data, &[("DESKBELL_TEST_CLOCK", clock.to_str().unwrap())]).await;
    let mut agent = server.agent().await;
    let mut customer = server.v1().await;
    let mut last_seq = 0;
    for (number, offset) in [0, YEAR_MS, -YEAR_MS, 0].into_iter().enumerate() {
        jump(offset);
        agent.set(|settings| settings.hold = Hold::Seconds { seconds: 1 }).await;
        customer.say(&number.to_string(), "What time is it?").await;
        let seq = customer.next_of("ack").await["seq"].as_i64().unwrap();
        assert!(seq > last_seq, "order is not by the clock");
        // While the reply is held, the clock jumps: it is sent all the same, once, after the hold.
        jump(-offset);
        last_seq = customer.next_from("automatic").await["seq"].as_i64().unwrap();
        assert!(last_seq > seq);
    }
    let token = customer.token();
    let again = V1::resume(&server.address, &token, 0).await;
    let revisions: Vec<i64> =
        again.history.iter().map(|message| message["revision"].as_i64().unwrap()).collect();
    let lost = (1..=9).filter(|revision| !revisions.contains(revision)).count();
    let reordered = revisions.windows(2).filter(|two| two[0] >= two[1]).count();
    assert_eq!((lost, reordered, revisions.len()), (0, 0, 9));
    let replies = again.history.iter().filter(|message| message["author"] == "automatic").count() - 1;
    held(
        "clock jumping a year both ways",
        "Order stands; held replies are sent once",
        &test_name!(),
        &[
            ("jumps", jumps.get()),
            ("replies", count(replies)),
            ("lost", count(lost)),
            ("reordered", count(reordered)),
        ],
    );
}

/// The conversation in which a reply is held.
async fn holding(agent: &mut Agent) -> (ConversationId, HeldId) {
    let held = |conversation: &Conversation| Some((conversation.id, conversation.held.as_ref()?.id));
    agent.snapshot().await.conversations.iter().find_map(held).expect("a reply is held")
}

/// A customer whose message is stored.
async fn asking(server: &Server) -> V1 {
    let mut customer = server.v1().await;
    customer.say("a", "What time is it?").await;
    customer.next_of("ack").await;
    customer
}

/// Another customer's reply, held for a second from now on, comes while this one is held.
async fn is_held_for_a_second_more(server: &Server, agent: &mut Agent, held: (ConversationId, HeldId)) {
    agent.hold_seconds(1).await;
    asking(server).await.next_from("automatic").await;
    let still = agent.conversation(held.0).await.held.expect("the reply is held");
    assert_eq!(still.id, held.1);
}

#[tokio::test]
async fn a_clock_that_jumps_while_a_reply_is_held_neither_sends_nor_keeps_it() {
    const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;
    const HOLD: u32 = 8;
    let clock = Clock::default();
    let variable = clock.variable();
    let variables = [("DESKBELL_TEST_CLOCK", variable.as_str())];
    let mut server = Server::start_with(TempDir::new().unwrap(), &variables).await;
    let (mut jumps, mut replies) = (0, 0);
    for ahead in [true, false] {
        let mut agent = server.agent().await;
        agent.hold_seconds(HOLD).await;
        let mut customer = asking(&server).await;
        let (conversation, held) = holding(&mut agent).await;
        clock.forward(if ahead { YEAR_MS } else { -YEAR_MS });
        jumps += 1;
        // What every console does that shows the thread, and one that edits the reply and leaves it as it is.
        agent.ask(Request::MarkRead { conversation, seq: Seq(2) }).await;
        if ahead {
            is_held_for_a_second_more(&server, &mut agent, (conversation, held)).await;
            agent.ask(Request::PauseHeld { conversation, held }).await;
            let paused = agent.conversation(conversation).await.held.unwrap().paused_ms.unwrap();
            assert!((1..i64::from(HOLD) * 1000).contains(&paused), "{paused} ms are left");
            agent.ask(Request::ResumeHeld { conversation, held }).await;
        }
        customer.next_from("automatic").await;
        replies += 1;
    }
    for (number, orderly) in [false, true].into_iter().enumerate() {
        let mut agent = server.agent().await;
        agent.hold_seconds(HOLD).await;
        let customer = asking(&server).await;
        let held = holding(&mut agent).await;
        let token = customer.token();
        clock.forward(YEAR_MS);
        jumps += 1;
        let data = if orderly { server.stop().await } else { server.kill().await };
        server = Server::start_with(data, &variables).await;
        let mut agent = server.agent().await;
        is_held_for_a_second_more(&server, &mut agent, held).await;
        let mut back = V1::resume(&server.address, &token, 0).await;
        assert_eq!(back.history.len(), 2, "the greeting and the question, start {number}");
        back.next_from("automatic").await;
        replies += 1;
    }
    held(
        "clock jumping a year while a reply is held, and the thread is opened, the reply edited or the desk started again",
        "What was left of the hold is left: the reply is neither sent at once nor kept",
        &test_name!(),
        &[("jumps", jumps), ("replies", replies)],
    );
}

#[tokio::test]
async fn a_token_opens_its_own_conversation_and_no_other() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut owner = server.v1().await;
    owner.say("a", "my secret").await;
    owner.next_of("ack").await;
    let conversation = agent.until(|conversation| conversation.stored).await.id;
    let token = owner.token();
    // Nearly right is not right.
    let mut near: Vec<String> = vec![
        token.to_lowercase(),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        format!("{token}="),
        format!("{token} "),
        format!("{token}' OR '1'='1"),
        conversation.to_string(),
        String::new(),
    ];
    near.retain(|other| *other != token);
    // Of another desk.
    near.push(Server::start().await.v1().await.token());
    let (mut tried, mut opened) = (0, 0);
    for token in &near {
        let stranger = V1::resume(&server.address, token, 0).await;
        tried += 1;
        opened += u64::from(stranger.welcome["resumed"] != false || !stranger.history.is_empty());
        assert_ne!(stranger.token(), owner.token());
    }
    // Frames may name what they like: they are about their sender's conversation.
    let mut stranger = server.v1().await;
    for frame in [
        json!({ "type": "message", "id": "x", "text": "mine", "conversation": conversation, "token": token }),
        json!({ "type": "read", "seq": 99, "conversation": conversation }),
        json!({ "type": "typing", "conversation": conversation }),
        json!({ "type": "request_human", "conversation": conversation }),
    ] {
        stranger.send(frame).await;
    }
    stranger.next_of("ack").await;
    let before = agent.thread(conversation).await;
    assert_eq!(before.iter().filter(|message| message.text == "mine").count(), 0);
    assert_eq!(agent.conversation(conversation).await.customer_read_seq, Seq(0));
    // Used again, it is the same conversation: nothing is doubled.
    let mut replayed = V1::resume(&server.address, &token, 0).await;
    replayed.say("a", "my secret").await;
    assert_eq!(replayed.next_of("ack").await["seq"], 2);
    // Erased, it opens nothing.
    agent.ask(Request::Erase { conversation }).await;
    let revoked = V1::resume(&server.address, &token, 0).await;
    tried += 1;
    opened += u64::from(revoked.welcome["resumed"] != false || !revoked.history.is_empty());
    assert_eq!(opened, 0, "of {near:?} and the revoked one");
    held(
        "replayed, foreign and revoked token; a customer's every verb with a foreign id",
        "A token opens its own conversation or a new one; frames are about their sender's",
        &test_name!(),
        &[("foreign and revoked tokens tried", tried), ("conversations opened", opened)],
    );
}
