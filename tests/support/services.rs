//! What a Linux desktop has and a bare session bus has not: a notification service and a host of tray icons.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;

use crate::within;

/// One call of `org.freedesktop.Notifications.Notify`.
#[derive(Debug)]
pub struct Notice {
    pub id: u32,
    pub title: String,
    pub body: String,
    /// The hint `sound-name`.
    pub sound: Option<String>,
}

/// A notification service that shows what it is given to the test.
pub struct Notifications {
    bus: zbus::Connection,
    shown: mpsc::Receiver<Notice>,
    closed: mpsc::Receiver<u32>,
}

struct Service {
    ids: AtomicU32,
    show: mpsc::Sender<Notice>,
    close: mpsc::Sender<u32>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments)]
    async fn notify(
        &self,
        _app: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let id = if replaces == 0 { self.ids.fetch_add(1, Ordering::Relaxed) } else { replaces };
        let sound = hints.get("sound-name").and_then(|name| String::try_from(name.clone()).ok());
        self.show.send(Notice { id, title: summary, body, sound }).await.unwrap();
        id
    }

    async fn close_notification(&self, id: u32) {
        self.close.send(id).await.unwrap();
    }

    async fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".to_owned(), "body".to_owned(), "sound".to_owned()]
    }

    async fn get_server_information(&self) -> (String, String, String, String) {
        ("test".to_owned(), "deskbell".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;
}

const PATH: &str = "/org/freedesktop/Notifications";

impl Notifications {
    pub async fn start(bus: &str) -> Self {
        let (show, shown) = mpsc::channel(64);
        let (close, closed) = mpsc::channel(64);
        let bus = connection(bus).await;
        bus.object_server().at(PATH, Service { ids: AtomicU32::new(1), show, close }).await.unwrap();
        bus.request_name("org.freedesktop.Notifications").await.unwrap();
        Self { bus, shown, closed }
    }

    /// The next notification.
    pub async fn next(&mut self) -> Notice {
        within("a notification", self.shown.recv()).await.unwrap()
    }

    /// The next notification that is taken away.
    pub async fn next_closed(&mut self) -> u32 {
        within("a notification to be taken away", self.closed.recv()).await.unwrap()
    }

    /// Those that are there by now.
    pub fn already_shown(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.shown.try_recv().ok()).collect()
    }

    /// The person clicks on it.
    pub async fn click(&self, id: u32) {
        let service = self.bus.object_server().interface::<_, Service>(PATH).await.unwrap();
        Service::action_invoked(service.signal_emitter(), id, "default").await.unwrap();
    }
}

/// A host of tray icons, as far as apps ask for one.
pub struct TrayHost {
    _bus: zbus::Connection,
}

struct Watcher;

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(&self, _service: String) {}

    #[zbus(property)]
    async fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

impl TrayHost {
    pub async fn start(bus: &str) -> Self {
        let bus = connection(bus).await;
        bus.object_server().at("/StatusNotifierWatcher", Watcher).await.unwrap();
        bus.request_name("org.kde.StatusNotifierWatcher").await.unwrap();
        Self { _bus: bus }
    }
}

async fn connection(address: &str) -> zbus::Connection {
    let building = zbus::connection::Builder::address(address).unwrap().build();
    within("the session bus", building).await.unwrap()
}
