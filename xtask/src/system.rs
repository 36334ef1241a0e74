//! System packages: what is missing is said and, on Debian and Ubuntu, installed.

use std::process::Stdio;

use crate::command::{Done, command, output, run};

/// What the desktop app needs to be built and to run.
pub(crate) const APP: &[&str] = &[
    "build-essential",
    "libayatana-appindicator3-dev",
    "libdbus-1-dev",
    "librsvg2-dev",
    "libwebkit2gtk-4.1-dev",
    "pkg-config",
];

/// What the tests in the real window and the foreign clients need besides.
pub(crate) const TESTS: &[&str] = &[
    "dbus",
    "fonts-noto-cjk",
    "fonts-noto-color-emoji",
    "gnome-keyring",
    "python3-venv",
    "webkit2gtk-driver",
    "xvfb",
];

/// What `cargo xtask fuzz` needs: libFuzzer is C++ and built with it.
pub(crate) const FUZZ: &[&str] = &["build-essential"];

/// Installs those that are missing, or says what to install.
pub(crate) fn install(wanted: &[&str]) -> Done {
    if cfg!(not(target_os = "linux")) {
        println!("{}", elsewhere());
        return Ok(());
    }
    if output(command("dpkg-query").arg("--version")).is_none() {
        println!(
            "This is neither Debian nor Ubuntu. Please install what these Debian packages hold: {}.",
            wanted.join(", ")
        );
        return Ok(());
    }
    let missing = missing(wanted);
    if missing.is_empty() {
        println!("All {} system packages are there.", wanted.len());
        return Ok(());
    }
    println!("Missing system packages: {}. Installing them with apt.", missing.join(", "));
    apt(&["update"]).and_then(|()| {
        let install = ["install", "--yes", "--no-install-recommends"];
        apt(&[install.as_slice(), missing.as_slice()].concat())
    })
}

fn elsewhere() -> &'static str {
    if cfg!(target_os = "macos") {
        "On macOS the Xcode command line tools are needed: xcode-select --install."
    } else {
        "On Windows the Microsoft C++ Build Tools and WebView2 (part of Windows 11) are needed."
    }
}

fn missing<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    // Fails as soon as one is unknown, and yet lists the others: so its exit code says nothing.
    let listed = command("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\n"])
        .args(wanted)
        .stderr(Stdio::null())
        .output();
    let listed = listed.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let is_there = |package: &&str| listed.lines().any(|line| line == format!("{package} installed"));
    wanted.iter().copied().filter(|package| !is_there(package)).collect()
}

fn apt(arguments: &[&str]) -> Done {
    let is_root = output(command("id").arg("-u")).as_deref() == Some("0");
    if is_root {
        return run(command("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    }
    // sudo asks for the password on the terminal.
    let mut sudo = command("sudo");
    sudo.stdin(Stdio::inherit()).args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
    run(&mut sudo)
        .map_err(|sentence| format!("{sentence} Please run as root: apt-get {}", arguments.join(" ")))
}
