//! The one way out: the desk is closed in order, whatever asked for the end.

use std::time::Duration;

#[cfg(not(unix))]
use deskbell_server::stop_signal;
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Manager};

use crate::instance;
use crate::window::{self, MAIN};

/// Longest time that closing the desk may take. What was acknowledged is durable in any case.
const CLOSING: Duration = Duration::from_secs(10);

/// Closes the desk, then the app.
pub(crate) fn quit(app: &AppHandle) {
    if !window::shell(app).begin_to_quit() {
        return;
    }
    instance::give_back(app);
    for window in app.webview_windows().into_values() {
        // It is out of the agent's way at once; what follows needs no window.
        let _gone_already = window.hide();
    }
    let app = app.clone();
    spawn(async move {
        let shell = window::shell(&app);
        if let Some(desk) = shell.desk_now()
            && tokio::time::timeout(CLOSING, desk.close()).await.is_err()
        {
            tracing::warn!("The desk did not close within {} s", CLOSING.as_secs());
        }
        app.exit(i32::from(shell.has_failed()));
    });
}

/// What the window's close button does: hide where a tray icon brings it back, otherwise quit.
pub(crate) fn close_window(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        let to_tray = window::shell(&app).desk_now().is_some_and(|desk| desk.settings().close_to_tray);
        match app.get_webview_window(MAIN) {
            Some(main) if to_tray && crate::tray::is_reachable(&app).await && main.hide().is_ok() => {}
            _ => quit(&app),
        }
    });
}

/// Quits when the system or the terminal asks for it, from now on.
pub(crate) fn on_signals(app: &AppHandle) {
    match block_on(async { stop_signal() }) {
        Ok(stop) => {
            let app = app.clone();
            spawn(async move {
                stop.await;
                quit(&app);
            });
        }
        Err(error) => tracing::warn!("Signals cannot be heard: {error}"),
    }
}

/// The app ends with the terminal that it was started in, too.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = deskbell_server::stop_signal()?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            () = stop => {}
            _ = hang_up.recv() => {}
        }
    })
}
