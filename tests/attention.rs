//! What reaches an agent who looks elsewhere, in the real window on a desktop's real services: notifications that repeat
//! until someone looks.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use deskbell_tests::clock::{Clock, HOUR};
use deskbell_tests::customer::{Plain, V1};
use deskbell_tests::desktop::Desktop;
use deskbell_tests::endpoint::{Endpoint, Script};
use deskbell_tests::services::{Notice, Notifications, TrayHost};
use deskbell_tests::x11::Windows;
use deskbell_tests::{until, within};
use serde_json::{Value, json};

const TITLE: &str = "Deskbell";
const NO_SERVICE: &str = "No notification service is running on this desktop.";

/// A desk whose notifications go to this service, and whose clock is moved by hand. Alerts repeat once an hour.
async fn desk(clock: &Clock) -> (Desktop, Notifications) {
    let mut service = None;
    let variables = [("DESKBELL_TEST_CLOCK", clock.variable())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let desktop = Desktop::start_under(&variables, async |screen| {
        service = Some(Notifications::start(&screen.bus).await);
    })
    .await;
    repeats_after(&desktop, 3600).await;
    (desktop, service.unwrap())
}

async fn repeats_after(desktop: &Desktop, seconds: u32) {
    desktop.set(|settings| settings["alerts"]["repeat_seconds"] = json!(seconds)).await;
}

/// A customer with a name who has said this.
async fn named(desktop: &Desktop, name: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": name });
    let mut customer = V1::connect(&desktop.address().await, hello).await;
    customer.say("1", text).await;
    customer.next_of("ack").await;
    customer
}

/// Somebody comes and says nothing: a reason for the desk to look at its clock, and none to alert.
async fn visitor(desktop: &Desktop) -> Plain {
    let mut visitor = Plain::connect(&desktop.address().await, &[]).await;
    visitor.next().await;
    visitor
}

/// The agent opens the conversation in whose row this name stands.
async fn open(desktop: &Desktop, name: &str) {
    let row = format!(
        "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes({}))",
        json!(name)
    );
    desktop.until(&row).await;
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
}

/// The sentence that the desk has for its agents about notifications that fail.
async fn until_problem(desktop: &Desktop, wanted: &Value) {
    let problem = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while desktop.call(json!({ "type": "snapshot" })).await["alerts_problem"] != *wanted {
            look.tick().await;
        }
    };
    within(&format!("the desk to say {wanted}"), problem).await;
}

#[tokio::test]
async fn a_new_conversation_is_told_again_at_the_set_interval_until_someone_opens_it_and_then_never() {
    let clock = Clock::default();
    let (desktop, mut service) = desk(&clock).await;
    let _grace = named(&desktop, "Grace", "My printer is on fire").await;
    let first = service.next().await;
    assert_eq!(
        (first.title.as_str(), first.body.as_str()),
        ("New conversation · Grace", "My printer is on fire")
    );

    // After half the interval nothing is due: the desk looks, since somebody else writes, and tells of that one only.
    clock.forward(HOUR / 2);
    let _heidi = named(&desktop, "Heidi", "Mine is wet").await;
    assert_eq!(service.next().await.title, "New conversation · Heidi");

    // Then one is due every half an hour, in turns. A repetition takes the place of the one before it.
    let mut on_screen = first.id;
    for _ in 0..3 {
        clock.forward(HOUR / 2);
        let _visitor = visitor(&desktop).await;
        let again = service.next().await;
        assert_eq!(again.title, "New conversation · Grace");
        assert!(again.sound.is_some(), "as loud as the first");
        assert_eq!(service.next_closed().await, on_screen);
        on_screen = again.id;
        clock.forward(HOUR / 2);
        let _visitor = visitor(&desktop).await;
        assert_eq!(service.next().await.title, "New conversation · Heidi");
        service.next_closed().await;
    }

    open(&desktop, "Grace").await;
    assert_eq!(service.next_closed().await, on_screen, "who looks needs no notification");
    for _ in 0..3 {
        clock.forward(2 * HOUR);
        let _visitor = visitor(&desktop).await;
        assert_eq!(service.next().await.title, "New conversation · Heidi", "and none of Grace");
    }
    desktop.close().await;
}

