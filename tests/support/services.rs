//! What a Linux desktop has and a bare session bus has not: notifications, a host of tray icons, the time without input.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Structure, Value};

use crate::bus::connection;
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
    mute: Arc<AtomicBool>,
}

struct Service {
    ids: AtomicU32,
    show: mpsc::Sender<Notice>,
    close: mpsc::Sender<u32>,
    mute: Arc<AtomicBool>,
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
        if self.mute.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
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
        let mute = Arc::new(AtomicBool::new(false));
        let bus = connection(bus).await;
        let service = Service { ids: AtomicU32::new(1), show, close, mute: Arc::clone(&mute) };
        bus.object_server().at(PATH, service).await.unwrap();
        bus.request_name("org.freedesktop.Notifications").await.unwrap();
        Self { bus, shown, closed, mute }
    }

    /// From now on it takes notifications and never says that it has.
    pub fn fall_silent(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }

    /// It leaves the bus.
    pub async fn end(self) {
        self.bus.close().await.unwrap();
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

/// A host of tray icons: what it shows of the one icon that there is, and what a person does with it.
pub struct TrayHost {
    bus: zbus::Connection,
    icon: watch::Receiver<Option<Icon>>,
}

/// Who has an icon, and where.
#[derive(Debug, Clone)]
struct Icon {
    owner: String,
    path: String,
}

struct Watcher {
    icon: watch::Sender<Option<Icon>>,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        let owner = header.sender().unwrap().to_string();
        // Those of Ayatana say where their object is; others say a name and have it at the usual place.
        let path = if service.starts_with('/') { service } else { "/StatusNotifierItem".to_owned() };
        self.icon.send_replace(Some(Icon { owner, path }));
    }

    #[zbus(property)]
    async fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

impl TrayHost {
    pub async fn start(bus: &str) -> Self {
        let (told, icon) = watch::channel(None);
        let bus = connection(bus).await;
        bus.object_server().at("/StatusNotifierWatcher", Watcher { icon: told }).await.unwrap();
        bus.request_name("org.kde.StatusNotifierWatcher").await.unwrap();
        Self { bus, icon }
    }

    /// What the icon's menu says, line by line, with the numbers of the lines.
    pub async fn menu(&mut self) -> Vec<(i32, String)> {
        let menu = self.menu_of_icon().await;
        let none: Vec<&str> = Vec::new();
        let (_revision, (_root, _properties, lines)): (u32, Item) =
            menu.call("GetLayout", &(0i32, -1i32, none)).await.unwrap();
        lines.iter().filter_map(line).collect()
    }

    /// Waits until the menu has this line; its number.
    pub async fn line(&mut self, text: &str) -> i32 {
        // Menus tell of changes in several ways; looking again is one.
        let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
        let found = async {
            loop {
                look.tick().await;
                if let Some((id, _)) = self.menu().await.into_iter().find(|(_, line)| line == text) {
                    return id;
                }
            }
        };
        within(text, found).await
    }

    /// The person chooses this line of the menu.
    pub async fn choose(&mut self, text: &str) {
        let id = self.line(text).await;
        let menu = self.menu_of_icon().await;
        let _done: () = menu.call("Event", &(id, "clicked", Value::from(0i32), 0u32)).await.unwrap();
    }

    async fn menu_of_icon(&mut self) -> zbus::Proxy<'static> {
        let found = within("a tray icon", self.icon.wait_for(Option::is_some)).await.unwrap().clone();
        let Icon { owner, path } = found.unwrap();
        let icon =
            zbus::Proxy::new(&self.bus, owner.clone(), path, "org.kde.StatusNotifierItem").await.unwrap();
        let menu: OwnedObjectPath = icon.get_property("Menu").await.unwrap();
        zbus::Proxy::new(&self.bus, owner, menu, "com.canonical.dbusmenu").await.unwrap()
    }
}

/// An item of a menu (`com.canonical.dbusmenu`): its number, its properties, the items in it.
type Item = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// A line of a menu, if it says something.
fn line(line: &OwnedValue) -> Option<(i32, String)> {
    let line = line.downcast_ref::<Structure<'_>>().unwrap();
    let [Value::I32(id), Value::Dict(properties), ..] = line.fields() else { panic!("{line:?}") };
    let text: Option<String> = properties.get(&"label").unwrap();
    // An underscore stands before the letter that a keyboard chooses it by.
    Some((*id, text?.replace('_', "")))
}

/// GNOME's measure of the time without input, as a test sets it.
pub struct IdleMonitor {
    _bus: zbus::Connection,
    milliseconds: Arc<AtomicU64>,
}

struct Idle {
    milliseconds: Arc<AtomicU64>,
}

#[zbus::interface(name = "org.gnome.Mutter.IdleMonitor")]
impl Idle {
    #[zbus(name = "GetIdletime")]
    async fn idle_time(&self) -> u64 {
        self.milliseconds.load(Ordering::Relaxed)
    }
}

impl IdleMonitor {
    pub async fn start(bus: &str) -> Self {
        let milliseconds = Arc::new(AtomicU64::new(0));
        let bus = connection(bus).await;
        let idle = Idle { milliseconds: Arc::clone(&milliseconds) };
        bus.object_server().at("/org/gnome/Mutter/IdleMonitor/Core", idle).await.unwrap();
        bus.request_name("org.gnome.Mutter.IdleMonitor").await.unwrap();
        Self { _bus: bus, milliseconds }
    }

    /// From now on the last input was this long ago.
    pub fn set(&self, milliseconds: u64) {
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }
}
