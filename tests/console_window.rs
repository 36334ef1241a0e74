//! What the console shows of a conversation's way and of the data that is kept, in the real window.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::endpoint::{Endpoint, Script};
use deskbell_tests::until;
use serde_json::json;

const ENTER: &str = "\u{e007}";

/// A customer of this name who has said something, with the conversation before the agent.
async fn before_the_agent(desktop: &Desktop, name: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": name });
    let mut customer = V1::connect(&desktop.address().await, hello).await;
    customer.say("1", text).await;
    customer.next_of("ack").await;
    let row = format!(
        "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes({}))",
        json!(name)
    );
    desktop.until(&row).await;
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
    desktop.until_message("customer", text).await;
    customer
}

async fn write(desktop: &Desktop, text: &str) {
    desktop.fill("composer", text).await;
    desktop.id("composer").await.send_keys(ENTER).await.unwrap();
    desktop.until_message("agent", text).await;
}

/// Waits until these marks are drawn, from the top, each with the text that it stands beside.
async fn until_marks(desktop: &Desktop, marks: &[(&str, &str)]) {
    let marks = json!(marks);
    desktop
        .until(&format!(
            "JSON.stringify([...document.querySelectorAll('[data-testid=mark]')]\
             .map(m => [m.dataset.mark, m.closest('[data-testid=message]').querySelector('p').textContent.trim()]))\
             === JSON.stringify({marks})"
        ))
        .await;
}

/// Where every bubble is.
async fn places(desktop: &Desktop) -> serde_json::Value {
    let script = "return [...document.querySelectorAll('[data-testid=message] p')].map((p) => \
                  { const box = p.getBoundingClientRect(); return [box.x, box.y, box.width, box.height] })";
    desktop.client.execute(script, vec![]).await.unwrap()
}

/// Where every bubble would be if there were no marks.
async fn places_without_marks(desktop: &Desktop) -> serde_json::Value {
    let show = async |display: &str| {
        let script =
            "document.querySelectorAll('[data-testid=mark]').forEach((m) => m.style.display = arguments[0])";
        desktop.client.execute(script, vec![json!(display)]).await.unwrap();
    };
    show("none").await;
    let places = places(desktop).await;
    show("").await;
    places
}

#[tokio::test]
async fn marks_say_how_far_a_message_has_come_and_move_nothing() {
    let desktop = Desktop::start().await;
    let mut customer = before_the_agent(&desktop, "Vera", "When do you open?").await;
    write(&desktop, "At nine.").await;
    until_marks(&desktop, &[("delivered", "At nine.")]).await;
    let delivered = places(&desktop).await;
    let seen = customer.next_from("agent").await["seq"].clone();
    customer.send(json!({ "type": "read", "seq": seen })).await;
    until_marks(&desktop, &[("read", "At nine.")]).await;
    assert_eq!(places(&desktop).await, delivered, "a mark that changes moves nothing");
    let (token, revision) = (customer.token(), customer.welcome["revision"].as_i64().unwrap_or_default());
    drop(customer);
    desktop
        .until(
            "document.querySelector('[data-testid=thread]') && document.body.innerText.includes('offline')",
        )
        .await;
    write(&desktop, "On Sundays, too.").await;
    until_marks(&desktop, &[("read", "At nine."), ("stored", "On Sundays, too.")]).await;
    let label = "document.querySelector('[data-mark=stored]').getAttribute('aria-label')";
    desktop.until(&format!("{label} === 'Sent. Waits until the customer is back.'")).await;
    desktop.picture("marks").await;
    let stored = places(&desktop).await;
    assert_eq!(places_without_marks(&desktop).await, stored, "a mark takes no room");
    let _back = V1::resume(&desktop.address().await, &token, revision).await;
    until_marks(&desktop, &[("read", "At nine."), ("delivered", "On Sundays, too.")]).await;
    assert_eq!(places(&desktop).await, stored);
    desktop.close().await;
}

#[tokio::test]
async fn what_a_model_has_written_is_there_after_a_reload() {
    let script = Script::stream().words("We open at nine ").waits().words("on weekdays.").ends("stop");
    let endpoint = Endpoint::start(script).await;
    let desktop = Desktop::start().await;
    desktop
        .set(|settings| {
            settings["hold"] = json!({ "kind": "ask" });
            let model = &mut settings["responder"]["model"];
            model["enabled"] = json!(true);
            model["url"] = json!(endpoint.model_url());
            model["model"] = json!("test");
        })
        .await;
    let _customer = before_the_agent(&desktop, "Vera", "When do you open?").await;
    let written =
        "document.querySelector('[data-testid=held-text]')?.textContent.includes('We open at nine')";
    desktop.until(written).await;
    desktop.client.execute("window.before = true; location.reload()", vec![]).await.unwrap();
    desktop.until("!window.before && document.querySelector('[data-testid=held-card]')").await;
    // The model says nothing more until it is let go on.
    desktop.until(written).await;
    endpoint.go_on();
    desktop
        .until("document.querySelector('[data-testid=held-text]').textContent.includes('on weekdays.')")
        .await;
    desktop.close().await;
}

