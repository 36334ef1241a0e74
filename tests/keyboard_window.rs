//! The console by keyboard alone, and what stays where it is while news come, in the real window.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::within;
use serde_json::{Value, json};

const REPLY: &str = "Hello, what can we help you with?";
const ENTER: &str = "\u{e007}";
const BACKSPACE: &str = "\u{e003}";
const ESCAPE: &str = "\u{e00c}";
const TAB: &str = "\u{e004}";
const CONTROL_K: &str = "\u{e009}k\u{e000}";
/// What is left of ten minutes at first, and a moment later: never more than was set.
const AT_FIRST: &str = r"/^\D*(10:00|9:5\d)$/";
const LATER: &str = r"/^\D*9:5\d$/";

/// A customer with this name who has said this.
async fn named(desktop: &Desktop, name: &str, text: &str) -> V1 {
    let hello = json!({ "type": "hello", "locale": "en", "name": name });
    let mut customer = V1::connect(&desktop.address().await, hello).await;
    customer.say("1", text).await;
    customer.next_of("ack").await;
    // Keys step through what the list shows.
    let rows = "[...document.querySelectorAll('[data-testid=conversation-row]')]";
    desktop.until(&format!("{rows}.some((row) => row.textContent.includes({}))", json!(name))).await;
    customer
}

/// Keys as pressed while nothing in particular has the keyboard.
async fn press(desktop: &Desktop, keys: &str) {
    desktop.see("body").await.send_keys(keys).await.unwrap();
}

/// Keys as pressed where the keyboard is.
async fn press_here(desktop: &Desktop, keys: &str) {
    desktop.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
}

/// Waits until this customer's conversation is the one that is open.
async fn until_open(desktop: &Desktop, name: &str) {
    let name = json!(name);
    desktop
        .until(&format!(
            "(() => {{ const row = document.querySelector('[data-testid=conversation-row][aria-current=true]'); \
             const thread = document.querySelector('[data-testid=thread]'); \
             return row?.textContent.includes({name}) && thread?.dataset.conversation === row.dataset.conversation }})()"
        ))
        .await;
}

/// The id of this customer's conversation.
async fn conversation(desktop: &Desktop, name: &str) -> Value {
    let snapshot = desktop.call(json!({ "type": "snapshot" })).await;
    let all = snapshot["conversations"].as_array().unwrap();
    all.iter().find(|one| one["customer"]["name"] == name).unwrap()["id"].clone()
}

/// Waits until the desk says this of a conversation.
async fn until_desk(desktop: &Desktop, id: &Value, what: &str, holds: impl Fn(&Value) -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(40));
    let said = async {
        loop {
            look.tick().await;
            let answer = desktop.call(json!({ "type": "conversation", "conversation": id })).await;
            if holds(&answer["conversation"]) {
                return;
            }
        }
    };
    within(what, said).await;
}

/// The reply to the message that was acknowledged so.
async fn reply_after(customer: &mut V1, asked: &Value) -> Value {
    loop {
        let reply = customer.next_from("automatic").await;
        if reply["seq"].as_i64() > asked["seq"].as_i64() {
            return reply;
        }
    }
}

