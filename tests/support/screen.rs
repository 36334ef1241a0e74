//! A screen, a session bus and a WebDriver server of a test's own, so that tests meet neither each other nor the person
//! at the machine.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::bus::Bus;
use crate::{binary, root, within};

/// How the tests' screen is cut: a little larger than the window at its default size.
const SIZE: &str = "1440x960x24";

/// Xvfb, dbus-daemon and tauri-driver. Killed when dropped.
pub struct Screen {
    /// Home of the programs that run here, and where their logs are.
    pub home: TempDir,
    pub driver: String,
    /// Where WebKit's own driver is, which starts ordinary browsers.
    pub browser_driver: String,
    pub display: String,
    pub bus: String,
    variables: Vec<(String, String)>,
    running: Vec<Child>,
    _bus: Bus,
    /// The process group of tauri-driver, WebKitWebDriver and the app.
    driven: Option<u32>,
}

impl Screen {
    /// A screen whose programs have these variables more in their environment.
    pub async fn start(variables: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let (xvfb, display) = first_line(
            Command::new("Xvfb").args(["-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp"]),
            &home.path().join("xvfb.log"),
        )
        .await;
        let bus = Bus::start(home.path()).await;
        let mut screen = Self {
            home,
            driver: String::new(),
            browser_driver: String::new(),
            display: format!(":{display}"),
            bus: bus.address.clone(),
            variables: variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            running: vec![xvfb],
            _bus: bus,
            driven: None,
        };
        screen.start_driver().await;
        screen
    }

    /// A command that runs on this screen.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("GDK_BACKEND", "x11")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", home)
            .env("LC_ALL", "C.UTF-8")
            .env("LANGUAGE", "en")
            .env("NO_AT_BRIDGE", "1")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// The desktop app as a process of its own, without WebDriver.
    pub fn app(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(binary("deskbell"));
        command.args(arguments);
        command
    }

    /// What the programs here have said, for a failing test.
    pub fn logs(&self) -> String {
        let log = |name: &str| std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default();
        format!("--- driver and app\n{}\n--- bus\n{}", log("driver.log"), log("bus.log"))
    }

    async fn start_driver(&mut self) {
        let tools = root().join("target/tools/bin/tauri-driver");
        // The folder of the tests' own binary, where CARGO_TARGET_DIR points elsewhere.
        let beside = binary("deskbell").parent().unwrap().join("../tools/bin/tauri-driver");
        let driver = [beside, tools].into_iter().find(|path| path.exists());
        let driver = driver.expect("tauri-driver is missing: run `cargo xtask test`, which installs it");
        let (port, native_port) = (free_port(), free_port());
        let log = std::fs::File::create(self.home.path().join("driver.log")).unwrap();
        let child = self
            .command(driver)
            .args(["--port", &port.to_string(), "--native-port", &native_port.to_string()])
            .args(["--native-host", "127.0.0.1"])
            .process_group(0)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.driven = child.id();
        self.running.push(child);
        for port in [port, native_port] {
            within("tauri-driver to listen", listens(&format!("127.0.0.1:{port}"))).await;
        }
        self.driver = format!("http://127.0.0.1:{port}");
        self.browser_driver = format!("http://127.0.0.1:{native_port}");
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        if let Some(group) = self.driven {
            // tauri-driver that is killed leaves its children behind. Those that ended by themselves are no error.
            let _gone_already = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{group}")])
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// Starts a program that says on its first line where it is to be found.
pub(crate) async fn first_line(command: &mut Command, log: &Path) -> (Child, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs it"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within("a program's first line", lines.next_line()).await.unwrap();
    (child, line.unwrap_or_else(|| panic!("{command:?} ended: {}", std::fs::read_to_string(log).unwrap())))
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Returns when something listens at this address.
pub async fn listens(address: &str) {
    // Nothing tells when a port opens, so this asks.
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
    while TcpStream::connect(address).await.is_err() {
        tick.tick().await;
    }
}