#[tokio::test]
async fn a_conversation_that_needs_a_human_is_told_again_until_the_mark_is_taken_away() {
    let clock = Clock::default();
    let (desktop, mut service) = desk(&clock).await;
    let mut ivan = named(&desktop, "Ivan", "Good morning").await;
    let new = service.next().await;
    // Read, and so done with: what follows is another matter. It comes while the agent looks at something else.
    open(&desktop, "Ivan").await;
    assert_eq!(service.next_closed().await, new.id);
    desktop.click("nav-activity").await;
    ivan.say("2", "I want to talk to a human").await;
    let first = service.next().await;
    assert_eq!(first.title, "Needs you · Ivan");
    clock.forward(HOUR);
    let _visitor = visitor(&desktop).await;
    let again = service.next().await;
    assert_eq!(again.title, "Needs you · Ivan");
    assert_eq!(service.next_closed().await, first.id);

    // Taken away without being read, as from another console.
    let list = desktop.call(json!({ "type": "conversations", "filter": "needs_me", "limit": 1 })).await;
    let dismiss = json!({ "type": "dismiss_needs_human", "conversation": list["conversations"][0]["id"] });
    assert_eq!(desktop.call(dismiss).await["type"], "done");
    assert_eq!(service.next_closed().await, again.id);
    clock.forward(2 * HOUR);
    let _judy = named(&desktop, "Judy", "Good evening").await;
    assert_eq!(service.next().await.title, "New conversation · Judy");
    clock.forward(2 * HOUR);
    let _visitor = visitor(&desktop).await;
    assert_eq!(service.next().await.title, "New conversation · Judy", "and none of Ivan");
    desktop.close().await;
}

