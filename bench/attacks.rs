//! What honest customers notice of attacks: the time to a connection and to an acknowledgement while each attack of one
//! address runs beside fifty of them. Written to docs/attacks.md.

use std::fmt::Write as _;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use deskbell_tests::attack::{ATTACKS, Attack};
use deskbell_tests::customer::V1;
use deskbell_tests::load::CUSTOMERS;
use deskbell_tests::root;
use deskbell_tests::server::Server;
use tokio::sync::oneshot;

use crate::{memory, percentiles};

/// Messages of each honest customer, and the time from one to the next, as fast as people write in a hurry.
const MESSAGES: usize = 25;
const EVERY: Duration = Duration::from_millis(200);
/// What is promised.
const P99_MS: f64 = 250.0;

/// Whether every acknowledgement came, and in time as promised.
pub(crate) async fn run() -> bool {
    let mut page = head();
    let mut kept = honest("no attack", &Server::start().await, &mut page).await;
    for attack in ATTACKS {
        let server = Server::start().await;
        let _attackers = Attackers::start(attack, server.address.clone());
        kept &= honest(attack.name, &server, &mut page).await;
    }
    std::fs::write(root().join("docs/attacks.md"), page).unwrap();
    println!("attacks: docs/attacks.md is written");
    if !kept {
        eprintln!("attacks: an acknowledgement is missing, or 1 of 100 took {P99_MS} ms or more");
    }
    kept
}

fn head() -> String {
    format!(
        "# Under attack\n\
         What {CUSTOMERS} honest customers notice while one address attacks without end, as `cargo xtask bench attacks` measured\n\
         and wrote it: {} build, {} cores, on which desk, attackers and customers all run. Each customer connects while the\n\
         attack is under way and then writes {MESSAGES} messages, one every {} ms. Promised: an acknowledgement (durable) within\n\
         {P99_MS} ms for 99 of 100. On shared cores and a shared disk, two measurements of the same build differ up to twofold.\n\n\
         | attack | acknowledged | connected p50 | p99 | acknowledgement p50 | p99 | longest | desk |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        if cfg!(debug_assertions) { "debug" } else { "release" },
        std::thread::available_parallelism().unwrap(),
        EVERY.as_millis(),
    )
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

/// What one customer waited for.
struct Waited {
    connection: Duration,
    acknowledgements: Vec<Duration>,
}

/// Adds a line to the table, and says whether it is as promised.
async fn honest(name: &str, server: &Server, page: &mut String) -> bool {
    let chats = (0..CUSTOMERS).map(|customer| tokio::spawn(chat(server.address.clone(), customer)));
    // Who gave up is missing from the count.
    let waited: Vec<Waited> = futures_util::future::join_all(chats).await.into_iter().flatten().collect();
    let connections = percentiles::Sorted::of(waited.iter().map(|waited| waited.connection).collect());
    let times =
        percentiles::Sorted::of(waited.into_iter().flat_map(|waited| waited.acknowledgements).collect());
    let mut line = String::new();
    writeln!(
        line,
        "| {name} | {} of {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms{} | {:.1} ms | {} MiB |",
        times.count(),
        CUSTOMERS * MESSAGES,
        connections.at(0.5),
        connections.at(0.99),
        times.at(0.5),
        times.at(0.99),
        if times.at(0.99) >= P99_MS { ", more than promised" } else { "" },
        times.at(1.0),
        memory::resident_kib(server.process()) / 1024,
    )
    .unwrap();
    print!("attacks: {line}");
    page.push_str(&line);
    times.count() == CUSTOMERS * MESSAGES && times.at(0.99) < P99_MS
}

async fn chat(address: String, customer: usize) -> Waited {
    let hello = serde_json::json!({ "type": "hello", "name": format!("Honest {customer:02}") });
    let began = Instant::now();
    let mut client = V1::connect(&address, hello).await;
    let connection = began.elapsed();
    // Not all in the same moment.
    tokio::time::sleep(EVERY.mul_f64(f64::from(u32::try_from(customer).unwrap()) / 50.0)).await;
    let mut pace = tokio::time::interval(EVERY);
    let mut acknowledgements = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        pace.tick().await;
        let began = Instant::now();
        client.say(&number.to_string(), "Is this still working?").await;
        client.next_of("ack").await;
        acknowledgements.push(began.elapsed());
    }
    Waited { connection, acknowledgements }
}
