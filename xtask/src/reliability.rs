//! `cargo xtask reliability` and `soak`: faults, and what was counted.

use crate::command::{Done, built, cargo, command, run, target};
use crate::console::{self, read};
use crate::run::build;
use crate::setup;

/// The tests that inject faults and record what they counted.
const TESTS: &[&str] = &[
    "attacks",
    "client",
    "clients",
    "conformance",
    "damage",
    "durability",
    "headless",
    "limits",
    "naughty",
    "naughty_window",
    "upkeep",
];
/// Cycles of a soak, unless `DESKBELL_SOAK_CYCLES` says otherwise.
const CYCLES: &str = "1000";

/// Runs the tests that record and writes docs/reliability.md from that.
pub(crate) fn reliability() -> Done {
    prepare()?;
    forget()?;
    tests(&mut cargo())?;
    run(&mut command(built(false, "reliability")))?;
    println!("docs/reliability.md is written.");
    Ok(())
}

/// Forgets what earlier runs recorded, but for those of `cargo xtask fuzz`: fuzzing takes long and is run by itself.
fn forget() -> Done {
    for entry in std::fs::read_dir(target().join("reliability")).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with("fuzz.") {
            let path = entry.path();
            std::fs::remove_file(&path)
                .map_err(|error| format!("{} cannot be removed: {error}.", path.display()))?;
        }
    }
    Ok(())
}

/// Runs kill -9 and power losses a thousand times instead of 25.
pub(crate) fn soak() -> Done {
    prepare()?;
    let cycles = std::env::var("DESKBELL_SOAK_CYCLES").unwrap_or_else(|_| CYCLES.to_owned());
    run(cargo()
        .args(["test", "--workspace", "--test", "durability", "--", "--nocapture"])
        .env("DESKBELL_SOAK_CYCLES", cycles))?;
    let folder = target().join("reliability");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        println!("{}", String::from_utf8_lossy(&read(&entry.path())?));
    }
    Ok(())
}

fn prepare() -> Done {
    setup::tests()?;
    console::build()?;
    build(false)?;
    run(cargo().args(["build", "--workspace", "--example", "echo"]))
}

fn tests(cargo: &mut std::process::Command) -> Done {
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    for test in TESTS {
        cargo.args(["--test", test]);
    }
    run(cargo)
}
