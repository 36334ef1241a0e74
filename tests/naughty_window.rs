//! What a customer writes is text, whatever it is: in the real window and in a browser it is shown as text, and sets
//! nothing off.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use deskbell_protocol::agent::Request;
use deskbell_protocol::entity::Conversation;
use deskbell_tests::browser::{Browser, until};
use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::naughty::{
    WATCH, called, digest, fact, is_message, newest, roomy, say_all, server, strings,
};
use deskbell_tests::record::Fault;
use deskbell_tests::test_name;
use fantoccini::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use unicode_normalization::char::is_combining_mark;

/// Messages in one thread: fewer than a page of it.
const PAGE: usize = 40;

fn record(what: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Naughty input", fault: what, promise, test, counts }.record();
}

/// A port that nobody must connect to.
struct Canary {
    address: String,
    listener: TcpListener,
}

impl Canary {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap().to_string(), listener }
    }

    /// Whoever came is waiting in the port's queue.
    async fn is_untouched(&self) -> bool {
        futures_util::future::poll_immediate(self.listener.accept()).await.is_none()
    }
}

/// A script's value.
async fn run(client: &Client, script: &str) -> Value {
    client.execute(script, vec![]).await.unwrap()
}

/// The value of a promise.
async fn run_async(client: &Client, expression: &str) -> Value {
    let script =
        format!("const done = arguments[0]; ({expression}).then(done, (error) => done(String(error)))");
    client.execute_async(&script, vec![]).await.unwrap()
}

/// Nothing was set off, nothing was loaded, nothing is out of place.
async fn check_calm(client: &Client, canary: &Canary) {
    assert_eq!(run(client, "return window.naughty.sprung()").await, json!([]));
    assert_eq!(run(client, "return window.naughty.misplaced()").await, json!([]));
    assert!(canary.is_untouched().await, "somebody followed a link or loaded something");
}

/// The messages on the page that these are.
async fn check_messages(client: &Client, expected: &BTreeMap<i64, String>) {
    let shown = run(client, "return window.naughty.messages()").await;
    let shown: Vec<(i64, (usize, u32))> = serde_json::from_value(shown).unwrap();
    let shown: BTreeMap<_, _> = shown.into_iter().collect();
    for (seq, text) in expected {
        assert_eq!(shown.get(seq), Some(&digest(text)), "{text:?}");
    }
}

/// A desk in its window, with room.
async fn window() -> (Desktop, String) {
    let desktop = Desktop::start().await;
    let (limits, hold) = roomy();
    desktop
        .set(|settings| {
            settings["limits"] = json!(limits);
            settings["hold"] = json!(hold);
        })
        .await;
    run(&desktop.client, WATCH).await;
    let address = desktop.address().await;
    (desktop, address)
}

#[tokio::test]
async fn in_the_window_every_text_is_shown_as_text_and_sets_nothing_off() {
    let canary = Canary::new().await;
    let (desktop, address) = window().await;
    let client = &desktop.client;
    let texts: Vec<_> = strings(&canary.address).into_iter().filter(|text| is_message(text)).collect();
    for (nth, texts) in texts.chunks(PAGE).enumerate() {
        let mut customer =
            V1::connect(&address, json!({ "type": "hello", "name": format!("Customer {nth}") })).await;
        let said = say_all(&mut customer, texts).await;
        let row = format!(
            "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes('Customer {nth}'))"
        );
        desktop.until(&row).await;
        run(client, &format!("{row}.click()")).await;
        let last = said.keys().next_back().unwrap();
        desktop.until(&format!("document.querySelector('[data-testid=message][data-seq=\"{last}\"]')")).await;
        desktop
            .until(&format!("document.querySelectorAll('[data-testid=message]').length > {}", texts.len()))
            .await;
        check_messages(client, &said).await;
        check_calm(client, &canary).await;
        // All of it on the screen once, a window's height at a time.
        run_async(client, "window.naughty.scroll()").await;
        check_calm(client, &canary).await;
        desktop.picture(&format!("naughty-text-{nth}")).await;
    }
    other_views(&desktop, &canary).await;
    record(
        "the same strings as text, into the real window",
        "Shown as text, exactly; no script, no request, no element of theirs, nothing out of place or over its neighbours",
        &test_name!(),
        &[("strings", texts.len() as u64)],
    );
    desktop.close().await;
}

/// Where messages are seen besides: what a search finds, and the events.
async fn other_views(desktop: &Desktop, canary: &Canary) {
    for query in ["canary()", "\u{202e}", "onerror", "שלום"] {
        desktop.fill("search", query).await;
        desktop.id("search-hit").await;
        check_calm(&desktop.client, canary).await;
    }
    desktop.picture("naughty-search").await;
    desktop.id("search").await.clear().await.unwrap();
    desktop
        .client
        .execute("document.querySelector('[data-testid=nav-activity]').click()", vec![])
        .await
        .unwrap();
    desktop.id("activity-row").await;
    check_calm(&desktop.client, canary).await;
    desktop.picture("naughty-activity").await;
}

