//! What lasts: everything, however the desk was stopped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::agent::Request;
use deskbell_protocol::entity::Control;
use deskbell_protocol::settings::Hold;
use deskbell_tests::clock::{Clock, HOUR};
use deskbell_tests::customer::V1;
use deskbell_tests::server::{Server, spawn};
use deskbell_tests::within;
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn a_restart_keeps_conversations_control_holds_settings_and_unread() {
    everything_lasts(false).await;
}

#[tokio::test]
async fn a_kill_keeps_conversations_control_holds_settings_and_unread() {
    everything_lasts(true).await;
}

async fn everything_lasts(killed: bool) {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.set(|settings| settings.agent_name = "Mia".to_owned()).await;

    let mut taken = server.v1().await;
    taken.say("a", "human please").await;
    let taken_id = agent.until(|conversation| conversation.stored).await.id;
    agent.ask(Request::TakeOver { conversation: taken_id }).await;

    agent.set(|settings| settings.hold = Hold::Seconds { seconds: 3600 }).await;
    let mut held = server.v1().await;
    held.say("a", "hold this").await;
    let (held_id, reply) = agent.until_held().await;
    let before = [agent.conversation(taken_id).await, agent.conversation(held_id).await];
    assert_eq!((before[0].unread, before[1].unread), (1, 1));
    let threads = [agent.thread(taken_id).await, agent.thread(held_id).await];
    let tokens = [taken.token(), held.token()];

    let data = if killed { server.kill().await } else { server.stop().await };
    // Time stands still for a held reply while the desk does not run, however long that is.
    let clock = Clock::default();
    clock.forward(2 * HOUR);
    let server = Server::start_with(data, &[("DESKBELL_TEST_CLOCK", &clock.variable())]).await;
    let mut agent = server.agent().await;
    let settings = agent.snapshot().await.settings;
    assert_eq!((settings.agent_name.as_str(), settings.hold), ("Mia", Hold::Seconds { seconds: 3600 }));
    for ((before, thread), token) in before.into_iter().zip(threads).zip(tokens) {
        let after = agent.conversation(before.id).await;
        assert_eq!(
            (after.control, after.unread, after.revision),
            (before.control, before.unread, before.revision)
        );
        assert_eq!(after.needs_human, before.needs_human);
        assert_eq!(agent.thread(before.id).await, thread);
        let customer = V1::resume(&server.address, &token, 0).await;
        assert_eq!(
            (&customer.welcome["resumed"], customer.history.len()),
            (&true.into(), thread.iter().filter(|m| m.author.is_visible_to_customer()).count())
        );
    }
    assert_eq!(agent.conversation(taken_id).await.control, Control::Human);
    let after = agent.conversation(held_id).await.held.unwrap();
    assert_eq!((after.id, &after.text), (reply.id, &reply.text));
    let left = after.due_at.unwrap().since(agent.snapshot().await.now);
    // After a kill it may be what it was up to 5 s before.
    assert!((HOUR - 60_000..=HOUR).contains(&left), "{left}");
}

#[tokio::test]
async fn a_held_reply_goes_on_after_a_restart_and_is_sent_once() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.hold_seconds(2).await;
    let mut customer = server.v1().await;
    customer.say("a", "hi").await;
    let (id, _) = agent.until_held().await;
    let token = customer.token();
    let server = Server::start_on(server.kill().await).await;
    // It goes on with the start, and not because somebody does something.
    let mut agent = server.agent().await;
    if agent.conversation(id).await.held.is_some() {
        agent.until(|conversation| conversation.held.is_none()).await;
    }
    let mut customer = V1::resume(&server.address, &token, 2).await;
    let reply = customer.history.pop().expect("the reply");
    assert_eq!((&reply["author"], &reply["revision"]), (&"automatic".into(), &3.into()));
    customer.say("b", "and?").await;
    assert_eq!(customer.next_of("ack").await["revision"], 4, "nothing was sent twice");
}

#[tokio::test]
async fn what_a_console_knows_a_visitor_by_is_never_said_of_another_customer() {
    for killed in [false, true] {
        let server = Server::start().await;
        // Who never writes leaves nothing behind, and an agent may have begun to write to them.
        let silent = server.v1().await;
        let mut agent = server.agent().await;
        let known = agent.snapshot().await.conversations[0].id;
        drop((silent, agent));
        let server = Server::start_on(if killed { server.kill().await } else { server.stop().await }).await;
        let mut agent = server.agent().await;
        let mut other = server.v1().await;
        other.say("a", "hi").await;
        let id = agent.until(|conversation| conversation.stored).await.id;
        assert!(id > known, "killed: {killed}: {id:?} after {known:?}");
        if !killed {
            assert_eq!(id.0, known.0 + 1, "and none is left out where the desk was closed in order");
        }
        // Nor are those of customers who were erased.
        agent.ask(Request::Erase { conversation: id }).await;
        drop(agent);
        let server = Server::start_on(server.stop().await).await;
        let _next = server.v1().await;
        assert!(server.agent().await.snapshot().await.conversations[0].id > id);
    }
}

#[tokio::test]
async fn a_second_desk_on_the_same_folder_is_refused_with_a_sentence() {
    let server = Server::start().await;
    let mut second = spawn(server.data.path(), "127.0.0.1:0");
    let mut said = String::new();
    let mut stderr = second.stderr.take().unwrap();
    within("what the second desk says", stderr.read_to_string(&mut said)).await.unwrap();
    let status = within("the second desk's end", second.wait()).await.unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("Another Deskbell is running"), "{said}");
}

#[tokio::test]
async fn data_of_a_newer_version_is_refused_and_untouched() {
    let server = Server::start().await;
    let data = server.stop().await;
    let path = data.path().join("deskbell.db");
    // Bytes 60 to 63 of the header are `user_version` (SQLite's file format, §1.3).
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let mut newer = spawn(data.path(), "127.0.0.1:0");
    let mut said = String::new();
    let mut stderr = newer.stderr.take().unwrap();
    within("what it says", stderr.read_to_string(&mut said)).await.unwrap();
    assert_eq!(within("its end", newer.wait()).await.unwrap().code(), Some(1));
    assert!(said.contains("newer Deskbell"), "{said}");
    assert!(std::fs::read(&path).unwrap() == bytes, "it was written");
    let beside = std::fs::metadata(data.path().join("deskbell.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(beside, 0, "nothing waits to be written");
}
