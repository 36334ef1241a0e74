//! Whether somebody is at the desk, as the system tells it: the time without input of a real X server and of GNOME's
//! service; and a session bus that is no help.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Stdio;
use std::time::Duration;

use deskbell_protocol::agent::{Request, Update};
use deskbell_tests::agent::Agent;
use deskbell_tests::bus::SilentBus;
use deskbell_tests::customer::Plain;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::screen::{Screen, free_port, listens};
use deskbell_tests::services::IdleMonitor;
use deskbell_tests::x11::Windows;
use deskbell_tests::{until, within};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const GREETING: &str = "Hello, welcome to live support. What can we help you with?";
const REPLY: &str = "Hello, what can we help you with?";

/// Replies wait for the agent; when nobody is there they leave at once, and nobody is after a minute without input.
async fn hold_unless_away(desktop: &Desktop) {
    desktop
        .set(|settings| {
            settings["hold"] = json!({ "kind": "ask" });
            settings["responder"]["while_away"] = json!("send_at_once");
            settings["responder"]["away_after_minutes"] = json!(1);
        })
        .await;
}

async fn greeted(desktop: &Desktop) -> Plain {
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", "en")]).await;
    assert_eq!(customer.next().await, GREETING);
    customer
}

/// Uses mouse and keyboard without end.
async fn hands(windows: &Windows) {
    let mut move_on = tokio::time::interval(Duration::from_millis(50));
    for step in 0.. {
        move_on.tick().await;
        windows.move_mouse(10 + step % 100, 10);
        windows.press_shift();
    }
}

#[tokio::test]
async fn without_input_nobody_is_at_the_console_and_the_next_input_says_otherwise() {
    let desktop = Desktop::start_under(&[("DESKBELL_TEST_MINUTE", "5000")], async |_| {}).await;
    let windows = Windows::of(&desktop.screen.display);
    let mut customer = greeted(&desktop).await;
    desktop.see("[data-testid=away][aria-checked=false]").await;

    hold_unless_away(&desktop).await;
    desktop.see("[data-testid=away][aria-checked=true]").await;
    desktop.picture("away").await;
    customer.send("Anyone?").await;
    assert_eq!(customer.next().await, REPLY, "nobody could let it go by hand");

    let here = async {
        desktop.see("[data-testid=away][aria-checked=false]").await;
        customer.send("And now?").await;
        desktop.id("conversation-row").await.click().await.unwrap();
        desktop.id("held-card").await;
    };
    tokio::select! {
        () = here => {}
        () = hands(&windows) => {}
    }
    // Away once more: only the system says so, and only once the hands rest. What waited for them waits no longer.
    desktop.see("[data-testid=away][aria-checked=true]").await;
    assert_eq!(customer.next().await, REPLY);
    // Switched off, the last word of the system counts no longer.
    desktop.set(|settings| settings["responder"]["away_after_minutes"] = json!(0)).await;
    desktop.see("[data-testid=away][aria-checked=false]").await;
    desktop.close().await;
}

/// The next change of whether nobody is there.
async fn away(agent: &mut Agent) -> bool {
    agent
        .update(|update| match update {
            Update::Away { away } => Some(away),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn under_wayland_gnome_is_asked_and_who_acts_at_another_console_is_there() {
    let mut monitor = None;
    // Windows come to the X server all the same. The idle time is asked where a Wayland session would tell it.
    let variables = [("DESKBELL_TEST_MINUTE", "2000"), ("WAYLAND_DISPLAY", "wayland-of-nobody")];
    let desktop = Desktop::start_under(&variables, async |screen| {
        monitor = Some(IdleMonitor::start(&screen.bus).await);
    })
    .await;
    let monitor = monitor.unwrap();
    let secret = std::fs::read_to_string(desktop.data.join("agent.secret")).unwrap();
    let mut elsewhere = Agent::connect(&desktop.address().await, secret.trim()).await;
    let mut customer = greeted(&desktop).await;
    customer.send("Anyone?").await;
    assert_eq!(customer.next().await, REPLY);
    let id = elsewhere.until(|conversation| conversation.stored).await.id;

    hold_unless_away(&desktop).await;
    monitor.set(10 * 60_000);
    assert!(away(&mut elsewhere).await);
    monitor.set(0);
    assert!(!away(&mut elsewhere).await);
    monitor.set(10 * 60_000);
    assert!(away(&mut elsewhere).await);
    elsewhere.ask(Request::TakeOver { conversation: id }).await;
    assert!(!away(&mut elsewhere).await, "who acts is here, wherever");
    assert!(away(&mut elsewhere).await, "until nothing was done for as long there, either");
    desktop.close().await;
}

#[tokio::test]
async fn a_session_bus_that_never_answers_keeps_no_window_from_opening() {
    let screen = Screen::start(&[]).await;
    let bus = SilentBus::start(screen.home.path());
    let data = TempDir::new().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let mut app = screen.app(&["--listen", &address, "--data", data.path().to_str().unwrap()]);
    let app = app.env("DBUS_SESSION_BUS_ADDRESS", &bus.address).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut app = app.spawn().unwrap();
    let mut said = BufReader::new(app.stderr.take().unwrap()).lines();
    let line = within("a sentence about the bus", said.next_line()).await.unwrap().unwrap();
    assert!(line.contains("does not answer. Deskbell starts without it"), "{line}");
    let windows = Windows::of(&screen.display);
    until("the window to show", || windows.shows("Deskbell")).await;
    within("the desk to listen", listens(&address)).await;
    let mut customer = Plain::connect(&address, &[("Accept-Language", "en")]).await;
    assert_eq!(customer.next().await, GREETING);
    // Without a bus there is no tray, so the close button ends the desk.
    windows.close("Deskbell");
    assert!(within("the app's end", app.wait()).await.unwrap().success());
}