#[tokio::test]
async fn in_the_window_every_name_page_and_locale_is_shown_as_text_and_sets_nothing_off() {
    let canary = Canary::new().await;
    let (desktop, address) = window().await;
    let client = &desktop.client;
    let texts = strings(&canary.address);
    let mut customers = Vec::new();
    for text in &texts {
        let mut customer = called(&address, text).await;
        customer.say("1", "hello").await;
        customer.next_of("ack").await;
        customers.push(customer);
    }
    // The list is at rest when the newest stands at its top.
    let list = desktop.call(json!({ "type": "conversations", "filter": "open", "limit": 1 })).await;
    let newest = list["conversations"][0]["id"].as_i64().unwrap();
    let top = "document.querySelector('[data-testid=conversation-row]').dataset.conversation";
    desktop.until(&format!("{top} === '{newest}'")).await;
    let mut seen = BTreeMap::new();
    let count = i64::try_from(texts.len()).unwrap();
    for from in (newest - count + 1..=newest).rev().step_by(20) {
        let part = (from - (newest - count)).min(20);
        let walked = run_async(client, &format!("window.naughty.walk({from}, {part}, {newest})")).await;
        let walked = walked.as_array().unwrap_or_else(|| panic!("{walked}"));
        seen.extend(walked.iter().map(|seen| (seen["id"].as_i64().unwrap(), seen.clone())));
        check_calm(client, &canary).await;
    }
    desktop.picture("naughty-names").await;
    assert_eq!(seen.len(), texts.len());
    // Conversations count up in the order in which they began.
    for (seen, text) in seen.values().zip(&texts) {
        check_customer(seen, text);
    }
    record(
        "the same strings as name, page, locale and e-mail, into the real window",
        "Shown as text, exactly, in rows of one height; a name that nobody can see is shown as a visitor's",
        &test_name!(),
        &[("strings", texts.len() as u64)],
    );
    desktop.close().await;
}

/// How the window shows a customer who is called so.
fn check_customer(seen: &Value, text: &str) {
    assert_eq!(seen["problems"], json!([]), "{text:?}");
    let fact = fact(text).unwrap_or_default();
    // What JavaScript calls white space is not quite what Rust does.
    let name = fact.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{FEFF}');
    if seen["visitor"] == true {
        // A mark needs something that it stands on.
        let can_be_seen = |c: char| {
            c.is_alphanumeric() && !is_combining_mark(c) && !matches!(c, '\u{115F}' | '\u{1160}' | '\u{3164}')
        };
        assert!(!name.chars().any(can_be_seen), "{name:?} is not shown");
    } else {
        let digest = json!(digest(name));
        assert_eq!(seen["names"], json!([digest, digest, digest]), "{name:?}");
    }
    if !fact.is_empty() {
        assert_eq!(
            (&seen["page"], &seen["locale"]),
            (&json!(digest(fact)), &json!(digest(fact))),
            "{fact:?}"
        );
    }
}

#[tokio::test]
async fn in_a_browser_the_console_shows_every_text_as_text() {
    let canary = Canary::new().await;
    let (server, mut agent) = server().await;
    let texts: Vec<_> = strings(&canary.address).into_iter().filter(|text| is_message(text)).collect();
    let url = format!("http://{}/console/#secret={}", server.address, server.secret());
    let browser = Browser::open(&url).await;
    let client = &browser.client;
    until(client, "document.querySelector('[data-testid=status-listening][data-state=listening]')").await;
    run(client, WATCH).await;
    for texts in texts.chunks(PAGE) {
        let mut customer = server.v1().await;
        let said = say_all(&mut customer, texts).await;
        let id = newest(&mut agent).await.id;
        let row =
            format!("document.querySelector('[data-testid=conversation-row][data-conversation=\"{id}\"]')");
        until(client, &row).await;
        run(client, &format!("{row}.click()")).await;
        let last = said.keys().next_back().unwrap();
        until(client, &format!("document.querySelector('[data-testid=message][data-seq=\"{last}\"]')")).await;
        until(
            client,
            &format!("document.querySelectorAll('[data-testid=message]').length > {}", texts.len()),
        )
        .await;
        check_messages(client, &said).await;
        check_calm(client, &canary).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn in_a_browser_the_customers_page_shows_every_text_as_text() {
    let canary = Canary::new().await;
    let (server, mut agent) = server().await;
    let texts: Vec<_> = strings(&canary.address).into_iter().filter(|text| is_message(text)).collect();
    let browser = Browser::open(&format!("http://{}/", server.address)).await;
    let client = &browser.client;
    let mut known = None;
    for (nth, texts) in texts.chunks(PAGE).enumerate() {
        until(client, "document.querySelector('#status').dataset.state === 'online'").await;
        run(client, WATCH).await;
        let own = format!("<img src=x onerror=canary()> {}", texts[0]);
        let say = "const [text] = arguments; document.querySelector('#text').value = text; \
                   document.querySelector('#form').requestSubmit()";
        client.execute(say, vec![json!(own)]).await.unwrap();
        let before = std::mem::take(&mut known);
        let new = |it: &Conversation| it.stored && it.messages == 2 && Some(it.id) != before;
        let conversation = agent.until(new).await.id;
        known = Some(conversation);
        for (number, text) in texts.iter().enumerate() {
            let id = format!("{nth}-{number}");
            let request = Request::Send { conversation, id, text: text.clone() };
            agent.ask(request).await;
        }
        until(client, &format!("document.querySelectorAll('.bubble').length === {}", texts.len() + 2)).await;
        let shown = run(client, "return window.naughty.bubbles()").await;
        let shown: Vec<(usize, u32)> = serde_json::from_value(shown).unwrap();
        for (text, shown) in std::iter::once(&own).chain(texts).zip(&shown[1..]) {
            assert_eq!(*shown, digest(text), "{text:?}");
        }
        check_calm(client, &canary).await;
        run(client, "document.querySelector('#fresh').click()").await;
        until(client, "!window.naughty").await;
    }
    browser.close().await;
}
