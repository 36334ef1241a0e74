//! The override in the real window: what the agent does to a reply after it was sent, and what is learned from it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_tests::browser::{Browser, until};
use deskbell_tests::customer::{Plain, V1};
use deskbell_tests::desktop::Desktop;
use deskbell_tests::endpoint::{Endpoint, Script};
use serde_json::{Value, json};

const GREETING: &str = "Hello, welcome to live support. What can we help you with?";
const REPLY: &str = "Hello, what can we help you with?";
const DELETE: &str = "\u{e017}";
const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";

/// A customer of plain text who was greeted.
async fn plain(desktop: &Desktop, language: &'static str) -> Plain {
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", language)]).await;
    customer.next().await;
    customer
}

/// A customer of `deskbell.v1` with this name who has said this.
async fn v1(desktop: &Desktop, name: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": name });
    let mut customer = V1::connect(&desktop.address().await, hello).await;
    customer.say("1", text).await;
    customer.next_of("ack").await;
    customer
}

/// Opens the conversation in whose row this text stands.
async fn open(desktop: &Desktop, text: &str) {
    let text = json!(text);
    let row = format!(
        "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes({text}))"
    );
    desktop.until(&row).await;
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
}

/// The row of the last message of this author with this text, which then has the keyboard.
async fn choose(desktop: &Desktop, author: &str, text: &str) -> fantoccini::elements::Element {
    desktop.until_message(author, text).await;
    let (author, text) = (json!(author), json!(text));
    let script = format!(
        "const found = [...document.querySelectorAll('[data-testid=message]')]\
         .findLast(m => m.dataset.author === {author} && m.textContent.includes({text}));\
         found.focus(); return found.dataset.seq"
    );
    let seq = desktop.client.execute(&script, vec![]).await.unwrap();
    desktop.see(&format!("[data-seq=\"{}\"]", seq.as_str().unwrap())).await
}

async fn correct(desktop: &Desktop, author: &str, before: &str, after: &str) {
    choose(desktop, author, before).await;
    desktop.click("correct").await;
    desktop.fill("correct-editor", after).await;
    desktop.click("correct-save").await;
}

/// Keys as pressed where the keyboard's focus is.
async fn press(desktop: &Desktop, keys: &str) {
    desktop.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
}

#[tokio::test]
async fn an_offer_that_is_taken_teaches_the_next_answer() {
    let desktop = Desktop::start().await;
    desktop.set(|settings| settings["hold"] = json!({ "kind": "seconds", "seconds": 3600 })).await;
    let mut first = plain(&desktop, "en").await;
    first.send("Do you ship to Malta?").await;
    open(&desktop, "Malta").await;
    desktop.click("held-edit").await;
    desktop.fill("held-editor", "Yes, to Malta as well.").await;
    desktop.click("held-save").await;
    assert_eq!(first.next().await, "Yes, to Malta as well.");

    desktop.id("offer").await;
    desktop.picture("offer").await;
    desktop.click("offer-review").await;
    // Prefilled with the question and with what the agent said; nothing is changed before someone saves.
    desktop
        .until("document.querySelector('[data-testid=sheet] textarea').value === 'Yes, to Malta as well.'")
        .await;
    let answers = json!({ "type": "answers", "query": "Malta", "offset": 0, "limit": 10 });
    assert_eq!(desktop.call(answers.clone()).await["total"], 0);
    desktop.picture("offer-review").await;
    desktop.click("editor-save").await;
    desktop.until("!document.querySelector('[data-testid=sheet]')").await;
    assert_eq!(desktop.call(answers).await["total"], 1);
    assert_eq!(desktop.call(json!({ "type": "lessons" })).await["lessons"], json!([]), "it is dealt with");

    desktop.set(|settings| settings["hold"] = json!({ "kind": "seconds", "seconds": 0 })).await;
    let mut next = plain(&desktop, "en").await;
    next.send("Do you ship to Malta?").await;
    assert_eq!(next.next().await, "Yes, to Malta as well.", "the next customer hears it at once");
    let mut other = plain(&desktop, "en").await;
    other.send("Is the walnut desk in stock?").await;
    assert_eq!(other.next().await, REPLY, "and who asks something else does not");
    desktop.close().await;
}

