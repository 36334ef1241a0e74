//! Keeping the data: backups, restoring, exports, erasing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use deskbell_protocol::agent::{Request, Response, Update};
use deskbell_protocol::responder::{Action, Rule, Trigger};
use deskbell_protocol::settings::{Hold, Localized, Settings};
use deskbell_protocol::upkeep::{Backup, BackupReason, ExportFormat};
use deskbell_protocol::{Code, ConversationId, RuleId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::clock::{Clock, HOUR};
use deskbell_tests::customer::{V1, next_close, next_text};
use deskbell_tests::record::Fault;
use deskbell_tests::server::{Server, command, run_to_end};
use deskbell_tests::{test_name, within};
use serde_json::{Value, json};

async fn backups(agent: &mut Agent) -> Vec<Backup> {
    match agent.ask(Request::Backups {}).await {
        Response::Backups { backups, .. } => backups,
        response => panic!("{response:?}"),
    }
}

/// A customer with a name whose message is stored.
async fn customer(server: &Server, name: &str, text: &str) -> V1 {
    let mut customer = V1::connect(&server.address, json!({ "type": "hello", "name": name })).await;
    customer.say("a", text).await;
    customer.next_from("automatic").await;
    customer
}

async fn only_conversation(agent: &mut Agent) -> ConversationId {
    agent.snapshot().await.conversations[0].id
}

#[tokio::test]
async fn a_backup_asked_for_is_listed_private_and_as_many_are_kept_as_the_setting_says() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.backups_kept = 2).await;
    customer(&server, "Ann", "hello").await;
    for _ in 0..3 {
        agent.ask(Request::BackUp {}).await;
    }
    let asked: Vec<_> =
        backups(&mut agent).await.into_iter().filter(|b| b.reason == BackupReason::Asked).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].name > asked[1].name && asked.iter().all(|b| b.bytes > 0), "{asked:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = server.data.path().join("backups");
        assert_eq!((mode(&folder), mode(&folder.join(&asked[0].name))), (0o700, 0o600));
        assert_eq!(mode(&server.data.path().join("deskbell.db")), 0o600);
    }
    let refusal = agent.call(Request::Restore { name: "../agent.secret".to_owned() }).await.unwrap_err();
    assert_eq!(refusal.code, Code::BackupUnusable);
}

#[tokio::test]
async fn of_every_reason_as_many_backups_are_kept_as_the_setting_says_and_of_damaged_databases_too() {
    let clock = Clock::default();
    let variable = clock.variable();
    let variables = [("DESKBELL_TEST_CLOCK", variable.as_str()), ("DESKBELL_TEST_INTERVAL", "50")];
    // Updates of the same old data, one more than are kept by default and another.
    let old = std::fs::read(deskbell_tests::root().join("tests/data/format-1.db")).unwrap();
    let usual = Settings::default().backups_kept as usize;
    let mut data = tempfile::tempdir().unwrap();
    for _ in 0..usual + 2 {
        std::fs::write(data.path().join("deskbell.db"), &old).unwrap();
        data = Server::start_with(data, &variables).await.stop().await;
    }
    let server = Server::start_with(data, &variables).await;
    let mut agent = server.agent().await;
    assert_eq!(kept(&mut agent, BackupReason::BeforeUpdate).await, usual);
    // The day's backup is made, and no other is due before the clock moves.
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    within("the day's backup", async {
        while kept(&mut agent, BackupReason::Daily).await == 0 || agent.snapshot().await.upkeep.is_some() {
            look.tick().await;
        }
    })
    .await;

    const KEPT: usize = 2;
    agent.set(|settings| settings.backups_kept = KEPT as u32).await;
    for _ in 0..KEPT + 2 {
        let known = backups(&mut agent).await[0].name.clone();
        clock.forward(25 * HOUR);
        until_backup_after(&mut agent, &known).await;
        back_up_after_the_other(&mut agent).await;
        let name = backups(&mut agent).await[0].name.clone();
        agent.ask(Request::Restore { name }).await;
    }
    for reason in
        [BackupReason::BeforeUpdate, BackupReason::Daily, BackupReason::Asked, BackupReason::BeforeRestore]
    {
        assert_eq!(kept(&mut agent, reason).await, KEPT, "{reason:?}");
    }
    let name = backups(&mut agent).await[0].name.clone();
    let mut data = server.stop().await;
    let damaged = |number: usize| format!("damaged, the {number}th time");
    for number in 1..=KEPT + 2 {
        std::fs::write(data.path().join("deskbell.db"), damaged(number)).unwrap();
        let mut restore = command(data.path(), "127.0.0.1:0");
        restore.args(["--restore", &name]);
        assert_eq!(run_to_end(restore).await.0, Some(0));
    }
    let aside = |data: &Path| {
        let folders = std::fs::read_dir(data.join("kept-aside")).unwrap();
        let files = folders.map(|folder| folder.unwrap().path().join("deskbell.db"));
        let mut texts: Vec<_> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        texts.sort();
        texts
    };
    // Within one second, and none in the place of another.
    assert_eq!(aside(data.path()), [damaged(1), damaged(2), damaged(3), damaged(4)]);
    data = Server::start_with(data, &variables).await.stop().await;
    assert_eq!(aside(data.path()), [damaged(3), damaged(4)]);
}

