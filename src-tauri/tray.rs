//! The tray icon: open, quit, and how many conversations wait.

use std::panic::{AssertUnwindSafe, catch_unwind};

use deskbell_protocol::settings::Language;
use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry};

use crate::{quit, texts, window};

/// The tray icon and its changing parts. Managed by Tauri where there is one.
struct Tray {
    icon: TrayIcon,
    waiting: MenuItem<Wry>,
    open: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Makes the tray icon. Where there can be none, the window's close button quits.
pub(crate) fn create(app: &AppHandle) {
    // On Linux the library behind it is loaded at run time, and its binding panics when it is not installed.
    let created = catch_unwind(AssertUnwindSafe(|| build(app)));
    match created {
        Ok(Ok(tray)) => {
            app.manage(tray);
        }
        Ok(Err(error)) => tracing::warn!("There is no tray icon: {error}"),
        Err(_) => {
            tracing::warn!("There is no tray icon: its library (libayatana-appindicator3) is not installed.")
        }
    }
}

fn build(app: &AppHandle) -> tauri::Result<Tray> {
    // Before there is a desk nobody knows its settings.
    let language = deskbell_server::system_language();
    let waiting = MenuItem::with_id(app, "waiting", texts::waiting(language, 0), false, None::<&str>)?;
    let open = MenuItem::with_id(app, "open", texts::open(language), true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", texts::quit(language), true, None::<&str>)?;
    let menu = Menu::with_items(app, &[&waiting, &open, &PredefinedMenuItem::separator(app)?, &quit])?;
    let mut builder = TrayIconBuilder::with_id("desk")
        .menu(&menu)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => window::show(app),
            "quit" => quit::quit(app),
            _ => {}
        })
        .on_tray_icon_event(|tray, event| {
            let (button, button_state) = match event {
                TrayIconEvent::Click { button, button_state, .. } => (button, button_state),
                _ => return,
            };
            if button == MouseButton::Left && button_state == MouseButtonState::Up {
                window::show(tray.app_handle());
            }
        });
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    Ok(Tray { icon: builder.build(app)?, waiting, open, quit })
}

/// Shows how many conversations wait, in this language.
pub(crate) fn update(app: &AppHandle, language: Language, count: u32) {
    let Some(tray) = app.try_state::<Tray>() else { return };
    let text = texts::waiting(language, count);
    let title = (count > 0).then(|| count.to_string());
    let updated = tray
        .waiting
        .set_text(&text)
        .and_then(|()| tray.open.set_text(texts::open(language)))
        .and_then(|()| tray.quit.set_text(texts::quit(language)))
        .and_then(|()| tray.icon.set_title(title))
        .and_then(|()| tray.icon.set_tooltip(Some(format!("Deskbell · {text}"))));
    if let Err(error) = updated {
        tracing::warn!("The tray icon cannot be changed: {error}");
    }
}

/// Whether there is a tray icon and something that shows it, so that a hidden window can be brought back.
pub(crate) async fn is_reachable(app: &AppHandle) -> bool {
    app.try_state::<Tray>().is_some() && is_shown().await
}

/// On Linux desktops without a host for tray icons are common, and the icon is made all the same.
#[cfg(target_os = "linux")]
async fn is_shown() -> bool {
    let asked = tokio::time::timeout(std::time::Duration::from_secs(2), async {
        let bus = zbus::Connection::session().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        let watcher = zbus::names::BusName::try_from("org.kde.StatusNotifierWatcher")?;
        Ok::<bool, zbus::Error>(names.name_has_owner(watcher).await?)
    });
    matches!(asked.await, Ok(Ok(true)))
}

#[cfg(not(target_os = "linux"))]
async fn is_shown() -> bool {
    true
}