#[tokio::test]
async fn each_key_does_at_the_desk_what_it_says() {
    let desktop = Desktop::start().await;
    let _ada = named(&desktop, "Ada", "One").await;
    let mut ben = named(&desktop, "Ben", "Two").await;
    let _cho = named(&desktop, "Cho", "Three").await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 3").await;

    // Down and up the list, newest first.
    for (key, name) in [("j", "Cho"), ("j", "Ben"), ("j", "Ada"), ("j", "Ada"), ("k", "Ben")] {
        press(&desktop, key).await;
        until_open(&desktop, name).await;
    }
    let id = conversation(&desktop, "Ben").await;
    press(&desktop, "t").await;
    until_desk(&desktop, &id, "the take-over", |c| c["control"] == "human").await;
    desktop.see("[data-testid=conversation-row][aria-current=true][data-control=human]").await;
    press(&desktop, "h").await;
    until_desk(&desktop, &id, "the hand-back", |c| c["control"] == "automatic").await;
    desktop.see("[data-testid=conversation-row][aria-current=true][data-control=automatic]").await;

    // A reply that waits ten minutes is counted down where it waits, and in the list.
    desktop.set(|settings| settings["hold"] = json!({ "kind": "seconds", "seconds": 600 })).await;
    ben.say("2", "Do you ship to Malta?").await;
    let asked = ben.next_of("ack").await;
    desktop.id("held-card").await;
    desktop.until_text("held-time", AT_FIRST).await;
    desktop.until_text("held-chip", AT_FIRST).await;
    desktop.until_text("held-time", LATER).await;
    desktop.until_text("held-chip", LATER).await;

    // Edited: it waits, also while the agent looks elsewhere, until the edit is given up.
    press(&desktop, "e").await;
    desktop.until("document.activeElement?.dataset.testid === 'held-editor'").await;
    until_desk(&desktop, &id, "the reply to wait", |c| c["held"]["paused_ms"].is_number()).await;
    desktop.fill("held-editor", "Yes, to Malta as well.").await;
    press(&desktop, "j").await;
    until_open(&desktop, "Cho").await;
    press(&desktop, "k").await;
    until_open(&desktop, "Ben").await;
    let kept = "document.querySelector('[data-testid=held-editor]')?.value === 'Yes, to Malta as well.'";
    desktop.until(kept).await;
    until_desk(&desktop, &id, "the reply to wait still", |c| c["held"]["paused_ms"].is_number()).await;
    press(&desktop, "e").await;
    desktop.until("document.activeElement?.dataset.testid === 'held-editor'").await;
    press_here(&desktop, ESCAPE).await;
    until_desk(&desktop, &id, "the reply to go on", |c| c["held"]["due_at"].is_number()).await;
    desktop.until("!document.querySelector('[data-testid=held-editor]')").await;

    press(&desktop, ENTER).await;
    assert_eq!(reply_after(&mut ben, &asked).await["text"], REPLY, "as it was proposed");
    until_desk(&desktop, &id, "nothing to be held", |c| c["held"].is_null()).await;
    desktop.until("!document.querySelector('[data-testid=held-card]')").await;

    ben.say("3", "And to Gozo?").await;
    ben.next_of("ack").await;
    desktop.id("held-card").await;
    press(&desktop, BACKSPACE).await;
    until_desk(&desktop, &id, "the discard", |c| c["held"].is_null() && c["discarded"].is_object()).await;
    desktop.click("undo").await;
    until_desk(&desktop, &id, "the undo", |c| c["held"].is_object() && c["held"]["due_at"].is_null()).await;
    desktop.id("held-card").await;

    press(&desktop, CONTROL_K).await;
    desktop.until("document.activeElement?.dataset.testid === 'palette-input'").await;
    press_here(&desktop, ESCAPE).await;
    desktop.until("!document.querySelector('[data-testid=palette-input]')").await;
    press(&desktop, "?").await;
    desktop.id("shortcuts").await;
    press_here(&desktop, ESCAPE).await;
    desktop.until("!document.querySelector('[data-testid=shortcuts]')").await;
    desktop.close().await;
}

/// Where the keyboard is after another press of Tab: which element, whether it can be seen, and how it and what is
/// around and in it are marked with a colour of focus. Tells also how the element before it is marked now.
const STEP: &str = "
    const probe = document.createElement('i');
    document.body.append(probe);
    const colours = ['--human', '--held'].map((name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    });
    probe.remove();
    const marks = (element) => {
      const near = [element, ...element.querySelectorAll('*')];
      for (let up = element.parentElement, n = 0; up && n < 3; up = up.parentElement, n += 1) near.push(up);
      return near.map((one) => {
        const style = getComputedStyle(one);
        const outline = style.outlineStyle === 'none' ? '' : `${style.outlineWidth} ${style.outlineColor}`;
        return [outline, style.boxShadow, `border ${style.borderTopColor}`]
          .filter((mark) => colours.some((colour) => mark.includes(colour))).join(';');
      }).join('|');
    };
    const element = document.activeElement, before = window.focusBefore;
    window.focusBefore = element;
    if (element === document.body) return { none: true, left: before && marks(before) };
    const box = element.getBoundingClientRect();
    const name = element.dataset.testid ?? element.getAttribute('aria-label') ?? element.textContent.trim().slice(0, 40);
    window.focusIds ??= new Map();
    if (!window.focusIds.has(element)) window.focusIds.set(element, window.focusIds.size);
    return {
      id: window.focusIds.get(element), name, marks: marks(element), left: before && marks(before),
      seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
";

#[tokio::test]
async fn tab_goes_through_the_whole_window_and_the_focus_is_seen_at_every_stop() {
    let desktop = Desktop::start().await;
    let _ada = named(&desktop, "Ada", "One").await;
    let mut ben = named(&desktop, "Ben", "Two").await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 2").await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ben").await;
    desktop.set(|settings| settings["hold"] = json!({ "kind": "ask" })).await;
    ben.say("2", "And three?").await;
    desktop.id("held-card").await;
    // Colours must not be on their way while they are looked at.
    let still = "const still = document.createElement('style'); \
         still.textContent = '*, *::before, *::after { transition: none !important; animation: none !important }'; \
         document.head.append(still)";
    desktop.client.execute(still, vec![]).await.unwrap();
    for theme in ["light", "dark"] {
        desktop.set(|settings| settings["theme"] = json!(theme)).await;
        desktop.until(&format!("document.documentElement.dataset.theme === '{theme}'")).await;
        desktop
            .client
            .execute("document.activeElement.blur(); window.focusBefore = null", vec![])
            .await
            .unwrap();
        let mut stops: Vec<Value> = Vec::new();
        loop {
            press_here(&desktop, TAB).await;
            let stop = desktop.client.execute(STEP, vec![]).await.unwrap();
            if let Some(last) = stops.last() {
                assert_ne!(
                    stop["left"], last["marks"],
                    "{theme}: nothing shows that the focus was here: {last}"
                );
            }
            if stop["none"] == true || stops.iter().any(|earlier| earlier["id"] == stop["id"]) {
                break;
            }
            assert_eq!(stop["seen"], true, "{theme}: out of sight: {stop}");
            stops.push(stop);
            assert!(stops.len() < 100, "{theme}: Tab never comes around");
        }
        let names: Vec<&str> = stops.iter().map(|stop| stop["name"].as_str().unwrap()).collect();
        for place in ["nav-settings", "conversation-row", "control-automatic", "held-send", "composer"] {
            assert!(names.contains(&place), "{theme}: Tab never came to {place}: {names:?}");
        }
    }
    desktop.close().await;
}

