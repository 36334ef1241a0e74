//! Session buses of a test's own: one that works, and one that never says a word.

use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use zbus::fdo::DBusProxy;

use crate::screen::first_line;
use crate::within;

/// `dbus-daemon`. Killed when dropped.
pub struct Bus {
    pub address: String,
    _daemon: Child,
}

impl Bus {
    /// Starts a bus whose files lie in this folder.
    pub async fn start(folder: &Path) -> Self {
        let config = folder.join("bus.conf");
        std::fs::write(&config, configuration(folder)).unwrap();
        let (daemon, address) = first_line(
            Command::new("dbus-daemon")
                .args(["--nofork", "--print-address=1", "--config-file"])
                .arg(&config)
                .current_dir(folder),
            &folder.join("bus.log"),
        )
        .await;
        Self { address, _daemon: daemon }
    }
}

/// A session bus that starts no services by itself: what this machine has installed is no business of a test.
fn configuration(folder: &Path) -> String {
    format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
         <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
        folder.join("bus").display()
    )
}

/// Takes connections and never answers, as a bus that hangs does. Gone when dropped.
pub struct SilentBus {
    pub address: String,
    taking: JoinHandle<()>,
}

impl SilentBus {
    pub fn start(folder: &Path) -> Self {
        let path: PathBuf = folder.join("silent");
        let listener = UnixListener::bind(&path).unwrap();
        let taking = tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                taken.push(listener.accept().await.unwrap());
            }
        });
        Self { address: format!("unix:path={}", path.display()), taking }
    }
}

impl Drop for SilentBus {
    fn drop(&mut self) {
        self.taking.abort();
    }
}

/// A connection to a bus.
pub async fn connection(address: &str) -> zbus::Connection {
    let building = zbus::connection::Builder::address(address).unwrap().build();
    within("the session bus", building).await.unwrap()
}

/// Waits until somebody on the bus has this name.
pub async fn has_owner(bus: &zbus::Connection, name: &str) {
    use futures_util::StreamExt as _;
    let names = DBusProxy::new(bus).await.unwrap();
    // Listens before it asks, so that no answer is missed.
    let mut changes = names.receive_name_owner_changed_with_args(&[(0, name)]).await.unwrap();
    let wanted = zbus::names::BusName::try_from(name).unwrap();
    while !names.name_has_owner(wanted.clone()).await.unwrap() {
        within(name, changes.next()).await;
    }
}