#[tokio::test]
async fn an_offer_that_is_declined_changes_nothing_and_does_not_come_back() {
    let desktop = Desktop::start().await;
    let mut customer = plain(&desktop, "en").await;
    customer.send("Do you ship to Malta?").await;
    assert_eq!(customer.next().await, REPLY);
    open(&desktop, "Visitor").await;
    correct(&desktop, "automatic", REPLY, "Yes, to Malta as well.").await;
    desktop.id("lessons-waiting").await;
    desktop.click("offer-decline").await;
    desktop.until("!document.querySelector('[data-testid=offer]')").await;
    desktop.until("!document.querySelector('[data-testid=lessons-waiting]')").await;
    assert_eq!(desktop.call(json!({ "type": "lessons" })).await["lessons"], json!([]));
    let mut next = plain(&desktop, "en").await;
    next.send("Do you ship to Malta?").await;
    assert_eq!(next.next().await, REPLY);
    desktop.close().await;
}

#[tokio::test]
async fn a_correction_reaches_both_kinds_of_clients_and_the_thread_keeps_the_original() {
    let desktop = Desktop::start().await;
    let mut modern = v1(&desktop, "Vera", "When do you open?").await;
    let sent = modern.next_from("automatic").await;
    let sent = if sent["text"] == GREETING { modern.next_from("automatic").await } else { sent };
    assert_eq!(sent["text"], REPLY);
    open(&desktop, "Vera").await;
    correct(&desktop, "automatic", REPLY, "At nine on weekdays.").await;
    let corrected = modern.next_of("message").await;
    assert_eq!(corrected["seq"], sent["seq"], "in the place of what it replaces");
    assert_eq!(corrected["revision"], json!(sent["revision"].as_i64().unwrap() + 1));
    assert_eq!(
        (&corrected["text"], &corrected["change"]),
        (&json!("At nine on weekdays."), &json!("corrected"))
    );
    assert_eq!(corrected.get("original"), None, "customers never get the original again");

    desktop.until_message("automatic", "At nine on weekdays.").await;
    // The offer comes after the correction and moves the thread: a click meanwhile meets what stood there before.
    desktop.id("offer").await;
    desktop.picture("corrected").await;
    desktop.click("show-original").await;
    desktop
        .until(&format!(
            "document.querySelector('[data-testid=original]').textContent.trim() === {}",
            json!(REPLY)
        ))
        .await;

    // Who comes back gets the newest text only.
    let token = modern.token();
    drop(modern);
    let back = V1::resume(&desktop.address().await, &token, 0).await;
    let texts: Vec<&Value> = back.history.iter().map(|frame| &frame["text"]).collect();
    assert!(texts.contains(&&json!("At nine on weekdays.")) && !texts.contains(&&json!(REPLY)), "{texts:?}");

    for (language, asked, expected) in
        [("en", "English hours?", "Correction: At nine."), ("zh-CN", "几点开门？", "更正：At nine.")]
    {
        let mut simple = plain(&desktop, language).await;
        simple.send(asked).await;
        let said = simple.next().await;
        // Its row shows the reply by now; the newest conversation stands on top.
        desktop
            .until(&format!(
                "document.querySelector('[data-testid=conversation-row]').textContent.includes({})",
                json!(said)
            ))
            .await;
        desktop.click("conversation-row").await;
        desktop.until_message("customer", asked).await;
        correct(&desktop, "automatic", &said, "At nine.").await;
        assert_eq!(simple.next().await, expected);
    }
    desktop.close().await;
}

#[tokio::test]
async fn the_desks_own_customer_page_shows_a_correction_in_its_place_and_nothing_of_what_was_retracted() {
    let desktop = Desktop::start().await;
    let browser = Browser::open(&format!("http://{}/", desktop.address().await)).await;
    let page = &browser.client;
    until(page, "document.querySelector('#status').dataset.state === 'online'").await;
    let say = "document.querySelector('#text').value = 'When do you open?'; \
               document.querySelector('#form').requestSubmit()";
    page.execute(say, vec![]).await.unwrap();
    let lines = "[...document.querySelectorAll('#thread li')].map((line) => line.innerText)";
    until(page, &format!("{lines}.length === 3 && {lines}[2].includes('{REPLY}')")).await;

    desktop.click("conversation-row").await;
    correct(&desktop, "automatic", REPLY, "At nine.").await;
    until(page, &format!("{lines}.length === 3 && /^At nine\\.\\s.*· corrected$/s.test({lines}[2].trim())"))
        .await;
    page.refresh().await.unwrap();
    until(page, &format!("{lines}.length === 3 && {lines}[2].includes('At nine.')")).await;

    choose(&desktop, "automatic", "At nine.").await.send_keys(DELETE).await.unwrap();
    desktop.id("retract-confirm").await;
    press(&desktop, ENTER).await;
    until(page, &format!("{lines}[2]?.includes('This message was retracted.')")).await;
    until(page, &format!("{lines}.length === 3 && !document.body.innerText.includes('At nine.')")).await;
    browser.close().await;
    desktop.close().await;
}