/// Ada, who has written so many lines.
async fn lines(desktop: &Desktop, count: usize) -> V1 {
    let mut ada = named(desktop, "Ada", "Line 1").await;
    for number in 2..=count {
        ada.say(&number.to_string(), &format!("Line {number}")).await;
        ada.next_of("ack").await;
    }
    ada
}

/// Finds the first bubble that is whole on the screen, and tells which it is and where.
const FIRST_WHOLE: &str = "
    const done = arguments[0];
    const look = () => {
      const top = document.querySelector('[data-testid=thread]').getBoundingClientRect().top;
      const row = [...document.querySelectorAll('[data-testid=message]')]
        .find((message) => message.getBoundingClientRect().top >= top);
      done({ seq: row.dataset.seq, y: row.getBoundingClientRect().y });
    };
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(look)));
";

#[tokio::test]
async fn who_reads_above_stays_there_while_a_message_comes_and_is_told_of_it() {
    let desktop = Desktop::start().await;
    let mut customer = lines(&desktop, 80).await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ada").await;
    desktop.until_message("customer", "Line 80").await;
    let thread = "document.querySelector('[data-testid=thread]')";
    desktop.until(&format!("{thread}.scrollHeight > 2 * {thread}.clientHeight")).await;
    // Far enough from the top that nothing earlier is asked for.
    let up = format!("{thread}.scrollTop = ({thread}.scrollHeight - {thread}.clientHeight) / 2");
    desktop.client.execute(&up, vec![]).await.unwrap();
    desktop.see("[data-testid=to-the-end][data-unseen='0']").await;
    let before = desktop.client.execute_async(FIRST_WHOLE, vec![]).await.unwrap();

    customer.say("new", "And one more thing").await;
    customer.next_of("ack").await;
    desktop.until("Number(document.querySelector('[data-testid=to-the-end]')?.dataset.unseen) > 0").await;
    desktop.until("/new message/.test(document.querySelector('[data-testid=to-the-end]').textContent)").await;
    let after = desktop.client.execute_async(FIRST_WHOLE, vec![]).await.unwrap();
    assert_eq!(after["seq"], before["seq"], "the same message is at the top");
    let moved = after["y"].as_f64().unwrap() - before["y"].as_f64().unwrap();
    assert!(moved.abs() < 1.0, "it moved by {moved} px");
    desktop.picture("news-below").await;

    desktop.click("to-the-end").await;
    desktop.until("!document.querySelector('[data-testid=to-the-end]')").await;
    desktop
        .until(&format!(
            "(() => {{ const last = [...document.querySelectorAll('[data-testid=message]')]\
             .find(m => m.textContent.includes('And one more thing')); \
             return last && last.getBoundingClientRect().bottom <= {thread}.getBoundingClientRect().bottom + 1 }})()"
        ))
        .await;
    desktop.close().await;
}

/// The last lines go, the browser goes up with the end, and the room becomes smaller before anybody has looked: as when a
/// reply is retracted and the bar above the thread appears. Tells how far the end is from being seen, in pixels.
const SMALLER: &str = "
    const done = arguments[0], thread = document.querySelector('[data-testid=thread]');
    const before = thread.scrollTop;
    for (const row of [...document.querySelectorAll('[data-testid=message]')].slice(-4)) row.style.display = 'none';
    const went = before - thread.scrollTop;
    thread.style.height = `${thread.clientHeight - 90}px`;
    const below = () => thread.scrollHeight - thread.scrollTop - thread.clientHeight;
    let frames = 0;
    const look = () => (frames += 1) < 5 ? requestAnimationFrame(look) : done({ went, below: below() });
    requestAnimationFrame(look);
