//! The real window while 50 customers write 20,000 messages in 10 s: the longest gap between frames, and the memory of
//! the desk's process.

use std::time::{Duration, Instant};

use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::screen::{free_port, listens};
use deskbell_tests::x11::Windows;
use deskbell_tests::{load, until, window_load};
use serde_json::json;

use crate::memory;
use crate::page::Page;

/// 400 messages of each customer in 10 s.
const EVERY: Duration = Duration::from_millis(25);
/// Messages of each customer before the measurement.
const WARM_UP: usize = 150;
/// How often it is measured: machines that are shared are not always equally fast.
const ROUNDS: usize = 5;

pub(crate) async fn run() {
    let mut page = Page::new(
        "window",
        "The window",
        "The real window on a screen without graphics hardware (painting is software), with desk, page and customers on the\n\
         same cores. Promised: open within a second or two, no frame gap over 100 ms under load, complete within a second\n\
         after a reload.",
    );
    let desktop = Desktop::start().await;
    launch(&desktop, &mut page).await;
    let address = desktop.address().await;
    let mut watched = window_load::watched_customer(&desktop).await;
    // The page's code is compiled as it is used: the first seconds of a new window are not load.
    tokio::join!(load::each(&address, WARM_UP, Some(EVERY)), write(&mut watched, "warm-up", WARM_UP));
    for round in 1..=ROUNDS {
        under_load(&desktop, &mut watched, round, &mut page).await;
    }
    reload(&desktop, &mut page).await;
    scroll(&desktop, &mut page).await;
    desktop.close().await;
    page.write();
}

/// 50 customers and the watched one write, once.
async fn under_load(desktop: &Desktop, watched: &mut V1, round: usize, page: &mut Page) {
    let address = desktop.address().await;
    let process = desktop.process();
    let before = memory::resident_kib(process);
    desktop.client.execute("window.watched.frames.length = 0", vec![]).await.unwrap();
    let began = Instant::now();
    let id = format!("round {round}");
    tokio::join!(load::all(&address, Some(EVERY)), write(watched, &id, load::MESSAGES_EACH));
    let sent = began.elapsed();
    window_load::shown_to_the_end(desktop, WARM_UP + round * load::MESSAGES_EACH).await;
    let shown = began.elapsed();
    let after = memory::resident_kib(process);
    let (_, frames) = window_load::watched(desktop).await;
    let mut gaps: Vec<f64> = frames.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    page.say(&format!(
        "{} messages and as many replies in {:.1} s, the last on the screen after {:.1} s; {} frames, gaps p50 {:.0} ms, \
         p99 {:.0} ms, longest {:.0} ms; the desk's process {} MiB before, {} MiB after",
        (load::CUSTOMERS + 1) * load::MESSAGES_EACH,
        sent.as_secs_f64(),
        shown.as_secs_f64(),
        frames.len(),
        gaps[gaps.len() / 2],
        gaps[gaps.len() * 99 / 100],
        gaps[gaps.len() - 1],
        before / 1024,
        after / 1024,
    ));
}

/// From a reload of the page, with all those conversations, to the list and the thread being there again.
async fn reload(desktop: &Desktop, page: &mut Page) {
    let last = "document.querySelectorAll('[data-testid=conversation-row]').length > 10 && \
                document.querySelectorAll('[data-testid=message]').length > 5";
    desktop.client.execute("window.before = true", vec![]).await.unwrap();
    let began = Instant::now();
    desktop.client.execute("location.reload()", vec![]).await.unwrap();
    desktop.until(&format!("window.before === undefined && {last}")).await;
    page.say(&format!("complete {:.2} s after a reload", began.elapsed().as_secs_f64()));
}

/// From the start of the process, on an empty data folder, to its window and to its port. Three times.
async fn launch(desktop: &Desktop, page: &mut Page) {
    for _ in 0..3 {
        let data = tempfile::TempDir::new().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let arguments = ["--data", data.path().to_str().unwrap(), "--listen", &address];
        let windows = Windows::of(&desktop.screen.display);
        let began = Instant::now();
        let mut app = desktop.screen.app(&arguments).spawn().unwrap();
        let shown = async {
            until("the window to show", || windows.count("Deskbell") == 2).await;
            began.elapsed()
        };
        let listening = async {
            listens(&address).await;
            began.elapsed()
        };
        let (listening, shown) = tokio::join!(listening, shown);
        page.say(&format!(
            "from the start of the process: listening after {:.2} s, its window on the screen after {:.2} s",
            listening.as_secs_f64(),
            shown.as_secs_f64(),
        ));
        app.kill().await.unwrap();
        until("the window to go", || windows.count("Deskbell") == 1).await;
    }
}

/// Scrolls through a list of 200 conversations and more.
async fn scroll(desktop: &Desktop, page: &mut Page) {
    let address = desktop.address().await;
    let mut customers = Vec::new();
    for number in 1..=200 {
        let hello = json!({ "type": "hello", "locale": "en", "name": format!("Customer {number:03}") });
        let mut customer = V1::connect(&address, hello).await;
        customer.say("1", "Hi").await;
        customer.next_of("ack").await;
        customers.push(customer);
    }
    desktop.until("document.body.innerText.includes('Customer 200')").await;
    let scrolled = desktop.client.execute_async(window_load::SCROLL, vec![]).await.unwrap();
    page.say(&format!(
        "scrolling through all conversations, 120 px a frame: {} frames, the longest gap {} ms",
        scrolled["frames"], scrolled["longest_ms"],
    ));
}

/// The watched customer writes at the same pace as the others.
async fn write(customer: &mut V1, id: &str, messages: usize) {
    let mut pace = tokio::time::interval(EVERY);
    for number in 0..messages {
        pace.tick().await;
        customer.say(&format!("{id} {number}"), &load::text(99, number)).await;
        customer.next_of("ack").await;
    }
}
