//! `cargo xtask package`: installers.

use crate::command::{Done, npm, run, target};
use crate::run::build;
use crate::{console, setup};

/// Builds the installers of this system.
pub(crate) fn package(appimage: bool) -> Done {
    setup::app()?;
    console::build()?;
    build(true)?;
    let formats = if cfg!(target_os = "linux") {
        if appimage {
            println!("An AppImage is asked for: its tools are downloaded from GitHub by the Tauri CLI.");
            "deb,appimage"
        } else {
            println!(
                "No AppImage: the Tauri CLI downloads its tools from GitHub, which not every machine may. \
                 Ask for one with cargo xtask package --appimage."
            );
            "deb"
        }
    } else if cfg!(target_os = "macos") {
        "app,dmg"
    } else {
        "nsis"
    };
    // What is built already is packed: `tauri build` would choose other features and compile much of it again.
    run(npm().args(["exec", "--no", "--", "tauri", "bundle", "--bundles", formats]))?;
    println!("\nThe installers lie in {}.", target().join("release/bundle").display());
    Ok(())
}