";

#[tokio::test]
async fn what_becomes_smaller_does_not_take_the_end_of_a_thread_out_of_sight() {
    let desktop = Desktop::start().await;
    let _ada = lines(&desktop, 40).await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ada").await;
    desktop.until_message("customer", "Line 40").await;
    let thread = "document.querySelector('[data-testid=thread]')";
    desktop.until(&format!("{thread}.scrollTop > 400")).await;
    let after = desktop.client.execute_async(SMALLER, vec![]).await.unwrap();
    assert!(after["went"].as_f64().unwrap() > 60.0, "the browser did not go up: {after}");
    assert!(after["below"].as_f64().unwrap() < 2.0, "the end is out of sight: {after}");
    desktop.until("!document.querySelector('[data-testid=to-the-end]')").await;
    desktop.close().await;
}

/// The window as wide and as high as this.
async fn resize(desktop: &Desktop, width: u32, height: u32) {
    desktop.client.set_window_rect(0, 0, width, height).await.unwrap();
    desktop.until(&format!("innerHeight <= {height} && innerHeight > {height} - 120")).await;
}

#[tokio::test]
async fn who_comes_back_to_a_thread_is_where_they_were_and_told_only_of_what_is_new() {
    let desktop = Desktop::start().await;
    let _ada = lines(&desktop, 40).await;
    let _ben = named(&desktop, "Ben", "A word").await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 2").await;
    press(&desktop, "j").await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ada").await;
    desktop.until_message("customer", "Line 40").await;
    let id = conversation(&desktop, "Ada").await;
    until_desk(&desktop, &id, "it to be read", |c| c["unread"] == 0).await;
    let thread = "document.querySelector('[data-testid=thread]')";
    let up = format!("{thread}.scrollTop = ({thread}.scrollHeight - {thread}.clientHeight) / 2");
    desktop.client.execute(&up, vec![]).await.unwrap();
    desktop.see("[data-testid=to-the-end][data-unseen='0']").await;
    let before = desktop.client.execute_async(FIRST_WHOLE, vec![]).await.unwrap();

    for leave in ["k", "nav"] {
        if leave == "k" {
            press(&desktop, "k").await;
            until_open(&desktop, "Ben").await;
            press(&desktop, "j").await;
        } else {
            desktop.click("nav-settings").await;
            desktop.until(&format!("!{thread}")).await;
            desktop.click("nav-conversations").await;
        }
        until_open(&desktop, "Ada").await;
        desktop.see("[data-testid=to-the-end][data-unseen='0']").await;
        // What is far above has its height only once it was drawn.
        let there = format!(
            "[...document.querySelectorAll('[data-testid=message]')].find((message) => \
             message.getBoundingClientRect().top >= {thread}.getBoundingClientRect().top)?.dataset.seq === {}",
            before["seq"]
        );
        desktop.until(&there).await;
        let after = desktop.client.execute_async(FIRST_WHOLE, vec![]).await.unwrap();
        assert_eq!(after["seq"], before["seq"], "{leave}: the same message is at the top, {before} {after}");
    }
    desktop.close().await;
}

#[tokio::test]
async fn a_thread_that_fits_the_window_by_now_is_read_as_it_comes() {
    let desktop = Desktop::start().await;
    let mut ada = lines(&desktop, 6).await;
    let _ben = named(&desktop, "Ben", "A word").await;
    desktop.until("document.querySelectorAll('[data-testid=conversation-row]').length === 2").await;
    resize(&desktop, 1280, 600).await;
    press(&desktop, "j").await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ada").await;
    desktop.until_message("customer", "Line 6").await;
    let thread = "document.querySelector('[data-testid=thread]')";
    desktop.until(&format!("{thread}.scrollHeight > {thread}.clientHeight + 100")).await;
    desktop.client.execute(&format!("{thread}.scrollTop = 0"), vec![]).await.unwrap();
    desktop.id("to-the-end").await;
    press(&desktop, "k").await;
    until_open(&desktop, "Ben").await;
    resize(&desktop, 1280, 1400).await;
    press(&desktop, "j").await;
    until_open(&desktop, "Ada").await;
    desktop.until(&format!("{thread}.scrollHeight <= {thread}.clientHeight")).await;
    ada.say("new", "And on").await;
    let place = ada.next_of("ack").await["seq"].clone();
    let id = conversation(&desktop, "Ada").await;
    until_desk(&desktop, &id, "it to be read", |c| c["agent_read_seq"].as_i64() >= place.as_i64()).await;
    desktop.until("!document.querySelector('[data-testid=to-the-end]')").await;
    desktop.close().await;
}
