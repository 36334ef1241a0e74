//! Many customers at once.

use std::time::Duration;

use serde_json::json;

use crate::customer::V1;

/// How many customers write how much. Within the burst that the limits allow each.
pub const CUSTOMERS: usize = 50;
/// See [`CUSTOMERS`].
pub const MESSAGES_EACH: usize = 400;

/// The text of a customer's message.
pub fn text(customer: usize, number: usize) -> String {
    format!("{customer}/{number} 你好")
}

/// A customer who has written.
#[derive(Debug)]
pub struct Written {
    pub token: String,
    pub acknowledged: usize,
}

/// One customer: each message after the acknowledgement of the one before, and with `every` no sooner than that after
/// it.
async fn chat(address: &str, customer: usize, messages: usize, every: Option<Duration>) -> Written {
    let name = format!("Customer {customer:02}");
    let mut client = V1::connect(address, json!({ "type": "hello", "locale": "en", "name": name })).await;
    let mut written = Written { token: client.token(), acknowledged: 0 };
    let mut pace = every.map(tokio::time::interval);
    for number in 0..messages {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        client.say(&number.to_string(), &text(customer, number)).await;
        client.next_of("ack").await;
        written.acknowledged += 1;
    }
    written
}

/// All customers at once, to the end.
pub async fn all(address: &str, every: Option<Duration>) {
    each(address, MESSAGES_EACH, every).await;
}

/// All customers at once, each with this many messages.
pub async fn each(address: &str, messages: usize, every: Option<Duration>) -> Vec<Written> {
    let chats = (0..CUSTOMERS).map(|customer| chat(address, customer, messages, every));
    futures_util::future::join_all(chats).await
}
