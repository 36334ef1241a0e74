//! The browser console's files: embedded in a release build, read from `ui/dist` in a debug build.

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Console;

/// One file: its MIME type and bytes.
pub(crate) fn console(path: &str) -> Option<(String, Cow<'static, [u8]>)> {
    Console::get(path).map(|file| (file.metadata.mimetype().to_owned(), file.data))
}