#[tokio::test]
async fn a_message_is_retracted_by_keyboard_and_only_after_a_second_key() {
    let desktop = Desktop::start().await;
    let mut modern = v1(&desktop, "Vera", "When do you open?").await;
    let mut simple = plain(&desktop, "en").await;
    simple.send("Plainly: when?").await;
    assert_eq!(simple.next().await, REPLY);
    open(&desktop, "Vera").await;
    let row = choose(&desktop, "automatic", REPLY).await;
    row.send_keys(DELETE).await.unwrap();
    desktop.id("retract-confirm").await;
    desktop.picture("retract").await;
    desktop.until_message("automatic", REPLY).await;
    press(&desktop, ENTER).await;
    let retracted = async {
        loop {
            let message = modern.next_of("message").await;
            if message["change"] == "retracted" {
                return message;
            }
        }
    };
    let retracted = deskbell_tests::within("the retraction", retracted).await;
    assert_eq!(retracted["text"], "", "nothing of it is left with the customer");
    desktop.see("[data-change=retracted]").await;
    desktop.click("show-original").await;
    desktop
        .until(&format!(
            "document.querySelector('[data-testid=original]').textContent.trim() === {}",
            json!(REPLY)
        ))
        .await;
    press(&desktop, "\u{e00c}").await;

    desktop.until("!document.querySelector('[data-testid=original]')").await;
    let row = "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => !r.textContent.includes('Vera'))";
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
    desktop.until_message("customer", "Plainly: when?").await;
    choose(&desktop, "automatic", REPLY).await.send_keys(DELETE).await.unwrap();
    desktop.click("retract-confirm").await;
    assert_eq!(simple.next().await, format!("Please disregard this message: “{REPLY}”"));
    desktop.close().await;
}

#[tokio::test]
async fn a_suggestion_is_inserted_with_tab_and_sent_by_nobody_but_the_agent() {
    let desktop = Desktop::start().await;
    let answer = json!({
        "id": 0, "enabled": true, "questions": ["When will my parcel arrive?"], "reply": "Within three days.",
        "languages": [], "labels": [],
    });
    assert_eq!(desktop.call(json!({ "type": "save_answer", "answer": answer })).await["type"], "saved");
    let mut customer = plain(&desktop, "en").await;
    customer.send("Hello?").await;
    assert_eq!(customer.next().await, REPLY);
    open(&desktop, "Visitor").await;
    desktop.click("control-human").await;
    desktop.see("[data-testid=control-human][aria-checked=true]").await;
    customer.send("When will my parcel arrive?").await;
    desktop.until("document.querySelector('[data-testid=suggestion-text]').textContent.trim() === 'Within three days.'").await;
    desktop.picture("suggestion").await;
    desktop.click("composer").await;
    press(&desktop, TAB).await;
    desktop.until("document.querySelector('[data-testid=composer]').value === 'Within three days.'").await;
    press(&desktop, " From me.").await;
    desktop.click("composer-send").await;
    assert_eq!(customer.next().await, "Within three days. From me.", "and nothing before it");
    desktop.close().await;
}

#[tokio::test]
async fn who_takes_over_has_the_held_reply_above_the_composer() {
    let desktop = Desktop::start().await;
    let answer = json!({
        "id": 0, "enabled": true, "questions": ["When will my parcel arrive?"], "reply": "Within three days.",
        "languages": [], "labels": [],
    });
    assert_eq!(desktop.call(json!({ "type": "save_answer", "answer": answer })).await["type"], "saved");
    desktop.set(|settings| settings["hold"] = json!({ "kind": "ask" })).await;
    let mut customer = plain(&desktop, "en").await;
    customer.send("When will my parcel arrive?").await;
    open(&desktop, "When will my parcel arrive?").await;
    desktop.click("held-take-over").await;
    desktop.until("document.querySelector('[data-testid=suggestion-text]')?.textContent.trim() === 'Within three days.'").await;
    desktop.click("composer").await;
    press(&desktop, TAB).await;
    desktop.until("document.querySelector('[data-testid=composer]').value === 'Within three days.'").await;
    desktop.click("composer-send").await;
    assert_eq!(customer.next().await, "Within three days.");
    desktop.close().await;
}