#[tokio::test]
async fn a_window_hidden_in_the_tray_alerts_by_itself_until_the_alert_is_chosen() {
    let clock = Clock::default();
    let mut services = None;
    let variables = [("DESKBELL_TEST_CLOCK", clock.variable())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let desktop = Desktop::start_under(&variables, async |screen| {
        services = Some((TrayHost::start(&screen.bus).await, Notifications::start(&screen.bus).await));
    })
    .await;
    let (_tray, mut service) = services.unwrap();
    // The shortest there is. Nothing else happens, so that only the desk's own timer can bring the second alert.
    repeats_after(&desktop, 15).await;
    let windows = Windows::of(&desktop.screen.display);
    until("the window to show", || windows.shows(TITLE)).await;
    windows.close(TITLE);
    until("the window to hide", || !windows.shows(TITLE)).await;
    let _grace = named(&desktop, "Grace", "My printer is on fire").await;
    let first = service.next().await;
    assert_eq!(first.title, "New conversation · Grace");
    let again = service.next().await;
    assert_eq!(again.title, "New conversation · Grace");
    assert_eq!(service.next_closed().await, first.id);
    assert!(!windows.shows(TITLE), "an alert brings no window before the agent's eyes");

    choose(&desktop, &mut service, again, "My printer is on fire").await;
    assert!(windows.shows(TITLE));
    clock.forward(2 * HOUR);
    let _heidi = named(&desktop, "Heidi", "Mine is wet").await;
    assert_eq!(service.next().await.title, "New conversation · Heidi", "and none of Grace");
    desktop.close().await;
}

/// The agent clicks on a notification, or on the one that has taken its place, until the conversation is open. The app
/// begins to hear clicks a moment after it has shown a notification, and no person is as quick as a test.
async fn choose(desktop: &Desktop, service: &mut Notifications, notice: Notice, shows: &str) {
    let mut id = notice.id;
    let mut again = tokio::time::interval(Duration::from_millis(200));
    let shown = desktop.until_message("customer", shows);
    tokio::pin!(shown);
    loop {
        tokio::select! {
            () = &mut shown => return,
            _ = again.tick() => {
                for newer in service.already_shown() {
                    assert_eq!(service.next_closed().await, id);
                    id = newer.id;
                }
                service.click(id).await;
            }
        }
    }
}

#[tokio::test]
async fn a_new_conversation_alerts_with_a_sound_and_choosing_the_alert_shows_it() {
    let (desktop, mut service) = desk(&Clock::default()).await;
    let _first = named(&desktop, "Grace <b>", "My printer is on fire").await;
    let notice = service.next().await;
    assert_eq!(notice.title, "New conversation · Grace <b>");
    assert!(notice.sound.is_some());
    choose(&desktop, &mut service, notice, "My printer is on fire").await;
    desktop.close().await;
}

#[tokio::test]
async fn alerts_that_are_switched_off_stay_away() {
    let (desktop, mut service) = desk(&Clock::default()).await;
    desktop
        .set(|settings| {
            settings["alerts"]["new_conversation"] = json!(false);
            settings["alerts"]["sound"] = json!(false);
        })
        .await;
    let _grace = named(&desktop, "Grace", "My printer is on fire").await;
    let _ivan = named(&desktop, "Ivan", "I want to talk to a human").await;
    let notice = service.next().await;
    assert_eq!(notice.title, "Needs you · Ivan", "and none of Grace before it");
    assert_eq!(notice.sound, None);
    desktop.close().await;
}

#[tokio::test]
async fn a_responder_that_fails_calls_the_agent() {
    let (desktop, mut service) = desk(&Clock::default()).await;
    let endpoint = Endpoint::start(Script::answers("500 Internal Server Error", "", "")).await;
    desktop
        .set(|settings| {
            settings["alerts"]["new_conversation"] = json!(false);
            let model = &mut settings["responder"]["model"];
            model["enabled"] = json!(true);
            model["url"] = json!(endpoint.model_url());
            model["model"] = json!("test");
        })
        .await;
    let _grace = named(&desktop, "Grace", "When are you open on Fridays?").await;
    assert_eq!(service.next().await.title, "Needs you · Grace");
    open(&desktop, "Grace").await;
    desktop
        .until("document.querySelector('[data-testid=thread]').textContent.includes('fault of its own')")
        .await;
    desktop.close().await;
}

#[tokio::test]
async fn a_reply_that_only_the_agent_will_send_calls_the_agent_until_it_is_sent() {
    let clock = Clock::default();
    let (desktop, mut service) = desk(&clock).await;
    desktop.set(|settings| settings["hold"] = json!({ "kind": "ask" })).await;
    let _grace = named(&desktop, "Grace", "My printer is on fire").await;
    let first = service.next().await;
    assert_eq!(first.title, "A reply waits for you · Grace");
    clock.forward(HOUR);
    let _visitor = visitor(&desktop).await;
    let again = service.next().await;
    assert_eq!((again.title, service.next_closed().await), (first.title, first.id));
    let list = desktop.call(json!({ "type": "conversations", "filter": "needs_me", "limit": 1 })).await;
    let waiting = &list["conversations"][0];
    let send = json!({ "type": "send_held", "conversation": waiting["id"], "held": waiting["held"]["id"] });
    assert_eq!(desktop.call(send).await["type"], "done");
    assert_eq!(service.next_closed().await, again.id);
    desktop.close().await;
}

#[tokio::test]
async fn alerts_that_fail_are_told_until_they_work_again() {
    let clock = Clock::default();
    let variables = [("DESKBELL_TEST_CLOCK", clock.variable())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let desktop = Desktop::start_under(&variables, async |_| {}).await;
    repeats_after(&desktop, 3600).await;
    let _grace = named(&desktop, "Grace", "Anyone?").await;
    until_problem(&desktop, &json!(NO_SERVICE)).await;
    desktop.until("document.body.innerText.includes('Alerts don’t work')").await;

    let mut service = Notifications::start(&desktop.screen.bus).await;
    clock.forward(HOUR);
    let _visitor = visitor(&desktop).await;
    assert_eq!(service.next().await.title, "New conversation · Grace", "the repetition comes through");
    until_problem(&desktop, &Value::Null).await;
    desktop.until("!document.body.innerText.includes('Alerts don’t work')").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_notification_service_that_falls_silent_is_asked_once_and_then_again_when_it_is_another() {
    let clock = Clock::default();
    let (desktop, mut service) = desk(&clock).await;
    service.fall_silent();
    let _grace = named(&desktop, "Grace", "Anyone?").await;
    until_problem(&desktop, &json!("The notification service has not answered within 5 seconds.")).await;
    // The sentence follows the console's language, and is said anew only after what was due was tried: Heidi, too.
    let _heidi = named(&desktop, "Heidi", "Anyone else?").await;
    desktop.set(|settings| settings["console_language"] = json!("zh-CN")).await;
    until_problem(&desktop, &json!("通知服务在 5 秒内没有响应。")).await;
    assert_eq!(service.next().await.title, "New conversation · Grace");
    assert!(
        service.already_shown().is_empty(),
        "a call that is not answered holds a thread: there is never a second"
    );

    service.end().await;
    let mut service = Notifications::start(&desktop.screen.bus).await;
    // The bus tells of its end in its own time.
    let told_again = async {
        loop {
            clock.forward(HOUR);
            let _visitor = visitor(&desktop).await;
            if let Ok(notice) = tokio::time::timeout(Duration::from_secs(2), service.next()).await {
                return notice;
            }
        }
    };
    assert_eq!(within("the other to be asked", told_again).await.title, "新会话 · Grace");
    assert_eq!(service.next().await.title, "新会话 · Heidi");
    until_problem(&desktop, &Value::Null).await;
    desktop.close().await;
}
