//! The responder in the real window: why a reply was chosen, what its settings and parts hold, and what is wrong beside
//! the field that it is wrong with.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_tests::customer::Plain;
use deskbell_tests::desktop::Desktop;
use deskbell_tests::endpoint::{Endpoint, Script};
use serde_json::{Value, json};

const ESCAPE: &str = "\u{e00c}";
const PATTERN: &str = "\"editor-trigger.pattern\"";
const PHRASE: &str = "\"editor-trigger.phrases.0\"";
const URL: &str = "\"setting-responder.model.url\"";
const KEY: &str = "\"setting-responder.model.key\"";
const MODEL: &str = "\"setting-responder.model.model\"";

/// Waits until the page shows this text.
async fn says(desktop: &Desktop, text: &str) {
    desktop.until(&format!("document.body.innerText.includes({})", json!(text))).await;
}

/// Waits until this text stands beside the field, and the field is marked.
async fn beside(desktop: &Desktop, field: &str, text: &str) {
    let text = json!(text);
    desktop
        .until(&format!(
            "(() => {{ const field = document.querySelector('[data-testid={field}][aria-invalid=true]'); \
             return field && document.getElementById(field.getAttribute('aria-describedby')).textContent.includes({text}) }})()"
        ))
        .await;
}

async fn language(desktop: &Desktop, language: &str) {
    desktop.set(|settings| settings["console_language"] = json!(language)).await;
    desktop.until(&format!("document.documentElement.lang === {}", json!(language))).await;
}

/// Leaves the editor and what was written in it.
async fn leave(desktop: &Desktop) {
    desktop.client.active_element().await.unwrap().send_keys(ESCAPE).await.unwrap();
    desktop.click("editor-drop").await;
    desktop.until("!document.querySelector('[data-testid=sheet]')").await;
}

async fn rule(desktop: &Desktop, name: &str, trigger: Value) -> Value {
    let rule = json!({
        "id": 0, "name": name, "enabled": true, "trigger": trigger, "languages": [], "page": "",
        "action": { "kind": "reply", "text": { "en": "Yes.", "zh-CN": "" } },
    });
    let saved = desktop.call(json!({ "type": "save_rule", "rule": rule })).await;
    assert_eq!(saved["type"], "rules", "{saved}");
    saved
}

#[tokio::test]
async fn the_console_shows_why_a_reply_was_chosen_with_its_score() {
    let desktop = Desktop::start().await;
    let answer = json!({
        "id": 0, "enabled": true, "questions": ["When will my parcel arrive?"], "reply": "Within three days.",
        "languages": [], "labels": [],
    });
    assert_eq!(desktop.call(json!({ "type": "save_answer", "answer": answer })).await["type"], "saved");
    desktop.set(|settings| settings["hold"] = json!({ "kind": "ask" })).await;
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", "en")]).await;
    customer.next().await;
    customer.send("when will my parcel arrive").await;
    desktop.click("conversation-row").await;
    // Before it was sent …
    desktop.see("[data-testid=held-card] [data-testid=source]").await.click().await.unwrap();
    let shown = "document.querySelector('[data-testid=explanation]')?.textContent";
    desktop.until(&format!("{shown}?.includes('When will my parcel arrive?')")).await;
    desktop.until(&format!("/0\\.9|1\\.0/.test({shown})")).await;
    desktop.picture("why").await;
    desktop.client.active_element().await.unwrap().send_keys(ESCAPE).await.unwrap();
    desktop.until("!document.querySelector('[data-testid=explanation]')").await;
    desktop.click("held-send").await;
    assert_eq!(customer.next().await, "Within three days.");
    // … and after.
    desktop.until_message("automatic", "Within three days.").await;
    let last =
        "[...document.querySelectorAll('[data-author=automatic] [data-testid=source]')].at(-1).click()";
    desktop.client.execute(last, vec![]).await.unwrap();
    desktop.until(&format!("{shown}?.includes('When will my parcel arrive?')")).await;
    desktop.close().await;
}

