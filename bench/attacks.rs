//! What honest customers notice of attacks: the time to an acknowledgement while each attack of one address runs beside
//! fifty of them.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deskbell_tests::attack::{ATTACKS, Attack};
use deskbell_tests::customer::V1;
use deskbell_tests::load::CUSTOMERS;
use deskbell_tests::server::Server;
use tokio::sync::oneshot;

use crate::{memory, percentiles};

/// Messages of each honest customer, and the time from one to the next, as fast as people write in a hurry.
const MESSAGES: usize = 25;
const EVERY: Duration = Duration::from_millis(200);
/// What is promised.
const P99_MS: f64 = 250.0;

pub(crate) async fn run() {
    honest("no attack", &Server::start().await).await;
    for attack in ATTACKS {
        let server = Server::start().await;
        let _attackers = Attackers::start(attack, server.address.clone());
        honest(attack.name, &server).await;
    }
}

/// Attackers on a thread of their own, so that their work is not waited for by honest clients of this process. They end
/// when this is dropped.
struct Attackers {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Attackers {
    fn start(attack: &'static Attack, address: String) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = attack.run(&address) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

async fn honest(name: &str, server: &Server) {
    let began = Instant::now();
    let chats = (0..CUSTOMERS).map(|customer| tokio::spawn(chat(server.address.clone(), customer)));
    let mut times: Vec<Duration> =
        futures_util::future::join_all(chats).await.into_iter().flat_map(Result::unwrap).collect();
    let took = began.elapsed();
    let total = times.len();
    times.sort_unstable();
    let p99 = times[(total - 1) * 99 / 100].as_secs_f64() * 1000.0;
    println!(
        "attacks: {name}: {total} honest messages acknowledged of {} in {:.1} s: {}; server {} MiB{}",
        CUSTOMERS * MESSAGES,
        took.as_secs_f64(),
        percentiles::summary(times),
        memory::resident_kib(server.process()) / 1024,
        if p99 > P99_MS { "; MORE THAN PROMISED" } else { "" },
    );
}

async fn chat(address: String, customer: usize) -> Vec<Duration> {
    let hello = serde_json::json!({ "type": "hello", "name": format!("Honest {customer:02}") });
    let mut client = V1::connect(&address, hello).await;
    // Not all in the same moment.
    tokio::time::sleep(EVERY.mul_f64(f64::from(u32::try_from(customer % 50).unwrap()) / 50.0)).await;
    let mut pace = tokio::time::interval(EVERY);
    let mut times = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        pace.tick().await;
        let began = Instant::now();
        client.say(&number.to_string(), "Is this still working?").await;
        client.next_of("ack").await;
        times.push(began.elapsed());
    }
    times
}
