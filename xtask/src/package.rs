//! `cargo xtask package`: installers.

use crate::command::{Done, built, npm, run, target};
use crate::run::build;
use crate::{console, setup};

/// Builds the installers of this system.
pub(crate) fn package(appimage: bool) -> Done {
    setup::app()?;
    console::build()?;
    build(true)?;
    without_hooks("deskbell")?;
    without_hooks("deskbell-server")?;
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

/// Faults that tests may ask a debug build for have no place in a release.
fn without_hooks(name: &str) -> Done {
    const HOOK: &[u8] = b"DESKBELL_TEST_";
    let program = console::read(&built(true, name))?;
    match program.windows(HOOK.len()).any(|window| window == HOOK) {
        true => Err(format!(
            "{name} can be made to fail by a variable of its environment: a test's hook is in it."
        )),
        false => Ok(()),
    }
}

/// Packs what is built already: `tauri build` would choose other features and compile much of it again.
fn bundle(formats: &str) -> Done {
    run(npm().args(["exec", "--no", "--", "tauri", "bundle", "--bundles", formats]))
}
