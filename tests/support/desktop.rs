//! The real window, driven as a person would: tauri-driver and WebKitWebDriver under Xvfb.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::screen::Screen;
use crate::{DEADLINE, binary, within};

/// One window at a time: two would share the machine's cores and the person's patience.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(40);

/// The app in its window, on a data folder.
pub struct Desktop {
    pub client: Client,
    pub screen: Screen,
    pub data: PathBuf,
    _data: Option<TempDir>,
    _alone: MutexGuard<'static, ()>,
}

impl Desktop {
    /// Starts the app on a new data folder and a free port, and waits until it listens.
    pub async fn start() -> Self {
        let desktop = Self::start_on("127.0.0.1:0").await;
        desktop.address().await;
        desktop
    }

    /// Starts the app on this address, whatever becomes of it.
    pub async fn start_on(listen: &str) -> Self {
        Self::start_in(listen, async |_| {}).await
    }

    /// Starts the app after something else has been started on its screen.
    pub async fn start_in(listen: &str, before: impl AsyncFnOnce(&Screen)) -> Self {
        Self::start_new(listen, &[], before).await
    }

    /// Starts the app with these variables in its environment, after something else has been started on its screen.
    pub async fn start_under(variables: &[(&str, &str)], before: impl AsyncFnOnce(&Screen)) -> Self {
        Self::start_new("127.0.0.1:0", variables, before).await
    }

    async fn start_new(listen: &str, variables: &[(&str, &str)], before: impl AsyncFnOnce(&Screen)) -> Self {
        let data = TempDir::new().unwrap();
        let path = data.path().to_owned();
        Self { _data: Some(data), ..Self::begin(&path, listen, variables, before).await }
    }

    /// Starts the app on a data folder that is there already.
    pub async fn start_with(data: &Path, listen: &str) -> Self {
        Self::begin(data, listen, &[], async |_| {}).await
    }

    async fn begin(
        data: &Path,
        listen: &str,
        variables: &[(&str, &str)],
        before: impl AsyncFnOnce(&Screen),
    ) -> Self {
        let alone = ONE_AT_A_TIME.lock().await;
        let screen = Screen::start(variables).await;
        before(&screen).await;
        let client = open(&screen, data, listen).await;
        Self { client, screen, data: data.to_owned(), _data: None, _alone: alone }
    }

    /// Ends the app without asking it and starts it again on the same data folder.
    pub async fn restart(&mut self, listen: &str) {
        self.client.clone().close().await.unwrap();
        self.client = open(&self.screen, &self.data, listen).await;
    }

    /// Ends the WebDriver session and with it the app.
    pub async fn close(self) {
        self.client.clone().close().await.unwrap();
    }

    /// Where customers connect. Waits until the desk listens.
    pub async fn address(&self) -> String {
        let mut look = tokio::time::interval(LOOK);
        within("the desk to listen", async {
            loop {
                look.tick().await;
                let listening = self.call(json!({ "type": "snapshot" })).await["listening"].take();
                if let Some(address) =
                    listening["address"].as_str().filter(|_| listening["state"] == "listening")
                {
                    return address.to_owned();
                }
            }
        })
        .await
    }

    /// The first element of this selector, as soon as there is one.
    pub async fn see(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(DEADLINE).every(LOOK).for_element(Locator::Css(selector));
        match found.await {
            Ok(element) => element,
            Err(error) => self.fail(&format!("`{selector}` never appeared: {error}")).await,
        }
    }

    /// The element of this test id, as soon as there is one.
    pub async fn id(&self, id: &str) -> Element {
        self.see(&format!("[data-testid={id}]")).await
    }

    /// Clicks on the element of this test id. WebDriver looks it up and clicks in two steps, which no person does: one that
    /// the page replaced in between is looked up again.
    pub async fn click(&self, id: &str) {
        let clicked = async {
            while let Err(error) = self.id(id).await.click().await {
                assert!(error.is_stale_element_reference(), "`{id}` cannot be clicked: {error}");
            }
        };
        within("a click", clicked).await;
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.id(id).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Waits until this JavaScript expression is true.
    pub async fn until(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let mut look = tokio::time::interval(LOOK);
        let holds = async {
            loop {
                look.tick().await;
                if self.client.execute(&script, vec![]).await.is_ok_and(|value| value == Value::Bool(true)) {
                    return;
                }
            }
        };
        if tokio::time::timeout(DEADLINE, holds).await.is_err() {
            self.fail(&format!("`{expression}` never became true")).await;
        }
    }

    /// Waits until the text of the element of this test id fits this regular expression of JavaScript.
    pub async fn until_text(&self, id: &str, pattern: &str) {
        let text = format!("document.querySelector('[data-testid={id}]')?.textContent.trim()");
        self.until(&format!("{pattern}.test({text} ?? '')")).await;
    }

    /// The app's process.
    pub fn process(&self) -> u32 {
        let data = self.data.to_str().unwrap();
        let is_app = |id: &u32| {
            let arguments = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let arguments = String::from_utf8_lossy(&arguments);
            let program = arguments.split('\0').next().unwrap_or_default();
            program.ends_with("/deskbell") && arguments.contains(data)
        };
        processes().find(is_app).expect("the app runs")
    }

    /// The process in which the console's page runs, if there is one.
    pub fn page_process(&self) -> Option<u32> {
        let parent = format!("PPid:\t{}\n", self.process());
        processes().find(|id| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            status.starts_with("Name:\tWebKitWebProces") && status.contains(&parent)
        })
    }