/// How many backups of a reason there are.
async fn kept(agent: &mut Agent, reason: BackupReason) -> usize {
    backups(agent).await.iter().filter(|backup| backup.reason == reason).count()
}

/// Asks for a backup as soon as the one that is being made is done: older ones go after it is there.
async fn back_up_after_the_other(agent: &mut Agent) {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    within("the other backup to be done", async {
        while let Err(refusal) = agent.call(Request::BackUp {}).await {
            assert_eq!(refusal.code, Code::Overloaded, "{refusal}");
            look.tick().await;
        }
    })
    .await;
}

/// Waits until there is a daily backup newer than the one of this name.
async fn until_backup_after(agent: &mut Agent, known: &str) {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    within("a daily backup", async {
        loop {
            let newest = backups(agent).await.remove(0);
            if newest.name.as_str() > known && newest.reason == BackupReason::Daily {
                return;
            }
            look.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_made_daily_and_a_year_more_or_less_on_the_clock_changes_nothing_but_dates() {
    let data = tempfile::tempdir().unwrap();
    let clock = data.path().join("clock");
    let variables = [("DESKBELL_TEST_CLOCK", clock.to_str().unwrap()), ("DESKBELL_TEST_INTERVAL", "50")];
    let server = Server::start_with(tempfile::tempdir().unwrap(), &variables).await;
    let mut agent = server.agent().await;
    agent.hold_seconds(3600).await;
    let mut customer = V1::connect(&server.address, json!({ "type": "hello" })).await;
    let year: i64 = 365 * 24 * 3_600_000;
    let (mut expected, mut acknowledged) = (0, 0);
    for (number, offset) in [0, year, -year, 0].into_iter().enumerate() {
        std::fs::write(&clock, offset.to_string()).unwrap();
        customer.say(&number.to_string(), &format!("message {number}")).await;
        // The greeting is message 1.
        let ack = customer.next_of("ack").await;
        assert_eq!(ack["revision"], number + 2, "{ack}");
        acknowledged += 1;
        expected += 1;
        agent.update(|update| matches!(update, Update::BackupsChanged { problem: None }).then_some(())).await;
        let listed = backups(&mut agent).await;
        assert_eq!(listed.len(), expected, "one for each day that the clock came to: {listed:?}");
        let id = only_conversation(&mut agent).await;
        let held = agent.conversation(id).await.held.expect("a reply is held, whatever the clock says");
        let left = held.due_at.unwrap().since(agent.snapshot().await.now);
        assert!((3_500_000..=3_600_000).contains(&left), "{left} ms are left");
    }
    let id = only_conversation(&mut agent).await;
    let thread = agent.thread(id).await;
    let texts: Vec<_> = thread.iter().map(|m| m.text.as_str()).filter(|t| t.starts_with("message")).collect();
    let wanted = ["message 0", "message 1", "message 2", "message 3"];
    let lost = wanted.iter().filter(|text| !texts.contains(text)).count() as u64;
    let reordered = texts.iter().zip(wanted).filter(|(there, wanted)| *there != wanted).count() as u64;
    assert_eq!((lost, reordered, texts.len()), (0, 0, 4));
    Fault {
        subject: "Store",
        fault: "the clock jumps a year forward and two back",
        promise: "Order, holds and the daily backup do not follow it",
        test: &test_name!(),
        counts: &[
            ("acknowledged", acknowledged),
            ("backups", expected as u64),
            ("lost", lost),
            ("reordered", reordered),
        ],
    }
    .record();
}

#[tokio::test]
async fn a_restore_from_the_console_brings_everything_back_under_a_new_epoch() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut kept = customer(&server, "Ann", "before the backup").await;
    let Response::Backups { backups: listed, .. } = agent.ask(Request::BackUp {}).await else { panic!() };
    let name = listed[0].name.clone();
    kept.say("b", "after the backup").await;
    kept.next_from("automatic").await;
    let mut later = customer(&server, "Later", "not in the backup").await;
    let before = agent.snapshot().await;

    agent.ask(Request::Restore { name }).await;
    agent.update(|update| matches!(update, Update::Resync {}).then_some(())).await;
    assert_eq!(next_close(&mut kept.socket).await.0, 1001);
    assert_eq!(next_close(&mut later.socket).await.0, 1001);
    let after = agent.snapshot().await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.counts.open, 1);
    let kept_as = &backups(&mut agent).await[0];
    assert_eq!(kept_as.reason, BackupReason::BeforeRestore);

    // The client has more than the desk: the new epoch tells it to take the history as new.
    let hello = json!({ "type": "hello", "token": kept.token(), "revision": 5, "epoch": before.epoch });
    let mut back = V1::connect(&server.address, hello).await;
    assert_eq!((&back.welcome["resumed"], &back.welcome["epoch"]), (&json!(true), &json!(after.epoch)));
    let texts: Vec<_> = back.history.iter().map(|frame| frame["text"].as_str().unwrap()).collect();
    assert!(texts.contains(&"before the backup") && !texts.contains(&"after the backup"), "{texts:?}");
    // What was not acknowledged by this database is sent again and stored once.
    back.say("b", "after the backup").await;
    back.next_of("ack").await;

    // And forth again: nothing was lost by restoring.
    let name = kept_as.name.clone();
    agent.ask(Request::Restore { name }).await;
    let mut agent = server.agent().await;
    assert_eq!(agent.snapshot().await.counts.open, 2);
    let again = V1::resume(&server.address, &later.token(), 0).await;
    assert!(again.history.iter().any(|frame| frame["text"] == "not in the backup"));
}

#[tokio::test]
async fn a_backup_that_was_copied_over_the_database_is_another_database_to_clients() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut epochs = vec![agent.snapshot().await.epoch];
    let mut customer = customer(&server, "Ann", "before").await;
    let Response::Backups { backups: asked, .. } = agent.ask(Request::BackUp {}).await else { panic!() };
    customer.say("b", "after").await;
    customer.next_from("automatic").await;
    let asked = asked[0].name.clone();
    agent.ask(Request::Restore { name: asked.clone() }).await;
    let mut agent = server.agent().await;
    // The one that was replaced is a backup, too.
    let replaced = backups(&mut agent).await[0].name.clone();
    epochs.push(agent.snapshot().await.epoch);
    let mut data = server.stop().await;
    for (name, messages) in [(asked, 3), (replaced, 5)] {
        let backup = data.path().join("backups").join(&name);
        std::fs::copy(backup, data.path().join("deskbell.db")).unwrap();
        let server = Server::start_on(data).await;
        let fresh = server.agent().await.snapshot().await.epoch;
        // Nor the one that this database had when the backup was made.
        assert!(!epochs.contains(&fresh), "{name}: {fresh} of {epochs:?}");
        // The client has seen as much, of another database: it is told everything.
        for epoch in &epochs {
            let hello =
                json!({ "type": "hello", "token": customer.token(), "revision": messages, "epoch": epoch });
            let back = V1::connect(&server.address, hello).await;
            assert_eq!((&back.welcome["resumed"], &back.welcome["epoch"]), (&json!(true), &json!(fresh)));
            assert_eq!(back.history.len(), messages, "{name}");
        }
        data = server.stop().await;
        let server = Server::start_on(data).await;
        assert_eq!(server.agent().await.snapshot().await.epoch, fresh, "it is given once");
        epochs.push(fresh);
        data = server.stop().await;
    }
}

#[tokio::test]
async fn a_restore_by_one_command_works_on_a_closed_desk_and_only_on_that() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let first = customer(&server, "Ann", "first").await;
    let Response::Backups { backups: listed, .. } = agent.ask(Request::BackUp {}).await else { panic!() };
    let second = customer(&server, "Bob", "second").await;
    let restore = |data: &Path, file: &str| {
        let mut command = command(data, "127.0.0.1:0");
        command.args(["--restore", file]);
        run_to_end(command)
    };
    let (code, said) = restore(server.data.path(), &listed[0].name).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Another Deskbell is running"), "{said}");

    let data = server.stop().await;
    let (code, said) = restore(data.path(), "agent.secret").await;
    assert!(code == Some(1) && said.contains("There is no backup"), "{said}");
    let secret = data.path().join("agent.secret");
    let (code, said) = restore(data.path(), secret.to_str().unwrap()).await;
    assert!(code == Some(1) && said.contains("is not a backup"), "{said}");
    let (code, said) = restore(data.path(), &listed[0].name).await;
    assert!(code == Some(0) && said.contains("is kept in"), "{said}");

    let server = Server::start_on(data).await;
    let back = V1::resume(&server.address, &first.token(), 0).await;
    assert!(back.history.iter().any(|frame| frame["text"] == "first"));
    let other = V1::resume(&server.address, &second.token(), 0).await;
    assert_eq!(other.welcome["resumed"], false);
}

