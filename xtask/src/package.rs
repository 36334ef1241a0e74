//! `cargo xtask package`: installers.

use crate::command::{Done, npm, run, target};
use crate::run::build;
use crate::{console, setup};

/// Builds the installers of this system.
pub(crate) fn package(appimage: bool) -> Done {
    setup::app()?;
    console::build()?;
    build(true)?;
    bundle(if cfg!(target_os = "linux") {
        "deb"
    } else if cfg!(target_os = "macos") {
        "app,dmg"
    } else {
        "nsis"
    })?;
    println!("\nThe installers lie in {}.", target().join("release/bundle").display());
    if appimage {
        bundle("appimage").map_err(|sentence| {
            format!(
                "{sentence} There is no AppImage: the Tauri CLI downloads its tools from GitHub, and could not. \
                 The other installers are made."
            )
        })
    } else {
        if cfg!(target_os = "linux") {
            println!(
                "No AppImage was made: its tools are downloaded from GitHub, which not every machine may. \
                 Ask for it with cargo xtask package --appimage."
            );
        }
        Ok(())
    }
}

/// Packs what is built already: `tauri build` would choose other features and compile much of it again.
fn bundle(formats: &str) -> Done {
    run(npm().args(["exec", "--no", "--", "tauri", "bundle", "--bundles", formats]))
}