    /// Waits until a bubble of this author has this text.
    pub async fn until_message(&self, author: &str, text: &str) {
        let (author, text) = (json!(author), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll('[data-testid=message]')]\
             .some(m => m.dataset.author === {author} && m.textContent.includes({text}))"
        ))
        .await;
    }

    /// The authors of the messages on the screen, in order.
    pub async fn authors(&self) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll('[data-testid=message]')].map(m => m.dataset.author)";
        serde_json::from_value(self.client.execute(script, vec![]).await.unwrap()).unwrap()
    }

    /// Asks the desk as the console does.
    pub async fn call(&self, request: Value) -> Value {
        let script = "const [request, done] = arguments; \
             window.__TAURI_INTERNALS__.invoke('call', { request }).then(done, (refusal) => done({ refusal }))";
        within("the desk's answer", self.client.execute_async(script, vec![request])).await.unwrap()
    }

    /// Changes settings as the console does.
    pub async fn set(&self, change: impl FnOnce(&mut Value)) {
        let mut settings = self.call(json!({ "type": "snapshot" })).await["settings"].take();
        change(&mut settings);
        let answer = self.call(json!({ "type": "save_settings", "settings": settings })).await;
        assert_eq!(answer["type"], "settings", "{answer}");
        // In another language the page is made anew: what was looked up before is gone.
        if let Some(language) = settings["console_language"].as_str() {
            self.until(&format!("document.documentElement.lang === '{language}'")).await;
        }
    }

    /// Keeps a picture of the window's page where `DESKBELL_PICTURES` points, if it does.
    pub async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("DESKBELL_PICTURES") {
            std::fs::create_dir_all(&folder).unwrap();
            // What is there is not painted yet.
            let painted = "const done = arguments[0]; \
                 document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => done())))";
            within("the page to be painted", self.client.execute_async(painted, vec![])).await.unwrap();
            // Painted in software, a page on which nothing moves is never presented again, and the picture would wait
            // for that: so a point moves, too faint to be seen, until the picture is there.
            let moving = "let on = false; window.moving = setInterval(() => { on = !on; \
                 document.body.style.boxShadow = on ? 'inset 0 0 0 1px rgb(0 0 0 / 0.004)' : 'none'; }, 20)";
            self.client.execute(moving, vec![]).await.unwrap();
            let picture = within("a picture", self.client.screenshot()).await.unwrap();
            self.client.execute("clearInterval(window.moving)", vec![]).await.unwrap();
            std::fs::write(Path::new(&folder).join(format!("{name}.png")), picture).unwrap();
        }
    }

    async fn fail(&self, sentence: &str) -> ! {
        let page = self.client.execute("return document.body?.innerText", vec![]).await;
        panic!(
            "{sentence}\n--- the page shows\n{}",
            page.map(|p| p.as_str().unwrap_or("").to_owned()).unwrap_or_default()
        )
    }
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Starts the app and waits until its page is there.
async fn open(screen: &Screen, data: &Path, listen: &str) -> Client {
    let capabilities = json!({
        "browserName": "wry",
        "tauri:options": {
            "application": binary("deskbell"),
            "args": ["--data", data, "--listen", listen],
        },
    });
    let capabilities = capabilities.as_object().unwrap().clone();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let connecting = builder.capabilities(capabilities).connect(&screen.driver);
    let client = within("the window", connecting).await.unwrap();
    // A script that is under way while the page is replaced is never answered.
    let mut look = tokio::time::interval(LOOK);
    within("the page", async {
        let complete = "return location.protocol === 'tauri:' && document.readyState === 'complete'";
        while !client.execute(complete, vec![]).await.is_ok_and(|value| value == Value::Bool(true)) {
            look.tick().await;
        }
    })
    .await;
    client
}
