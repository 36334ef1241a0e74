//! One instance a data folder, also while the last one is ending.
//!
//! An instance that ends gives its name back first (`quit.rs`). One that was killed may still have it when it does not
//! answer any more; then the start that ran into it begins anew.

use std::time::Duration;

use tauri::AppHandle;

use crate::again;

/// What the plugin is called in its errors.
const PLUGIN: &str = "single-instance";
/// How often a start may run into an instance that ends, and the pause before it begins anew.
const TRIES: (u32, Duration) = (25, Duration::from_millis(200));
/// Tells the next start how often it was tried.
const TRIED: &str = "DESKBELL_STARTED_AGAIN";

/// From here on a start opens a window of its own instead of asking this instance for one.
pub(crate) fn give_back(app: &AppHandle) {
    tauri_plugin_single_instance::destroy(app);
}

/// Begins anew when this start failed because an instance that was ending did not answer. Returns when it failed for
/// another reason, or too often.
pub(crate) fn try_again(error: &tauri::Error) {
    if !matches!(error, tauri::Error::PluginInitialization(plugin, _) if plugin == PLUGIN) {
        return;
    }
    let tried = std::env::var(TRIED).ok().and_then(|tried| tried.parse::<u32>().ok()).unwrap_or(0);
    if tried < TRIES.0 {
        std::thread::sleep(TRIES.1);
        let error = again::start(|program| program.env(TRIED, tried.saturating_add(1).to_string()));
        eprintln!("Deskbell cannot be started again: {error}.");
    }
}
