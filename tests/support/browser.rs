//! An ordinary browser, as customers and agents at a second seat have one: WebKit's own, under Xvfb.

use std::path::PathBuf;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::screen::Screen;
use crate::within;

/// A browser on a screen of its own.
pub struct Browser {
    pub client: Client,
    _screen: Screen,
}

impl Browser {
    /// Starts it on this page.
    pub async fn open(url: &str) -> Self {
        let screen = Screen::start(&[]).await;
        let options = json!({ "binary": program(), "args": ["--automation"] });
        let capabilities = json!({ "browserName": "MiniBrowser", "webkitgtk:browserOptions": options });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = within("the browser", builder.connect(&screen.browser_driver)).await.unwrap();
        within("the page", client.goto(url)).await.unwrap();
        Self { client, _screen: screen }
    }

    pub async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

/// Waits until this JavaScript expression is true on a browser's page.
pub async fn until(client: &Client, expression: &str) {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(40));
    let script = format!("return Boolean({expression})");
    within(expression, async {
        while !client.execute(&script, vec![]).await.is_ok_and(|value| value == true) {
            look.tick().await;
        }
    })
    .await;
}

/// It comes with the library that the window is made with.
fn program() -> PathBuf {
    std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("webkit2gtk-4.1/MiniBrowser"))
        .find(|path| path.exists())
        .expect("MiniBrowser of libwebkit2gtk-4.1-0 is missing")
}
