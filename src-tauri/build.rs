//! Prepares what `generate_context!` embeds: the console and the permissions of the app's own commands.

use std::{fs, io, path::Path};

/// The commands of `commands.rs`. One that is missing here would bypass the ACL.
const COMMANDS: &[&str] = &["call", "watch", "watch_next", "open_test_customer"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dist = Path::new("ui/dist");
    stand_in(dist)?;
    watch(dist)?;
    // Windows needs the icon named: it does not lie where tauri-build looks by default.
    let windows = tauri_build::WindowsAttributes::new().window_icon_path("src-tauri/icons/icon.ico");
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    tauri_build::try_build(
        tauri_build::Attributes::new().windows_attributes(windows).app_manifest(manifest),
    )?;
    Ok(())
}

/// A page that says what is missing, so that a build without a built console still compiles.
fn stand_in(dist: &Path) -> io::Result<()> {
    let index = dist.join("index.html");
    if index.exists() {
        return Ok(());
    }
    fs::create_dir_all(dist)?;
    fs::write(
        index,
        "<!doctype html>\n<title>Deskbell</title>\n<p>The console is not built. Run <code>cargo xtask run</code>.\n",
    )
}

/// Builds again when the console has changed.
fn watch(folder: &Path) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            watch(&path)?;
        } else {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    Ok(())
}
