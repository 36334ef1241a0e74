//! The real window under load: nothing is missing and nothing is out of order. How smoothly it draws, bench/ tells.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use deskbell_tests::desktop::Desktop;
use deskbell_tests::{load, window_load};

/// 400 messages of each customer in 10 s.
const EVERY: Duration = Duration::from_millis(25);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_is_watched_while_fifty_customers_write_is_drawn_complete_and_in_order() {
    let desktop = Desktop::start().await;
    let address = desktop.address().await;
    // One customer more, who writes as much as the others while being watched.
    let mut watched = window_load::watched_customer(&desktop).await;
    window_load::listen(&desktop).await;
    let writing = async {
        let mut pace = tokio::time::interval(EVERY);
        for number in 0..load::MESSAGES_EACH {
            pace.tick().await;
            watched.say(&number.to_string(), &load::text(99, number)).await;
            watched.next_of("ack").await;
        }
    };
    tokio::join!(load::all(&address, Some(EVERY)), writing);
    window_load::shown_to_the_end(&desktop, load::MESSAGES_EACH).await;
    let (mut seen, _) = window_load::watched(&desktop).await;
    let last = 1 + 2 * (i64::try_from(load::MESSAGES_EACH).unwrap() + 1);
    // Drawn once each in order; a message is drawn again only where its group changes.
    let mut drawn = Vec::new();
    for place in &seen {
        if !drawn.contains(place) {
            drawn.push(*place);
        }
    }
    assert!(drawn.is_sorted(), "drawn out of order");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());
    assert_eq!(window_load::conversations(&desktop).await, load::CUSTOMERS + 1);
    // The page was told every message of every thread, each once and in its place.
    let all = load::CUSTOMERS * (1 + 2 * load::MESSAGES_EACH) + 2 * load::MESSAGES_EACH;
    let told = window_load::told(&desktop, all).await;
    assert_eq!((told.threads.len(), told.resyncs), (load::CUSTOMERS + 1, 0));
    for thread in &told.threads {
        // Of the watched one the greeting, the first message and perhaps its reply were told before.
        let (first, end) = match thread[0] {
            1 => (1, last - 2),
            first => (first.clamp(3, 4), last),
        };
        assert_eq!(*thread, (first..=end).collect::<Vec<_>>());
    }
    desktop.close().await;
}
