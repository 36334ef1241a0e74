//! The windows: the console's, and those that play a customer.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(target_os = "linux")]
use std::time::Duration;

use deskbell_protocol::settings::Language;
use tauri::utils::config::Color;
use tauri::webview::{DownloadEvent, NewWindowResponse};
use tauri::{AppHandle, Manager, State, Theme, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use tauri_plugin_window_state::StateFlags;

use crate::shell::Shell;
use crate::texts;

/// The console's window: the only one that may call the desk.
pub(crate) const MAIN: &str = "main";

/// What is remembered of the console's window. Not its visibility: a start always shows it.
pub(crate) const REMEMBERED: StateFlags =
    StateFlags::SIZE.union(StateFlags::POSITION).union(StateFlags::MAXIMIZED).union(StateFlags::FULLSCREEN);

/// Between two loads of a page that crashes.
#[cfg(target_os = "linux")]
const PAUSE: Duration = Duration::from_secs(5);

/// The page's background, so that the window does not flash while the page loads.
const LIGHT: Color = Color(0xf6, 0xf6, 0xf4, 0xff);
const DARK: Color = Color(0x13, 0x13, 0x12, 0xff);

/// The state that all parts share.
pub(crate) fn shell(app: &AppHandle) -> State<'_, Shell> {
    app.state::<Shell>()
}

/// Opens the console's window.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<WebviewWindow> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Deskbell")
        .inner_size(1280.0, 800.0)
        .min_inner_size(720.0, 520.0)
        .data_directory(shell(app).data_dir.join("webview"))
        .on_navigation(|to| is_own_page(to) || is_own_file(to))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|webview, event| {
            if let DownloadEvent::Requested { destination, .. } = event {
                into_downloads(webview.app_handle(), destination);
            }
            true
        })
        .build()?;
    #[cfg(target_os = "linux")]
    {
        if !has_graphics_hardware() {
            paint_in_software(&window)?;
        }
        load_again_after_a_crash(&window)?;
    }
    let background = if window.theme()? == Theme::Dark { DARK } else { LIGHT };
    window.set_background_color(Some(background))?;
    Ok(window)
}

/// Whether there is a device that could draw for the page.
#[cfg(target_os = "linux")]
fn has_graphics_hardware() -> bool {
    let devices = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    devices.filter_map(|device| device.file_name().into_string().ok()).any(|name| name.starts_with("renderD"))
}

/// Without graphics hardware (remote desktops, virtual machines) WebKit would imitate it: under load single frames then
/// took up to 2 s (bench/window.rs), where plain painting stays near 100 ms.
#[cfg(target_os = "linux")]
fn paint_in_software(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};
    window.with_webview(|webview| {
        if let Some(settings) = webview.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })
}

/// The page runs in a process of its own, which may crash or be killed for its memory; the window would stay blank. The
/// desk has lost nothing, so the page is loaded again: at once, and after a pause when it crashed a moment ago.
#[cfg(target_os = "linux")]
fn load_again_after_a_crash(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{WebViewExt as _, glib};
    window.with_webview(|webview| {
        let last = std::cell::Cell::new(None::<std::time::Instant>);
        webview.inner().connect_web_process_terminated(move |page, reason| {
            tracing::error!(?reason, "the page's process ended; it is loaded again");
            let lately = last.replace(Some(std::time::Instant::now())).is_some_and(|at| at.elapsed() < PAUSE);
            let page = page.clone();
            glib::timeout_add_local_once(if lately { PAUSE } else { Duration::ZERO }, move || page.reload());
        });
    })
}

/// Brings the console's window before the agent.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!("The window cannot be shown: {error}");
    }
}

/// Opens a window on the desk's own customer page. No capability names it, so it can call nothing.
pub(crate) fn open_test_customer(
    app: &AppHandle,
    url: &str,
    language: Language,
) -> Result<(), Box<dyn std::error::Error>> {
    static OPENED: AtomicU32 = AtomicU32::new(1);
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    let page = Url::parse(url)?;
    let origin = page.origin();
    WebviewWindowBuilder::new(app, format!("test-customer-{number}"), WebviewUrl::External(page))
        .title(texts::test_customer(language, number))
        .inner_size(420.0, 640.0)
        // Each is a customer of its own, who leaves no trace.
        .incognito(true)
        .on_navigation(move |to| to.origin() == origin)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    Ok(())
}

/// Where there is no folder of downloads, a file goes into the person's home, not to wherever the app was started.
fn into_downloads(app: &AppHandle, destination: &mut PathBuf) {
    if app.path().download_dir().is_err()
        && let Ok(home) = app.path().home_dir()
        && let Some(name) = destination.file_name()
    {
        *destination = home.join(name);
    }
}

/// Whether an address is a file that the console's own page made, to be saved.
fn is_own_file(url: &Url) -> bool {
    url.scheme() == "blob" && Url::parse(url.path()).is_ok_and(|made_by| is_own_page(&made_by))
}

/// Whether an address is the console's own page, on any platform.
fn is_own_page(url: &Url) -> bool {
    url.scheme() == "tauri"
        || (matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever page another window shows, it can call nothing: Tauri asks a capability that names it.
    #[test]
    fn only_the_consoles_window_may_call_the_desk() {
        let config: serde_json::Value = serde_json::from_str(include_str!("../tauri.conf.json")).unwrap();
        let security = &config["app"]["security"];
        let capabilities = security["capabilities"].as_array().unwrap();
        assert_eq!(capabilities.len(), 1);
        assert_eq!(capabilities[0]["windows"], serde_json::json!([MAIN]));
        assert!(capabilities[0].get("remote").is_none());
        let permissions = capabilities[0]["permissions"].as_array().unwrap();
        assert!(
            permissions.iter().all(|name| !name.as_str().unwrap().contains(':')),
            "nothing of Tauri's own"
        );
    }

    #[test]
    fn only_files_of_the_consoles_own_page_are_saved() {
        let is_own = |url: &str| is_own_file(&Url::parse(url).unwrap());
        assert!(is_own("blob:tauri://localhost/0d7f"));
        assert!(is_own("blob:http://tauri.localhost/0d7f"));
        assert!(!is_own("blob:https://shop.example/0d7f"));
        assert!(!is_own("blob:null/0d7f"));
        assert!(!is_own("tauri://localhost/"));
    }

    #[test]
    fn the_console_leads_nowhere_else() {
        let is_own = |url: &str| is_own_page(&Url::parse(url).unwrap());
        assert!(is_own("tauri://localhost/"));
        assert!(is_own("http://tauri.localhost/index.html"));
        assert!(!is_own("https://tauri.localhost.example/"));
        assert!(!is_own("http://127.0.0.1:8080/"));
        assert!(!is_own("data:text/html,hello"));
        assert!(!is_own("file:///etc/passwd"));
    }
}
