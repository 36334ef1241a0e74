//! What an idle connection costs, and what comes back when it leaves.

use deskbell_tests::server::Server;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::memory;

const CONNECTIONS: usize = 8_000;
/// Handshakes under way at once.
const AT_ONCE: usize = 64;

pub(crate) async fn run() {
    let server = Server::start().await;
    let before = memory::resident_kib(server.process());
    let clients: Vec<_> = stream::iter(0..CONNECTIONS)
        .map(|_| async {
            let mut client = server.plain().await;
            client.next().await;
            client
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let with = memory::resident_kib(server.process());
    drop(clients);
    let mut agent = server.agent().await;
    agent
        .update(|update| match update {
            deskbell_protocol::agent::Update::Counts { counts } => (counts.connections == 0).then_some(()),
            _ => None,
        })
        .await;
    let after = memory::resident_kib(server.process());
    println!(
        "idle: {CONNECTIONS} greeted visitors: {before} KiB before, {with} KiB with them ({} bytes each), {after} KiB when they have left",
        (with - before) * 1024 / u64::try_from(CONNECTIONS).unwrap(),
    );
}
