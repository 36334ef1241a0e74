//! The console's files for browsers, out of those that Tauri embeds for the window.

use std::borrow::Cow;
use std::sync::OnceLock;

use tauri::AppHandle;

/// The desk asks by a plain function, and the files belong to the app.
static APP: OnceLock<AppHandle> = OnceLock::new();

/// Makes the files findable. Only the first app of a process counts.
pub(crate) fn provide(app: &AppHandle) {
    APP.get_or_init(|| app.clone());
}

/// One file: its MIME type and bytes.
pub(crate) fn file(path: &str) -> Option<(String, Cow<'static, [u8]>)> {
    let assets = APP.get()?.asset_resolver();
    // The resolver itself answers with the first page where there is no such file.
    let exists = assets.iter().any(|(name, _)| name.trim_start_matches('/') == path);
    let asset = exists.then(|| assets.get(path.to_owned()))??;
    Some((asset.mime_type, Cow::Owned(asset.bytes)))
}