#[tokio::test]
async fn what_cannot_be_saved_is_said_beside_its_field_in_the_consoles_language() {
    let desktop = Desktop::start().await;
    rule(&desktop, "Greeting", json!({ "kind": "phrase", "phrases": ["good morning"] })).await;
    let saved = rule(&desktop, "Order", json!({ "kind": "regex", "pattern": "order" })).await;
    let order = saved["rules"].as_array().unwrap().iter().find(|row| row["rule"]["name"] == "Order").unwrap();
    desktop.click("nav-responder").await;
    desktop.click("part-rules").await;
    for (tongue, unclosed, taken) in [
        (
            "en",
            "This expression cannot be read at character 1: unclosed group.",
            "“good morning” is a phrase of the rule “Greeting” already.",
        ),
        (
            "zh-CN",
            "表达式第 1 个字符处无法识别：unclosed group。",
            "“good morning”已是规则“Greeting”的短语。",
        ),
    ] {
        language(&desktop, tongue).await;
        let id = order["rule"]["id"].to_string();
        desktop.see(&format!("#rule-{id}")).await.click().await.unwrap();
        desktop.fill(PATTERN, "(order").await;
        desktop.click("editor-save").await;
        beside(&desktop, PATTERN, unclosed).await;
        desktop.picture(&format!("bad-pattern-{tongue}")).await;
        leave(&desktop).await;

        desktop.click("rule-new").await;
        desktop.fill("editor-name", "Again").await;
        desktop.fill(PHRASE, "Good morning").await;
        desktop.fill("\"editor-action.text.en\"", "Hello.").await;
        desktop.click("editor-save").await;
        says(&desktop, taken).await;
        desktop.picture(&format!("taken-phrase-{tongue}")).await;
        leave(&desktop).await;
    }
    desktop.close().await;
}

#[tokio::test]
async fn the_connection_is_tested_from_the_window_and_the_result_is_in_the_consoles_language() {
    let desktop = Desktop::start().await;
    let endpoint = Endpoint::start(Script::streams("Yes, I am here.")).await;
    desktop.click("nav-responder").await;
    desktop.click("part-model").await;
    desktop.fill(URL, &endpoint.model_url()).await;
    desktop.fill(MODEL, "test").await;
    desktop.click("test-model").await;
    desktop.see("[data-testid=test-model-result][data-works=true]").await;
    says(&desktop, "It answered: “Yes, I am here.”").await;
    language(&desktop, "zh-CN").await;
    says(&desktop, "它回答：“Yes, I am here.”").await;
    // An address at which nothing listens any more.
    endpoint.end().await;
    desktop.click("test-model").await;
    desktop.see("[data-testid=test-model-result][data-works=false]").await;
    says(&desktop, "模型不在：该地址没有程序在监听。它在运行吗？").await;
    desktop.picture("unreachable-zh-CN").await;
    // And one that is none at all.
    desktop.fill(URL, "nonsense").await;
    desktop.click("settings-save").await;
    beside(&desktop, URL, "这不是有效的地址").await;
    desktop.close().await;
}

#[tokio::test]
async fn a_rule_that_is_not_saved_is_tried_on_what_was_said_and_nothing_of_it_is_kept() {
    let desktop = Desktop::start().await;
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", "en")]).await;
    customer.next().await;
    for text in ["Do you ship to Malta?", "Thanks"] {
        customer.send(text).await;
        customer.next().await;
    }
    desktop.click("nav-responder").await;
    desktop.click("part-rules").await;
    desktop.click("rule-new").await;
    desktop.fill("editor-name", "Malta").await;
    desktop.fill(PHRASE, "do you ship to malta").await;
    desktop.fill("\"editor-action.text.en\"", "Yes, within a week.").await;
    desktop.click("editor-replay").await;
    let shown = "document.querySelector('[data-testid=editor-replayed]')?.innerText";
    desktop.until(&format!("{shown}?.includes('1 of 2 messages would be answered differently')")).await;
    let was = "Hello, what can we help you with?";
    desktop
        .until(&format!(
            "/Do you ship to Malta.*{}.*Yes, within a week/s.test({shown})",
            was.replace('?', "\\?")
        ))
        .await;
    desktop.picture("replay-with-this").await;
    leave(&desktop).await;
    let rules = desktop.call(json!({ "type": "rules" })).await;
    assert_eq!(rules["rules"], json!([]), "{rules}");
    customer.send("Do you ship to Malta?").await;
    assert_eq!(customer.next().await, was, "nothing was changed");
    desktop.close().await;
}

