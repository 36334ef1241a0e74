//! The real window while 50 customers write 20,000 messages in 10 s: the longest gap between frames, and the memory of
//! the desk's process.

use std::time::{Duration, Instant};

use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::{load, window_load};

use crate::memory;

/// 400 messages of each customer in 10 s.
const EVERY: Duration = Duration::from_millis(25);
/// Messages of each customer before the measurement.
const WARM_UP: usize = 150;

pub(crate) async fn run() {
    let desktop = Desktop::start().await;
    let address = desktop.address().await;
    let mut watched = window_load::watched_customer(&desktop).await;
    // The page's code is compiled as it is used: the first seconds of a new window are not load.
    tokio::join!(load::each(&address, WARM_UP, Some(EVERY)), write(&mut watched, "warm-up", WARM_UP));
    let process = process(&desktop.data);
    let before = memory::resident_kib(process);
    desktop.client.execute("window.watched.frames.length = 0", vec![]).await.unwrap();
    let began = Instant::now();
    tokio::join!(load::all(&address, Some(EVERY)), write(&mut watched, "load", load::MESSAGES_EACH));
    let sent = began.elapsed();
    window_load::shown_to_the_end(&desktop, WARM_UP + load::MESSAGES_EACH).await;
    let shown = began.elapsed();
    let after = memory::resident_kib(process);
    let (seen, frames) = window_load::watched(&desktop).await;
    let mut gaps: Vec<f64> = frames.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    println!(
        "window: {} messages and as many replies in {:.1} s, the last on the screen after {:.1} s; {} messages of the open thread drawn; \
         {} frames, gaps p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms; the desk's process {} MiB before, {} MiB after",
        (load::CUSTOMERS + 1) * load::MESSAGES_EACH,
        sent.as_secs_f64(),
        shown.as_secs_f64(),
        seen.len(),
        frames.len(),
        gaps[gaps.len() / 2],
        gaps[gaps.len() * 99 / 100],
        gaps[gaps.len() - 1],
        before / 1024,
        after / 1024,
    );
    reload(&desktop).await;
    desktop.close().await;
}

/// From a reload of the page, with all those conversations, to the list and the thread being there again.
async fn reload(desktop: &Desktop) {
    let last = "document.querySelectorAll('[data-testid=conversation-row]').length > 10 && \
                document.querySelectorAll('[data-testid=message]').length > 5";
    desktop.client.execute("window.before = true", vec![]).await.unwrap();
    let began = Instant::now();
    desktop.client.execute("location.reload()", vec![]).await.unwrap();
    desktop.until(&format!("window.before === undefined && {last}")).await;
    println!("window: complete {:.2} s after a reload", began.elapsed().as_secs_f64());
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

/// The desk's process, by its data folder.
fn process(data: &std::path::Path) -> u32 {
    let data = data.to_str().unwrap();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|id| {
            let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments);
            let program = arguments.split('\0').next().unwrap_or_default();
            program.ends_with("/deskbell") && arguments.contains(data)
        })
        .unwrap()
}
