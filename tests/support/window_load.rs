//! The real window while [`crate::load`] goes on: what it was shown, and how smoothly.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::customer::V1;
use crate::desktop::Desktop;
use crate::load::CUSTOMERS;

/// Notes the place of every message that is drawn in the open thread, and the time of every frame.
const WATCH: &str = "
    const seen = [], thread = document.querySelector('[data-testid=thread]');
    const note = (node) => {
      if (node.nodeType !== 1) return;
      const found = node.matches('[data-testid=message]') ? [node] : node.querySelectorAll('[data-testid=message]');
      for (const message of found) seen.push(Number(message.dataset.seq));
    };
    thread.querySelectorAll('[data-testid=message]').forEach(note);
    new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(note)))
      .observe(thread, { childList: true, subtree: true });
    const frames = [];
    const frame = (now) => { frames.push(now); requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
    window.watched = { seen, frames };
";

/// Notes, in the order in which the window's page is given them, the places of each conversation's messages, and whether
/// it was ever told to begin anew. Tauri keeps what a page takes the answers to its calls with in a map.
const LISTEN: &str = "
    const told = new Map(), callbacks = window.__TAURI_INTERNALS__.callbacks;
    window.told = { resyncs: 0, conversations: told };
    const listening = (callback) => (data) => {
      for (const update of data?.updates ?? []) {
        if (update.type === 'resync') window.told.resyncs += 1;
        if (update.type !== 'message') continue;
        if (!told.has(update.conversation)) told.set(update.conversation, []);
        told.get(update.conversation).push(update.message.seq);
      }
      return callback(data);
    };
    const set = callbacks.set.bind(callbacks);
    for (const [id, callback] of callbacks) set(id, listening(callback));
    callbacks.set = (id, callback) => set(id, listening(callback));
";

/// Scrolls the list to its end, a step a frame, and tells the longest gap between frames.
pub const SCROLL: &str = "
    const done = arguments[0];
    let list = document.querySelector('[data-testid=conversation-row]');
    while (list && !(list.scrollHeight > list.clientHeight + 8 && getComputedStyle(list).overflowY !== 'visible'))
      list = list.parentElement;
    if (!list) return done({ reached: false });
    let last = performance.now(), longest = 0, frames = 0;
    const rows = new Set();
    const step = (now) => {
      longest = Math.max(longest, now - last); last = now; frames += 1;
      list.querySelectorAll('[data-testid=conversation-row]').forEach((row) => rows.add(row.dataset.conversation));
      const end = list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
      if (end || frames > 2000) return done({ reached: end, frames, longest_ms: Math.round(longest), rows: rows.size });
      list.scrollTop += 120;
      requestAnimationFrame(step);
    };
    requestAnimationFrame((now) => { last = now; step(now); });
";

/// A customer who has written, whose conversation is open and watched from here on.
pub async fn watched_customer(desktop: &Desktop) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": "Watched" });
    let mut customer = V1::connect(&desktop.address().await, hello).await;
    customer.say("first", "Hi").await;
    customer.next_of("ack").await;
    watch(desktop, "Watched").await;
    customer
}

async fn watch(desktop: &Desktop, name: &str) {
    let row = format!(
        "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes('{name}'))"
    );
    desktop.until(&row).await;
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
    desktop.until(&format!(
        "document.querySelector('[data-testid=thread]') && document.querySelector('h2')?.textContent.includes('{name}') && document.querySelector('[data-testid=message]')"
    )).await;
    desktop.client.execute(WATCH, vec![]).await.unwrap();
}

/// Waits until the watched thread shows the reply to the last of this many messages after the first.
pub async fn shown_to_the_end(desktop: &Desktop, messages: usize) {
    let last = 1 + 2 * (messages + 1);
    desktop.until(&format!("window.watched.seen.includes({last})")).await;
}

/// The places that were drawn, and the times of frames in milliseconds.
pub async fn watched(desktop: &Desktop) -> (Vec<i64>, Vec<f64>) {
    let mut watched = desktop.client.execute("return window.watched", vec![]).await.unwrap();
    let mut take = |key: &str| -> Value { watched[key].take() };
    (serde_json::from_value(take("seen")).unwrap(), serde_json::from_value(take("frames")).unwrap())
}

/// Listens from here on to what the page is told.
pub async fn listen(desktop: &Desktop) {
    desktop.client.execute(LISTEN, vec![]).await.unwrap();
}

/// What the page was told.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// The places of the messages of each conversation, in the order in which it was told them.
    pub threads: Vec<Vec<i64>>,
    /// How often it was told to begin anew.
    pub resyncs: u64,
}

/// What the page was told, as soon as it was told this many messages or more.
pub async fn told(desktop: &Desktop, messages: usize) -> Told {
    let so_far = "[...window.told.conversations.values()].reduce((sum, places) => sum + places.length, 0)";
    desktop.until(&format!("{so_far} >= {messages}")).await;
    let told = "return { ...window.told, threads: [...window.told.conversations.values()] }";
    serde_json::from_value(desktop.client.execute(told, vec![]).await.unwrap()).unwrap()
}

/// How many conversations the list has.
pub async fn conversations(desktop: &Desktop) -> usize {
    let answer = desktop.call(json!({ "type": "snapshot" })).await;
    let count = answer["conversations"].as_array().unwrap().len();
    assert!(count > CUSTOMERS, "{count}");
    count
}