#[tokio::test]
async fn a_conversation_is_exported_whole_in_parts() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = customer(&server, "Ann", "first\nsecond line").await;
    let long = "长".repeat(4000);
    for number in 0..40 {
        customer.say(&number.to_string(), &format!("{number} {long}")).await;
        customer.next_of("ack").await;
    }
    let id = only_conversation(&mut agent).await;
    agent.ask(Request::Note { conversation: id, id: "n".to_owned(), text: "a note".to_owned() }).await;
    for format in [ExportFormat::Json, ExportFormat::Text] {
        let (mut file, mut parts, mut after) = (String::new(), 0, None);
        loop {
            let request = Request::Export { conversation: id, format, after };
            let Response::Exported { name, part, next } = agent.ask(request).await else { panic!() };
            assert!(name.starts_with("conversation-"), "{name}");
            file.push_str(&part);
            parts += 1;
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert!(parts > 1, "{parts}");
        match format {
            ExportFormat::Json => {
                let value: Value = serde_json::from_str(&file).unwrap();
                // Greeting, first message and its answer, 40 and their answers, the note.
                assert_eq!(value["messages"].as_array().unwrap().len(), 1 + 2 + 80 + 1);
                assert_eq!(value["conversation"]["customer"]["name"], "Ann");
            }
            ExportFormat::Text => {
                assert!(file.contains("Ann: first\n    second line\n"), "{}", &file[..400]);
                assert!(file.contains("Note by Agent: a note\n") && file.contains(&format!("39 {long}")));
            }
        }
    }
    let missing =
        Request::Export { conversation: ConversationId(99), format: ExportFormat::Text, after: None };
    assert_eq!(agent.call(missing).await.unwrap_err().code, Code::NoSuchConversation);
}