#[tokio::test]
async fn where_there_is_no_keyring_the_window_warns_of_the_file_and_never_shows_the_key_again() {
    let desktop = Desktop::start().await;
    desktop.click("nav-responder").await;
    desktop.click("part-model").await;
    desktop.fill(KEY, "sk-canary-3f9b").await;
    desktop.click("\"responder.model.key-set\"").await;
    desktop.see("[data-testid=\"responder.model.key-place\"][data-place=file]").await;
    says(
        &desktop,
        "This system has no keyring: it lies in a file in the data folder that only its owner can read.",
    )
    .await;
    desktop.picture("key-in-a-file").await;
    language(&desktop, "zh-CN").await;
    says(&desktop, "此系统没有钥匙串").await;
    let field = format!("document.querySelector('[data-testid={KEY}]').value === ''");
    desktop.until(&field).await;
    desktop.until("!document.documentElement.outerHTML.includes('sk-canary')").await;
    desktop.click("\"responder.model.key-remove\"").await;
    desktop.until("!document.querySelector('[data-testid=\"responder.model.key-place\"]')").await;
    desktop.close().await;
}

/// Puts a text into a field as an input method would: not every keyboard has these characters.
async fn put(desktop: &Desktop, id: &str, text: &str) {
    desktop.id(&format!("\"{id}\"")).await;
    let (id, text) = (json!(format!("[data-testid=\"{id}\"]")), json!(text));
    let script = format!(
        "const field = document.querySelector({id}); field.value = {text}; \
         field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    );
    desktop.client.execute(&script, vec![]).await.unwrap();
}

/// Chooses a file with this text in the import dialog.
async fn choose_file(desktop: &Desktop, name: &str, text: &str) {
    desktop.id("import-file").await;
    let (name, text) = (json!(name), json!(text));
    let script = format!(
        "const chosen = new DataTransfer(); chosen.items.add(new File([{text}], {name}, {{ type: 'text/csv' }})); \
         const field = document.querySelector('[data-testid=import-file]'); field.files = chosen.files; \
         field.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    desktop.client.execute(&script, vec![]).await.unwrap();
}

/// A customer of plain text of this language, with what they were greeted with.
async fn greeted(desktop: &Desktop, language: &'static str) -> (Plain, String) {
    let mut customer = Plain::connect(&desktop.address().await, &[("Accept-Language", language)]).await;
    let greeting = customer.next().await;
    (customer, greeting)
}

#[tokio::test]
async fn what_is_typed_into_settings_holds_and_every_part_of_the_responder_shows_what_it_has() {
    let desktop = Desktop::start().await;
    let asks = "When will my parcel arrive?";
    desktop.click("nav-settings").await;
    desktop.click("settings-replies").await;
    desktop.fill("\"setting-greeting.en\"", "Good day.").await;
    put(&desktop, "setting-greeting.zh-CN", "您好，请讲。").await;
    desktop.fill("\"setting-reply.en\"", "A moment, please.").await;
    put(&desktop, "setting-reply.zh-CN", "请稍候。").await;
    desktop.click("settings-save").await;
    desktop.until("!document.querySelector('[data-testid=settings-save]')").await;
    for (language, greeting, text, reply) in [
        ("zh-CN", "您好，请讲。", "包裹什么时候到？", "请稍候。"),
        ("en", "Good day.", asks, "A moment, please."),
    ] {
        let (mut customer, greeted) = greeted(&desktop, language).await;
        assert_eq!(greeted, greeting);
        customer.send(text).await;
        assert_eq!(customer.next().await, reply);
    }

    // An agent corrects the last reply, which can be learned from, and writes a rule.
    let snapshot = desktop.call(json!({ "type": "snapshot" })).await;
    let all = snapshot["conversations"].as_array().unwrap();
    let id = &all.iter().find(|one| one["last"]["text"] == "A moment, please.").unwrap()["id"];
    let thread = desktop.call(json!({ "type": "thread", "conversation": id, "limit": 10 })).await;
    let sent =
        thread["messages"].as_array().unwrap().iter().rfind(|one| one["author"] == "automatic").unwrap();
    let correction =
        json!({ "type": "correct", "conversation": id, "seq": sent["seq"], "text": "In three days." });
    assert_eq!(desktop.call(correction).await["type"], "done");
    let rule = json!({
        "id": 0, "name": "Parcels", "enabled": true, "languages": [], "page": "",
        "trigger": { "kind": "keywords", "keywords": ["包裹"], "all": true },
        "action": { "kind": "reply", "text": { "en": "Soon.", "zh-CN": "三天内。" } },
    });
    assert_eq!(desktop.call(json!({ "type": "save_rule", "rule": rule })).await["type"], "rules");

    desktop.click("nav-responder").await;
    desktop.click("part-rules").await;
    desktop.until_text("rule-row", "/Parcels/").await;
    desktop.click("part-model").await;
    desktop.id("\"setting-responder.model.url\"").await;
    desktop.click("part-webhook").await;
    desktop.id("\"setting-responder.webhook.url\"").await;
    desktop.click("part-hours").await;
    desktop.click("\"setting-responder.hours\"").await;
    desktop.id("hours-day-6").await;
    desktop.click("settings-discard").await;
    desktop.until("!document.querySelector('[data-testid=hours-day-6]')").await;

    desktop.click("part-review").await;
    desktop.until_text("lesson", "/In three days\\./").await;
    desktop.click("lesson-accept").await;
    desktop.until("document.querySelector('[data-testid=sheet] textarea')?.value === 'In three days.'").await;
    desktop.click("editor-save").await;
    desktop.until("!document.querySelector('[data-testid=sheet]')").await;
    desktop.until("!document.querySelector('[data-testid=lesson]')").await;
    desktop.click("part-answers").await;
    desktop.until_text("answer-row", "/When will my parcel arrive/").await;

    desktop.click("part-try").await;
    desktop.fill("try-text", asks).await;
    desktop.see("[data-testid=outcome][data-kind=reply]").await;
    desktop.until_text("outcome", "/In three days\\./").await;
    desktop.id("step").await;
    desktop.click("part-replay").await;
    desktop.click("replay-run").await;
    desktop.see("[data-testid=replay-row][data-changed=true]").await;
    desktop.until_text("replay-row", "/请稍候。.*三天内。/s").await;
    desktop.click("part-numbers").await;
    desktop.see("[data-testid=usage-table] [data-testid=usage-row][data-kind=fallback]").await;
    desktop.picture("numbers").await;

    // A file that cannot be taken is refused in the console's language, and changes nothing.
    desktop.set(|settings| settings["console_language"] = json!("zh-CN")).await;
    desktop.until("document.documentElement.lang === 'zh-CN'").await;
    desktop.click("part-answers").await;
    desktop.click("answers-import").await;
    choose_file(&desktop, "bad.csv", "questions,reply,languages\nWo ist mein Tisch?,Hier.,de\n").await;
    desktop.until_text("import-problems", "/第 1 条.*不支持语言“de”：请填 en 或 zh-CN。/s").await;
    desktop.until("document.querySelector('[data-testid=import-confirm]').disabled").await;
    desktop.picture("bad-import-zh-CN").await;
    let answers = json!({ "type": "answers", "query": "", "offset": 0, "limit": 10 });
    assert_eq!(desktop.call(answers).await["total"], 1);
    desktop.close().await;
}
