//! The job end to end in the real window: real customers, real clicks, a real store.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Stdio;

use deskbell_tests::appearance::{Appearance, Scheme};
use deskbell_tests::customer::{Plain, V1, next_close};
use deskbell_tests::desktop::Desktop;
use deskbell_tests::screen::{free_port, listens};
use deskbell_tests::server::Server;
use deskbell_tests::services::TrayHost;
use deskbell_tests::x11::Windows;
use deskbell_tests::{until, window_load, within};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

const GREETING: &str = "Hello, welcome to live support. What can we help you with?";
const REPLY: &str = "Hello, what can we help you with?";
const TITLE: &str = "Deskbell";

/// A customer of plain text who has said this and heard the answer.
async fn customer(desktop: &Desktop, text: &str) -> Plain {
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", "en")]).await;
    assert_eq!(customer.next().await, GREETING);
    customer.send(text).await;
    customer
}

/// A customer with a name who has said this.
async fn named(address: &str, name: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": name });
    let mut customer = V1::connect(address, hello).await;
    customer.say("1", text).await;
    customer.next_of("ack").await;
    customer
}

/// Opens the only conversation there is.
async fn open_conversation(desktop: &Desktop) {
    desktop.click("conversation-row").await;
    desktop.id("thread").await;
}

/// The agent writes and sends.
async fn answer(desktop: &Desktop, text: &str) {
    desktop.id("composer").await.send_keys(text).await.unwrap();
    desktop.click("composer-send").await;
}

#[tokio::test]
async fn a_customer_who_writes_appears_and_the_automatic_reply_is_seen() {
    let desktop = Desktop::start().await;
    desktop.id("empty-desk").await;
    desktop.see("[data-testid=status-listening][data-state=listening]").await;
    let address = json!(desktop.address().await);
    desktop
        .until(&format!(
            "document.querySelector('[data-testid=listen-address]').textContent.includes({address})"
        ))
        .await;
    desktop.picture("empty").await;
    let mut customer = customer(&desktop, "Where is my parcel?").await;
    assert_eq!(customer.next().await, REPLY);
    open_conversation(&desktop).await;
    desktop.until_message("customer", "Where is my parcel?").await;
    desktop.until_message("automatic", REPLY).await;
    desktop.close().await;
}

#[tokio::test]
async fn the_address_can_be_copied() {
    let desktop = Desktop::start().await;
    desktop.see("[data-testid=status-listening][data-state=listening]").await;
    desktop.click("copy-address").await;
    // Pasted as a person would, so that it has been in the system's clipboard.
    let paste = "\u{e009}v\u{e000}";
    desktop.id("search").await.send_keys(paste).await.unwrap();
    let address = json!(desktop.address().await);
    desktop.until(&format!("document.querySelector('[data-testid=search]').value.includes({address})")).await;
    desktop.close().await;
}

#[tokio::test]
async fn after_the_agent_takes_over_the_customer_hears_only_the_agent() {
    let desktop = Desktop::start().await;
    let mut customer = customer(&desktop, "Hello?").await;
    assert_eq!(customer.next().await, REPLY);
    desktop.see("[data-testid=conversation-row][data-control=automatic]").await;
    open_conversation(&desktop).await;
    desktop.click("control-human").await;
    desktop.see("[data-testid=control-human][aria-checked=true]").await;
    desktop.see("[data-testid=conversation-row][data-control=human]").await;
    answer(&desktop, "I am Ada, a human.").await;
    assert_eq!(customer.next().await, "I am Ada, a human.");
    // Whatever the desk sends to this customer arrives in order, so a reply to this would come before the next line.
    customer.send("Are you sure?").await;
    desktop.until_message("customer", "Are you sure?").await;
    answer(&desktop, "Quite.").await;
    assert_eq!(customer.next().await, "Quite.");
    desktop.click("control-automatic").await;
    desktop.see("[data-testid=control-automatic][aria-checked=true]").await;
    desktop.see("[data-testid=conversation-row][data-control=automatic]").await;
    customer.send("Bye").await;
    assert_eq!(customer.next().await, REPLY, "handed back, the responder answers again");
    desktop.close().await;
}