/// Every file below a folder that has these bytes anywhere.
fn holders(folder: &Path, canary: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holders(&path, canary));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(canary.len()).any(|window| window == canary.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

/// Puts the canary wherever something of a customer can be, with a backup of each state; in how many places it was seen.
async fn everywhere(agent: &mut Agent, customer: &mut V1, conversation: ConversationId) -> u64 {
    // Replies with what the customer wrote, so that it is in replies, too.
    let rule = Rule {
        id: RuleId(0),
        name: "Echo".to_owned(),
        enabled: true,
        trigger: Trigger::Regex { pattern: "^echo (.+)$".to_owned() },
        languages: Vec::new(),
        page: String::new(),
        action: Action::Reply { text: Localized { en: "{1}".to_owned(), zh_cn: String::new() } },
    };
    agent.ask(Request::SaveRule { rule, lesson: None }).await;
    let text = |word: &str| format!("CANARY {word}");
    let mut numbers = 0..;
    let mut say = async |customer: &mut V1, word: &str| {
        let id = format!("CANARY-echo-{}", numbers.next().unwrap());
        customer.say(&id, &format!("echo CANARY {word}")).await;
        Seq(customer.next_of("ack").await["seq"].as_i64().unwrap())
    };
    let mut seen = Vec::new();

    agent.ask(Request::SetLabels { conversation, labels: vec![text("label")] }).await;
    let said = agent.conversation(conversation).await;
    seen.extend([said.labels[0].clone(), said.customer.email.unwrap(), said.customer.page.unwrap()]);
    let seq = say(customer, "corrected").await.next();
    agent.ask(Request::Correct { conversation, seq, text: text("correction") }).await;
    let corrected = agent.thread(conversation).await.into_iter().find(|message| message.seq == seq).unwrap();
    seen.extend([corrected.text, corrected.change.unwrap().original]);

    agent.ask(Request::SetHold { conversation, hold: Some(Hold::Ask) }).await;
    say(customer, "discarded").await;
    let held = agent.conversation(conversation).await.held.unwrap().id;
    agent.ask(Request::DiscardHeld { conversation, held }).await;
    seen.push(agent.conversation(conversation).await.discarded.unwrap().text);
    agent.ask(Request::BackUp {}).await;

    say(customer, "edited").await;
    let held = agent.conversation(conversation).await.held.unwrap().id;
    agent.ask(Request::SendHeld { conversation, held, text: Some(text("edit")) }).await;
    let Response::Lessons { lessons } = agent.ask(Request::Lessons {}).await else { panic!() };
    seen.extend(lessons.into_iter().filter_map(|lesson| lesson.proposed));
    agent.ask(Request::TakeOver { conversation }).await;
    say(customer, "suggested").await;
    seen.push(agent.conversation(conversation).await.suggestion.unwrap().text);
    agent.ask(Request::BackUp {}).await;

    agent.ask(Request::HandBack { conversation }).await;
    say(customer, "held").await;
    seen.push(agent.conversation(conversation).await.held.unwrap().text);
    let lines = agent.thread(conversation).await.into_iter().filter_map(|message| message.system);
    // The reply before it was corrected, the one discarded, and the one edited.
    let lines: Vec<_> =
        lines.map(|line| format!("{line:?}")).filter(|line| line.contains("CANARY")).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    seen.extend(lines);
    agent.ask(Request::BackUp {}).await;
    assert!(seen.iter().all(|text| text.contains("CANARY")), "{seen:?}");
    seen.len() as u64
}

#[tokio::test]
async fn an_erased_customer_is_gone_from_every_byte_of_every_file() {
    const CANARY: &str = "CANARY";
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut others = Vec::new();
    for number in 0..5 {
        others.push(customer(&server, &format!("Other {number}"), "hello").await);
    }
    let hello = json!({
        "type": "hello", "name": "CANARY name", "email": "canary@CANARY.example", "page": "https://CANARY.example/"
    });
    let mut erased = V1::connect(&server.address, hello).await;
    erased.say("CANARY-first", "CANARY first").await;
    erased.next_of("ack").await;
    let mut messages = 1;
    let id = agent
        .snapshot()
        .await
        .conversations
        .iter()
        .find(|c| c.customer.name.as_deref() == Some("CANARY name"))
        .unwrap()
        .id;
    // Enough, of many lengths and among others, that pages are split and rearranged: deleted rows leave copies then.
    for number in 0..120_usize {
        let filler = "z".repeat([3, 40, 300, 2000, 9000][number % 5]);
        erased.say(&format!("CANARY-{number}"), &format!("CANARY {number} {filler}")).await;
        erased.next_of("ack").await;
        messages += 1;
        let other = &mut others[number % 5];
        other.say(&format!("o{number}"), &format!("other {filler}")).await;
        other.next_of("ack").await;
        if number % 40 == 20 {
            agent.ask(Request::BackUp {}).await;
        }
    }
    let note = Request::Note { conversation: id, id: "CANARY-n".to_owned(), text: "CANARY note".to_owned() };
    agent.ask(note).await;
    let places = everywhere(&mut agent, &mut erased, id).await;
    let data = server.data.path();
    let made = backups(&mut agent).await.len();
    let with_it = holders(data, CANARY).len();
    assert!(with_it > made, "database and backups have it: {:?}", holders(data, CANARY));

    agent.ask(Request::Erase { conversation: id }).await;
    agent
        .update(|update| match update {
            Update::Gone { conversation } => (conversation == id).then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(holders(data, CANARY), Vec::<PathBuf>::new());
    while next_text(&mut erased.socket).await.is_some() {}
    let Response::Found { hits } = agent.ask(Request::Search { query: CANARY.to_owned() }).await else {
        panic!()
    };
    assert!(hits.is_empty(), "{hits:?}");
    let Response::Activity { events } = agent.ask(Request::Activity { limit: 2000 }).await else { panic!() };
    assert!(!format!("{events:?}").contains(CANARY));
    assert_eq!(agent.snapshot().await.counts.open, 5);
    let again = agent.call(Request::Erase { conversation: id }).await.unwrap_err();
    assert_eq!(again.code, Code::NoSuchConversation);
    // The token opens nothing any more; the others lost nothing.
    let stranger = V1::resume(&server.address, &erased.token(), 0).await;
    assert_eq!(stranger.welcome["resumed"], false);
    for other in &others {
        let back = V1::resume(&server.address, &other.token(), 0).await;
        let own = back.history.iter().filter(|frame| frame["author"] == "customer").count();
        assert_eq!(own, 1 + 24);
    }
    let server = Server::start_on(server.stop().await).await;
    assert_eq!(holders(server.data.path(), CANARY), Vec::<PathBuf>::new());
    let mut agent = server.agent().await;
    let name = backups(&mut agent).await[0].name.clone();
    agent.ask(Request::Restore { name }).await;
    let traces = holders(server.data.path(), CANARY);
    assert_eq!(traces, Vec::<PathBuf>::new());
    Fault {
        subject: "Store",
        fault: "a customer is erased",
        promise: "Gone from database, search, WAL and every backup; a scan of every byte finds no trace",
        test: &test_name!(),
        counts: &[
            ("messages", messages),
            ("other places", places),
            ("backups", made as u64),
            ("traces", traces.len() as u64),
        ],
    }
    .record();
}