/// The model answers at this endpoint, and what it writes waits for the agent.
async fn ask_model(desktop: &Desktop, endpoint: &Endpoint) {
    desktop
        .set(|settings| {
            settings["hold"] = json!({ "kind": "ask" });
            let model = &mut settings["responder"]["model"];
            model["enabled"] = json!(true);
            model["url"] = json!(endpoint.model_url());
            model["model"] = json!("test");
            // Longer than a test waits: what ends a request is what the test did.
            model["deadline_seconds"] = json!(120);
        })
        .await;
}

/// A customer whose question the model has begun to answer, before the agent's eyes, and does not end.
async fn being_answered() -> (Desktop, Endpoint, Plain) {
    let desktop = Desktop::start().await;
    let endpoint = Endpoint::start(Script::stream().words("We open at nine").stalls()).await;
    ask_model(&desktop, &endpoint).await;
    // A suggestion that a take-over may begin is not the subject.
    desktop.set(|settings| settings["responder"]["suggestions"] = json!(false)).await;
    let mut customer = plain(&desktop, "en").await;
    customer.send("When do you open?").await;
    open(&desktop, "When do you open?").await;
    desktop
        .until("document.querySelector('[data-testid=held-text]')?.textContent.includes('We open at nine')")
        .await;
    (desktop, endpoint, customer)
}

#[tokio::test]
async fn a_reply_is_stopped_while_it_is_written_and_sent_as_far_as_it_came() {
    let (desktop, endpoint, mut customer) = being_answered().await;
    desktop.until("document.querySelector('[data-testid=held-send]').disabled").await;
    desktop.picture("writing").await;
    desktop.click("held-stop").await;
    endpoint.client_gone().await;
    desktop.until("!document.querySelector('[data-testid=held-send]').disabled").await;
    desktop.click("held-send").await;
    assert_eq!(customer.next().await, "We open at nine");
    desktop.close().await;
}

#[tokio::test]
async fn a_reply_is_edited_while_it_is_written() {
    let (desktop, endpoint, mut customer) = being_answered().await;
    desktop.click("held-edit").await;
    desktop.until("document.querySelector('[data-testid=held-editor]')?.value === 'We open at nine'").await;
    endpoint.client_gone().await;
    desktop.id("held-editor").await.send_keys(", on weekdays.").await.unwrap();
    desktop.click("held-save").await;
    assert_eq!(customer.next().await, "We open at nine, on weekdays.");
    desktop.close().await;
}

#[tokio::test]
async fn after_a_take_over_nothing_of_what_was_being_written_is_sent() {
    let (desktop, endpoint, mut customer) = being_answered().await;
    desktop.click("held-take-over").await;
    desktop.until("!document.querySelector('[data-testid=held-card]')").await;
    endpoint.client_gone().await;
    desktop.id("composer").await.send_keys("At ten today.").await.unwrap();
    desktop.click("composer-send").await;
    assert_eq!(customer.next().await, "At ten today.");
    desktop.close().await;
}

#[tokio::test]
async fn sockets_are_watched_in_the_window_while_its_view_is_open() {
    let desktop = Desktop::start().await;
    desktop.click("nav-activity").await;
    let mut customer = plain(&desktop, "en").await;
    desktop.see("[data-testid=activity-row][data-kind=opened]").await;
    customer.send("Anyone?").await;
    desktop.see("[data-testid=activity-row][data-kind=received]").await;
    desktop.close().await;
}

#[tokio::test]
async fn away_is_said_in_the_window_and_known_to_the_desk() {
    let desktop = Desktop::start().await;
    desktop.click("away").await;
    desktop.see("[data-testid=away][aria-checked=true]").await;
    assert_eq!(desktop.call(json!({ "type": "snapshot" })).await["away"], true);
    desktop.click("away").await;
    desktop.see("[data-testid=away][aria-checked=false]").await;
    assert_eq!(desktop.call(json!({ "type": "snapshot" })).await["away"], false);
    desktop.close().await;
}
