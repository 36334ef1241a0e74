//! The console's updates: complete, in order, in small batches, whatever the load.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;

use deskbell_protocol::agent::{AgentServerFrame, Update};
use deskbell_protocol::{ConversationId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::load::{self, CUSTOMERS, MESSAGES_EACH};
use deskbell_tests::server::Server;

/// What the console was told of each thread, in the order of arrival; ends when everything was told.
async fn listen(mut agent: Agent) -> (HashMap<ConversationId, Vec<(Seq, String)>>, usize) {
    let mut threads: HashMap<ConversationId, Vec<(Seq, String)>> = HashMap::new();
    let (mut told, mut largest) = (0, 0);
    // A greeting, and a message and its reply for each.
    while told < CUSTOMERS * (1 + 2 * MESSAGES_EACH) {
        let Some(AgentServerFrame::Batch { batch }) = agent.read().await else { panic!("no batch") };
        largest = largest.max(serde_json::to_string(&batch).unwrap().len());
        for update in batch.updates {
            match update {
                Update::Message { conversation, message } => {
                    threads.entry(conversation).or_default().push((message.seq, message.text));
                    told += 1;
                }
                Update::Resync {} => panic!("the console fell behind"),
                _ => {}
            }
        }
    }
    (threads, largest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_messages_of_fifty_customers_arrive_complete_and_in_order() {
    let server = Server::start().await;
    let agent = server.agent().await;
    let listening = tokio::spawn(listen(agent));
    load::all(&server.address, None).await;
    let (threads, largest) = listening.await.unwrap();
    assert_eq!(threads.len(), CUSTOMERS);
    for thread in threads.values() {
        let places: Vec<i64> = thread.iter().map(|(seq, _)| seq.0).collect();
        let expected: Vec<i64> = (1..=i64::try_from(1 + 2 * MESSAGES_EACH).unwrap()).collect();
        assert_eq!(places, expected);
        let customer = thread[1].1.split('/').next().unwrap().parse().unwrap();
        for number in 0..MESSAGES_EACH {
            assert_eq!(thread[1 + 2 * number].1, load::text(customer, number));
        }
    }
    assert!(largest < 8192, "a batch of {largest} bytes does not travel inline through the window's IPC");
}