#[tokio::test]
async fn a_backup_made_by_hand_is_restored_and_what_was_there_is_kept() {
    let desktop = Desktop::start().await;
    let mut early = before_the_agent(&desktop, "Early", "Before the backup").await;
    desktop.click("nav-settings").await;
    desktop.click("settings-backups").await;
    desktop.click("back-up").await;
    desktop.id("restore-backup").await;
    early.say("2", "After the backup").await;
    early.next_of("ack").await;
    desktop.click("restore-backup").await;
    desktop.id("restore-confirm").await;
    desktop.picture("restore").await;
    desktop.click("restore-confirm").await;
    desktop.see("[data-testid=backup][data-reason=before_restore]").await;
    desktop.until("!document.querySelector('[data-testid=restore-confirm]')").await;
    desktop.picture("backups").await;
    desktop.click("nav-conversations").await;
    desktop.until_message("customer", "Before the backup").await;
    let gone = "[...document.querySelectorAll('[data-testid=message]')].every(m => !m.textContent.includes('After'))";
    desktop.until(gone).await;
    // From another console, with the thread open here: what was replaced is in it again.
    let listed = desktop.call(json!({ "type": "backups" })).await;
    let kept = listed["backups"].as_array().unwrap().iter().find(|one| one["reason"] == "before_restore");
    let restore = json!({ "type": "restore", "name": kept.unwrap()["name"] });
    assert_eq!(desktop.call(restore).await["type"], "done");
    desktop.until_message("customer", "After the backup").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_thread_that_was_left_goes_on_when_the_agent_is_back() {
    let desktop = Desktop::start().await;
    let mut customer = before_the_agent(&desktop, "Vera", "When do you open?").await;
    desktop.click("nav-settings").await;
    desktop.until("!document.querySelector('[data-testid=thread]')").await;
    customer.say("2", "Written meanwhile").await;
    customer.next_of("ack").await;
    desktop.click("nav-conversations").await;
    desktop.until_message("customer", "Written meanwhile").await;
    customer.say("3", "Written after that").await;
    customer.next_of("ack").await;
    desktop.until_message("customer", "Written after that").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_conversation_is_saved_as_a_file_from_its_menu() {
    let desktop = Desktop::start().await;
    let _customer = before_the_agent(&desktop, "Vera", "When do you open?").await;
    write(&desktop, "At nine.").await;
    let id = desktop.call(json!({ "type": "snapshot" })).await["conversations"][0]["id"].clone();
    // Where programs save on a screen whose home says nothing of downloads.
    let saved = desktop.screen.home.path().join(format!("conversation-{id}.txt"));
    desktop.click("conversation-menu").await;
    desktop.click("export-text").await;
    let read = || std::fs::read_to_string(&saved).unwrap_or_default();
    until("the file", || read().ends_with(": At nine.\n")).await;
    assert!(read().contains("Vera: When do you open?\n"), "{}", read());
    desktop.close().await;
}

#[tokio::test]
async fn an_erased_customer_leaves_the_list_the_thread_and_the_search() {
    let desktop = Desktop::start().await;
    let _other = before_the_agent(&desktop, "Other", "I stay").await;
    let _customer = before_the_agent(&desktop, "Vera", "My number is 555 0123").await;
    desktop.click("conversation-menu").await;
    desktop.click("erase").await;
    desktop.until("document.querySelector('[data-testid=erase-dialog]')?.closest('[role=dialog]').textContent.includes('Erase Vera for good?')").await;
    desktop.picture("erase").await;
    // Who only looks, or says no, has erased nobody.
    desktop.id("erase-confirm").await;
    desktop.client.execute("document.getElementById('erase-keep').click()", vec![]).await.unwrap();
    desktop.until("!document.querySelector('[data-testid=erase-dialog]')").await;
    desktop.until_message("customer", "555 0123").await;
    desktop.click("conversation-menu").await;
    desktop.click("erase").await;
    desktop.click("erase-confirm").await;
    desktop.until("!document.querySelector('[data-testid=thread]')").await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 1").await;
    desktop.until("!document.querySelector('[data-testid=erase-dialog]')").await;
    let found = desktop.call(json!({ "type": "search", "query": "555 0123" })).await;
    assert_eq!(found["hits"], json!([]));
    desktop.close().await;
}

#[tokio::test]
async fn what_is_lost_between_desk_and_page_is_given_again() {
    let desktop = Desktop::start().await;
    let mut customer = before_the_agent(&desktop, "Wanda", "Do you ship abroad?").await;
    // The next answer of the desk reaches the page, which never hears of it.
    let lose = "const fetched = window.fetch; window.lost = 0;
                window.fetch = async (...asked) => {
                  const answer = await fetched(...asked);
                  if (!String(asked[0]).includes('watch_next')) return answer;
                  const updates = (await answer.clone().json()).updates;
                  if (updates.length === 0) return answer;
                  window.lost += updates.length;
                  throw new TypeError('lost');
                };";
    desktop.client.execute(lose, vec![]).await.unwrap();
    for number in 2..6 {
        let text = format!("Message {number}");
        customer.say(&number.to_string(), &text).await;
        customer.next_of("ack").await;
        desktop.until_message("customer", &text).await;
    }
    let lost = desktop.client.execute("return window.lost", vec![]).await.unwrap();
    assert!(lost.as_u64() > Some(0), "{lost}");
    let shown = "return [...document.querySelectorAll('[data-testid=message]')].map((one) => Number(one.dataset.seq))";
    let shown: Vec<i64> =
        serde_json::from_value(desktop.client.execute(shown, vec![]).await.unwrap()).unwrap();
    assert!(shown.windows(2).all(|pair| pair[1] == pair[0] + 1), "{shown:?}");
    desktop.close().await;
}
