//! GNOME's keyring on a bus of its own, as a desktop session has it: a real Secret Service.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use crate::bus::{Bus, connection, has_owner};

const NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
/// The collection that a login unlocks.
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// A secret as the service gives it: its session, parameters, the secret, what it is.
type Given = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The session of a person, with a keyring. Ends when dropped.
pub struct Keyring {
    home: TempDir,
    pub bus: Bus,
    connection: zbus::Connection,
    daemon: Child,
}

impl Keyring {
    /// After a login: the person's keyring is unlocked.
    pub async fn unlocked() -> Self {
        Self::start(true).await
    }

    /// A daemon that nobody has ever given a password: there is no keyring to put anything into.
    pub async fn empty() -> Self {
        Self::start(false).await
    }

    async fn start(unlock: bool) -> Self {
        let home = TempDir::new().unwrap();
        let bus = Bus::start(home.path()).await;
        let daemon = daemon(home.path(), &bus.address, unlock).await;
        let connection = connection(&bus.address).await;
        has_owner(&connection, NAME).await;
        Self { home, bus, connection, daemon }
    }

    /// The session's keyring daemon dies.
    pub async fn kill(&mut self) {
        self.daemon.kill().await.unwrap();
    }

    /// Locks the person's keyring. Nobody here can unlock it: there is no program that asks for the password.
    pub async fn lock(&self) {
        let collections = vec![ObjectPath::try_from(LOGIN).unwrap()];
        let service = self.service().await;
        let (locked, _prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
            service.call("Lock", &(collections,)).await.unwrap();
        assert_eq!(locked.len(), 1);
    }

    /// The secrets of this desk's, by their names.
    pub async fn secrets(&self) -> HashMap<String, String> {
        let service = self.service().await;
        let (_, session): (OwnedValue, OwnedObjectPath) =
            service.call("OpenSession", &("plain", Value::from(""))).await.unwrap();
        let wanted = HashMap::from([("service", "deskbell")]);
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            service.call("SearchItems", &(wanted,)).await.unwrap();
        assert!(locked.is_empty());
        let given: HashMap<OwnedObjectPath, Given> =
            service.call("GetSecrets", &(&unlocked, &session)).await.unwrap();
        let mut secrets = HashMap::new();
        for (item, (_, _, secret, _)) in given {
            let item =
                zbus::Proxy::new(&self.connection, NAME, &item, "org.freedesktop.Secret.Item").await.unwrap();
            let attributes: HashMap<String, String> = item.get_property("Attributes").await.unwrap();
            secrets.insert(attributes["username"].clone(), String::from_utf8(secret).unwrap());
        }
        secrets
    }

    /// The files in which the keyring keeps its secrets.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let folder = self.home.path().join("data/keyrings");
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect()
    }

    async fn service(&self) -> zbus::Proxy<'_> {
        zbus::Proxy::new(&self.connection, NAME, "/org/freedesktop/secrets", SERVICE).await.unwrap()
    }
}

async fn daemon(home: &Path, bus: &str, unlock: bool) -> Child {
    let mut command = Command::new("gnome-keyring-daemon");
    command
        .args(["--foreground", "--components=secrets"])
        .arg("--control-directory")
        .arg(home.join("control"));
    if unlock {
        command.arg("--unlock");
    }
    let log = std::fs::File::create(home.join("keyring.log")).unwrap();
    command
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home)
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true);
    let mut child = command.spawn().expect("gnome-keyring-daemon is missing: `cargo xtask test` installs it");
    let mut password = child.stdin.take().unwrap();
    if unlock {
        password.write_all(b"the password of this test").await.unwrap();
    }
    child
}
