//! Acknowledged (durable) messages a second, each with its automatic reply committed in the same transaction.

use std::time::{Duration, Instant};

use deskbell_tests::customer::V1;
use deskbell_tests::server::Server;

use crate::{memory, percentiles};

/// Customers, and messages of each: within the burst that the limits allow.
const ROUNDS: [(usize, usize); 3] = [(50, 390), (500, 100), (2000, 25)];

pub(crate) async fn run() {
    for (customers, each) in ROUNDS {
        one(customers, each).await;
    }
}

/// Each customer sends the next message when the one before is acknowledged.
async fn one(customers: usize, each: usize) {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..customers {
        clients.push(server.v1().await);
    }
    let began = Instant::now();
    let chats = clients.into_iter().map(|client| tokio::spawn(chat(client, each)));
    let times: Vec<Duration> =
        futures_util::future::join_all(chats).await.into_iter().flat_map(Result::unwrap).collect();
    let took = began.elapsed();
    let total = times.len();
    println!(
        "throughput: {customers} customers, {total} messages and as many replies in {:.2} s: {:.0} acknowledged/s; ack {}; server {} MiB",
        took.as_secs_f64(),
        f64::from(u32::try_from(total).unwrap()) / took.as_secs_f64(),
        percentiles::summary(times),
        memory::resident_kib(server.process()) / 1024,
    );
}

async fn chat(mut client: V1, each: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(each);
    for number in 0..each {
        let began = Instant::now();
        client.say(&number.to_string(), "How long does delivery take?").await;
        loop {
            let frame = client.next().await;
            assert_ne!(frame["type"], "error", "{frame}");
            if frame["type"] == "ack" {
                break;
            }
        }
        times.push(began.elapsed());
    }
    times
}
