//! A desk as on a busy morning, in the real window, in both themes and languages. With `DESKBELL_PICTURES=docs/images`
//! it makes the README's pictures.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_tests::customer::V1;
use deskbell_tests::desktop::Desktop;
use serde_json::{Value, json};

/// Name, locale, page, what they said, oldest first.
const CUSTOMERS: [(&str, &str, &str, &[&str]); 10] = [
    ("Priya Desai", "en", "/assembly", &["Could you send me the assembly instructions?"]),
    ("李娜", "zh-CN", "/订单", &["我的订单到哪里了？", "好的，谢谢！"]),
    ("Tomáš Král", "en", "/", &["When are you open?"]),
    ("Noor Bakker", "en", "/returns", &["Thanks, that worked!"]),
    ("Sofia Rossi", "en", "/account", &["Where is my order?"]),
    ("陈静", "zh-CN", "/发票", &["发票什么时候开？"]),
    ("Jonas Schmidt", "en", "/returns", &["Can I return an opened item?"]),
    ("Amara Okafor", "en", "/invoice", &["The invoice has the wrong company name", "And the VAT number too"]),
    ("王小明", "zh-CN", "/结账", &["我想跟人工客服说话"]),
    (
        "Lin Wei",
        "en",
        "Checkout, step 2",
        &["Hi! I ordered the walnut desk, order 20318. When will it arrive?"],
    ),
];

async fn arrive(address: &str, who: (&str, &str, &str, &[&str])) -> V1 {
    let (name, locale, page, texts) = who;
    let hello = json!({ "type": "hello", "name": name, "locale": locale, "page": page });
    let mut customer = V1::connect(address, hello).await;
    for (number, text) in texts.iter().enumerate() {
        customer.say(&number.to_string(), text).await;
        customer.next_of("ack").await;
    }
    customer
}

async fn open(desktop: &Desktop, name: &str) {
    let row = format!(
        "[...document.querySelectorAll('[data-testid=conversation-row]')].find(r => r.textContent.includes({}))",
        json!(name)
    );
    desktop.until(&row).await;
    desktop.client.execute(&format!("{row}.click()"), vec![]).await.unwrap();
}

async fn look(desktop: &Desktop, theme: &str, language: &str, shown: &str) {
    desktop
        .set(|settings| {
            settings["theme"] = json!(theme);
            settings["console_language"] = json!(language);
        })
        .await;
    desktop.until(&format!("document.documentElement.dataset.theme === {}", json!(theme))).await;
    desktop.until(&format!("document.body.innerText.includes({})", json!(shown))).await;
}

#[tokio::test]
async fn a_busy_desk_shows_in_both_themes_and_languages() {
    let desktop = Desktop::start().await;
    desktop
        .set(|settings| {
            settings["agent_name"] = json!("Mia Lang");
            settings["console_language"] = json!("en");
            settings["theme"] = json!("light");
        })
        .await;
    desktop.id("empty-desk").await;
    desktop.picture("empty").await;
    let address = desktop.address().await;
    let mut customers = Vec::new();
    for who in CUSTOMERS {
        customers.push(arrive(&address, who).await);
    }
    customers[8].send(json!({ "type": "request_human" })).await;
    open(&desktop, "Amara Okafor").await;
    desktop.until_message("customer", "VAT number").await;
    desktop.picture("conversations").await;

    let hold = |settings: &mut Value| settings["hold"] = json!({ "kind": "seconds", "seconds": 600 });
    desktop.set(hold).await;
    customers[9].say("later", "Does the express option ship on Saturday?").await;
    customers[9].next_of("ack").await;
    open(&desktop, "Lin Wei").await;
    desktop.id("held-card").await;
    desktop.until_message("customer", "Saturday").await;
    desktop.picture("held").await;
    look(&desktop, "dark", "en", "Conversations").await;
    desktop.picture("dark").await;
    look(&desktop, "light", "zh-CN", "待我处理").await;
    desktop.picture("chinese").await;
    desktop.close().await;
}