#[tokio::test]
async fn sending_takes_over() {
    let desktop = Desktop::start().await;
    let mut customer = customer(&desktop, "Hello?").await;
    assert_eq!(customer.next().await, REPLY);
    open_conversation(&desktop).await;
    answer(&desktop, "I have it.").await;
    assert_eq!(customer.next().await, "I have it.");
    desktop.see("[data-testid=control-human][aria-checked=true]").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_held_reply_is_edited_and_sent() {
    let desktop = Desktop::start().await;
    desktop.set(|settings| settings["hold"] = json!({ "kind": "seconds", "seconds": 3600 })).await;
    let mut customer = customer(&desktop, "Do you ship to Malta?").await;
    open_conversation(&desktop).await;
    desktop.id("held-card").await;
    desktop.picture("held").await;
    desktop.click("held-edit").await;
    desktop.fill("held-editor", "Yes, to Malta as well.").await;
    // A reload takes nothing of what was typed.
    desktop.client.refresh().await.unwrap();
    desktop
        .until("document.querySelector('[data-testid=held-editor]')?.value === 'Yes, to Malta as well.'")
        .await;
    desktop.click("held-save").await;
    assert_eq!(customer.next().await, "Yes, to Malta as well.", "and nothing before it");
    desktop.until("!document.querySelector('[data-testid=held-card]')").await;
    desktop.until_message("automatic", "Yes, to Malta as well.").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_reload_loses_nothing_and_disconnects_no_one() {
    let desktop = Desktop::start().await;
    let mut customer = customer(&desktop, "Before").await;
    assert_eq!(customer.next().await, REPLY);
    open_conversation(&desktop).await;
    desktop.until_message("automatic", REPLY).await;
    desktop.client.refresh().await.unwrap();
    open_conversation(&desktop).await;
    desktop.until_message("customer", "Before").await;
    desktop.until_message("automatic", REPLY).await;
    customer.send("After").await;
    assert_eq!(customer.next().await, REPLY, "on the same socket");
    desktop.until_message("customer", "After").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_page_that_crashes_comes_back_and_disconnects_no_one() {
    let desktop = Desktop::start().await;
    let mut customer = customer(&desktop, "Before").await;
    assert_eq!(customer.next().await, REPLY);
    let crashed = desktop.page_process().expect("a process of the page's own");
    signal(crashed, "KILL");
    // WebDriver gives a page up that has crashed; the window does not.
    until("another process for the page", || desktop.page_process().is_some_and(|id| id != crashed)).await;
    customer.send("After").await;
    assert_eq!(customer.next().await, REPLY, "on the same socket");
}

#[tokio::test]
async fn two_hundred_conversations_are_listed_and_scroll() {
    let desktop = Desktop::start().await;
    let address = desktop.address().await;
    let mut customers = Vec::new();
    for number in 1..=200 {
        customers.push(named(&address, &format!("Customer {number:03}"), "Hi").await);
    }
    let row = |name: &str| {
        let name = json!(name);
        format!(
            "[...document.querySelectorAll('[data-testid=conversation-row]')].some(r => r.textContent.includes({name}))"
        )
    };
    desktop.until(&row("Customer 200")).await;
    desktop.picture("two-hundred").await;
    let frames = desktop.client.execute_async(window_load::SCROLL, vec![]).await.unwrap();
    desktop.until(&row("Customer 001")).await;
    assert!(frames["reached"].as_bool().unwrap(), "{frames}");
    assert_eq!(frames["rows"], 200, "each was drawn on the way");
    let rows = desktop
        .client
        .execute("return document.querySelectorAll('[data-testid=conversation-row]').length", vec![]);
    assert!(rows.await.unwrap().as_u64().unwrap() < 100, "only what can be seen is drawn");
    desktop.close().await;
}

#[tokio::test]
async fn a_taken_port_is_named_and_another_can_be_chosen() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let desktop = Desktop::start_on(&address).await;
    desktop.see("[data-testid=status-listening][data-state=failed]").await;
    // The port, and who holds it: this very process.
    for said in
        [format!("{}", taken.local_addr().unwrap().port()), format!("(process {})", std::process::id())]
    {
        let said = json!(said);
        desktop
            .until(&format!(
                "document.querySelector('[data-testid=not-listening]')?.innerText.includes({said})"
            ))
            .await;
    }
    desktop.picture("port-taken").await;
    desktop.fill("listen-input", "127.0.0.1:0").await;
    desktop.click("listen-apply").await;
    desktop.see("[data-testid=status-listening][data-state=listening]").await;
    let elsewhere = desktop.address().await;
    assert_ne!(elsewhere, address);
    let mut customer = customer(&desktop, "Found you").await;
    assert_eq!(customer.next().await, REPLY);
    desktop.close().await;
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut desktop = Desktop::start().await;
    desktop.set(|settings| settings["agent_name"] = json!("Ada")).await;
    let mut first = customer(&desktop, "Keep this").await;
    assert_eq!(first.next().await, REPLY);
    open_conversation(&desktop).await;
    answer(&desktop, "I keep it.").await;
    assert_eq!(first.next().await, "I keep it.");
    desktop.restart("127.0.0.1:0").await;
    open_conversation(&desktop).await;
    for (author, text) in [("customer", "Keep this"), ("automatic", REPLY), ("agent", "I keep it.")] {
        desktop.until_message(author, text).await;
    }
    desktop.see("[data-testid=control-human][aria-checked=true]").await;
    let snapshot = desktop.call(json!({ "type": "snapshot" })).await;
    assert_eq!(snapshot["settings"]["agent_name"], "Ada");
    desktop.close().await;
}

#[tokio::test]
async fn closing_hides_in_the_tray_and_a_second_start_shows_the_first_window() {
    let mut tray = None;
    let desktop = Desktop::start_in("127.0.0.1:0", async |screen| {
        tray = Some(TrayHost::start(&screen.bus).await);
    })
    .await;
    let mut customer = customer(&desktop, "Still there?").await;
    assert_eq!(customer.next().await, REPLY);
    let windows = Windows::of(&desktop.screen.display);
    until("the window to show", || windows.shows(TITLE)).await;
    windows.close(TITLE);
    until("the window to hide", || !windows.shows(TITLE)).await;
    customer.send("And now?").await;
    assert_eq!(customer.next().await, REPLY, "the desk goes on without its window");

    let data = desktop.data.to_str().unwrap();
    let second = within("the second start to end", desktop.screen.app(&["--data", data]).status()).await;
    assert!(second.unwrap().success());
    until("the first window to show", || windows.shows(TITLE)).await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 1").await;
    desktop.close().await;
}

#[tokio::test]
async fn the_tray_says_how_many_wait_and_opens_and_quits() {
    let mut tray = None;
    let desktop = Desktop::start_in("127.0.0.1:0", async |screen| {
        tray = Some(TrayHost::start(&screen.bus).await);
    })
    .await;
    let mut tray = tray.unwrap();
    tray.line("Nobody is waiting").await;
    let mut customer = customer(&desktop, "I want to talk to a human").await;
    customer.next().await;
    tray.line("1 conversation is waiting").await;
    desktop.set(|settings| settings["console_language"] = json!("zh-CN")).await;
    tray.line("1 个会话正在等待").await;
    let windows = Windows::of(&desktop.screen.display);
    windows.close(TITLE);
    until("the window to hide", || !windows.shows(TITLE)).await;
    tray.choose("打开 Deskbell").await;
    until("the window to show", || windows.shows(TITLE)).await;
    tray.choose("退出").await;
    assert_eq!(next_close(&mut customer.socket).await.0, 1001, "in order");
}

#[tokio::test]
async fn with_a_tray_closing_ends_the_desk_where_the_setting_says_so() {
    let mut tray = None;
    let desktop = Desktop::start_in("127.0.0.1:0", async |screen| {
        tray = Some(TrayHost::start(&screen.bus).await);
    })
    .await;
    desktop.set(|settings| settings["close_to_tray"] = json!(false)).await;
    let mut customer = customer(&desktop, "Bye").await;
    assert_eq!(customer.next().await, REPLY);
    let windows = Windows::of(&desktop.screen.display);
    until("the window to show", || windows.shows(TITLE)).await;
    windows.close(TITLE);
    assert_eq!(next_close(&mut customer.socket).await.0, 1001);
}

#[tokio::test]
async fn without_a_tray_closing_ends_the_desk_in_order() {
    let desktop = Desktop::start().await;
    let mut customer = customer(&desktop, "Bye").await;
    assert_eq!(customer.next().await, REPLY);
    let windows = Windows::of(&desktop.screen.display);
    until("the window to show", || windows.shows(TITLE)).await;
    windows.close(TITLE);
    assert_eq!(next_close(&mut customer.socket).await.0, 1001);
}

#[tokio::test]
async fn the_end_asked_for_by_the_system_is_an_orderly_one() {
    let desktop = Desktop::start().await;
    // A desk of its own beside the other: it has its own data folder.
    let data = TempDir::new().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let app = beside(&desktop, data.path(), &address).await;
    within("its desk to listen", listens(&address)).await;
    signal(app.id().unwrap(), "TERM");
    let ended = within("the app's end", app.wait_with_output()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(data.path().join("deskbell.db").exists());
    // An orderly end leaves everything in the database and nothing beside it.
    assert!(!data.path().join("deskbell.db-wal").exists());
    desktop.close().await;
}

#[tokio::test]
async fn a_data_folder_in_use_is_said_and_ends_with_an_error() {
    let server = Server::start().await;
    let desktop = Desktop::start().await;
    let mut app = beside(&desktop, server.data.path(), "127.0.0.1:0").await;
    let mut said = BufReader::new(app.stderr.take().unwrap()).lines();
    let refused =
        async { while !said.next_line().await.unwrap().unwrap().contains("Another Deskbell is running") {} };
    within("the reason why there is no desk", refused).await;
    signal(app.id().unwrap(), "TERM");
    assert_eq!(within("the app's end", app.wait()).await.unwrap().code(), Some(1));
    desktop.close().await;
}

#[tokio::test]
async fn a_window_without_a_desk_says_why_and_gets_it_when_the_other_has_closed() {
    let server = Server::start().await;
    let desktop = Desktop::start_with(server.data.path(), "127.0.0.1:0").await;
    desktop.until("document.body.innerText.includes('Another Deskbell is running')").await;
    let _data = server.stop().await;
    let mut customer = customer(&desktop, "At last").await;
    assert_eq!(customer.next().await, REPLY);
    desktop.id("conversation-row").await;
    desktop.close().await;
}

#[tokio::test]
async fn the_window_is_light_or_dark_as_the_system_is_unless_the_agent_chose() {
    let mut appearance = None;
    let desktop = Desktop::start_in("127.0.0.1:0", async |screen| {
        appearance = Some(Appearance::start(&screen.bus, Scheme::Dark).await);
    })
    .await;
    let appearance = appearance.unwrap();
    let looks = async |theme: &str| {
        // The theme, and what is drawn with it: dark ink on light, or light on dark.
        let ink = "getComputedStyle(document.body).color.match(/\\d+/g).map(Number)";
        let is_light = theme == "light";
        desktop
            .until(&format!(
                "document.documentElement.dataset.theme === '{theme}' && ({ink}[0] < 128) === {is_light}"
            ))
            .await;
    };
    looks("dark").await;
    appearance.choose(Scheme::Light).await;
    looks("light").await;
    appearance.choose(Scheme::Dark).await;
    looks("dark").await;
    // What an agent chose holds, whatever the system does.
    desktop.set(|settings| settings["theme"] = json!("light")).await;
    looks("light").await;
    appearance.choose(Scheme::Light).await;
    appearance.choose(Scheme::Dark).await;
    desktop.set(|settings| settings["theme"] = json!("dark")).await;
    looks("dark").await;
    desktop.set(|settings| settings["theme"] = json!("system")).await;
    looks("dark").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_window_comes_back_where_it_was_and_as_large() {
    let desktop = Desktop::start().await;
    let windows = Windows::of(&desktop.screen.display);
    windows.put(TITLE, (60, 40), (900, 640));
    desktop.until("innerWidth === 900 && innerHeight === 640").await;
    windows.close(TITLE);
    until("the window to go", || !windows.shows(TITLE)).await;
    let arguments = ["--data", desktop.data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let mut again = desktop.screen.app(&arguments).spawn().unwrap();
    let back = || windows.place(TITLE) == Some(((60, 40), (900, 640)));
    until("the window to be where it was", back).await;
    signal(again.id().unwrap(), "TERM");
    within("the app's end", again.wait()).await.unwrap();
}

#[tokio::test]
async fn who_starts_again_while_the_last_one_is_still_ending_gets_a_window() {
    let desktop = Desktop::start().await;
    let data = TempDir::new().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let arguments = ["--data", data.path().to_str().unwrap(), "--listen", &address];
    let windows = Windows::of(&desktop.screen.display);
    let mut first = desktop.screen.app(&arguments).spawn().unwrap();
    until_it_hears_signals(first.id().unwrap()).await;
    until("the first window to show", || windows.count(TITLE) == 2).await;
    within("the first desk to listen", listens(&address)).await;
    // Who does not hear the goodbye is waited for, for a moment.
    let _deaf = named(&address, "Deaf", "Hello").await;
    signal(first.id().unwrap(), "TERM");
    let listens = || std::net::TcpStream::connect(&address).is_ok();
    until("the first desk to begin to end", || !listens()).await;
    // However long its end takes: it answers nobody any more.
    signal(first.id().unwrap(), "STOP");
    until("the first one to stand still", || state(first.id().unwrap()) == "T").await;
    let windows_before = windows.count(TITLE);
    let mut second = desktop.screen.app(&arguments).spawn().unwrap();
    until_it_hears_signals(second.id().unwrap()).await;
    until("the second window to show", || windows.count(TITLE) > windows_before).await;
    signal(first.id().unwrap(), "CONT");
    assert!(within("the first one to end", first.wait()).await.unwrap().success());
    signal(second.id().unwrap(), "TERM");
    within("the second one to end", second.wait()).await.unwrap();
    desktop.close().await;
}

/// A process's state as /proc tells it: `T` is stopped.
fn state(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let state = status.lines().find_map(|line| line.strip_prefix("State:")).unwrap();
    state.split_whitespace().next().unwrap().to_owned()
}

fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.unwrap().success(), "{name}");
}

/// An app of its own beside the window, as soon as it shows.
async fn beside(desktop: &Desktop, data: &Path, listen: &str) -> Child {
    let mut app = desktop.screen.app(&["--listen", listen, "--data", data.to_str().unwrap()]);
    let app = app.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    until("the window to show", || Windows::of(&desktop.screen.display).count(TITLE) == 2).await;
    app
}

async fn until_it_hears_signals(process: u32) {
    until("the app to hear signals", || {
        std::fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| handles_sigterm(&status))
    })
    .await;
}

/// Whether a process handles SIGTERM (15), as /proc tells: a mask of the signals that are caught.
fn handles_sigterm(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & (1 << 14) != 0)
}

#[tokio::test]
async fn a_test_customer_is_a_customer_in_a_window_of_its_own() {
    let desktop = Desktop::start().await;
    desktop.set(|settings| settings["console_language"] = json!("zh-CN")).await;
    desktop.click("open-test-customer").await;
    let windows = Windows::of(&desktop.screen.display);
    until("the test customer's window", || windows.shows("测试客户 1")).await;
    let online = async {
        let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
        while desktop.call(json!({ "type": "snapshot" })).await["counts"]["online"] != 1 {
            look.tick().await;
        }
    };
    within("the test customer to connect", online).await;
    windows.close("测试客户 1");
    until("it to go", || !windows.shows("测试客户 1")).await;
    assert!(windows.shows(TITLE), "the desk stays");
    desktop.close().await;
}
