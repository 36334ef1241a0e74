//! `cargo xtask check` and `generate`: what is quick to say about the sources.

use crate::command::{Done, built, cargo, npm, run};
use crate::run::build;
use crate::steps::Steps;
use crate::{console, setup};

/// Everything that does not need the app to run.
pub(crate) fn check() -> Done {
    let mut steps = Steps::default();
    steps.needed("set-up", setup::app);
    steps.needed("build the console", console::build);
    steps.needed("build", || build(false));
    sources(&mut steps);
    steps.finish()
}

/// The steps that `check` and `test` share. They want the workspace built.
pub(crate) fn sources(steps: &mut Steps) {
    steps.step("generated files", || {
        // The binary itself: `cargo run --package` would choose other features and compile much of it again.
        run(crate::command::command(built(false, "generate")).arg("--check"))
            .map_err(|sentence| format!("{sentence} Run cargo xtask generate and commit what it changes."))
    });
    steps.step("lock file of what is fuzzed", || {
        // A workspace of its own, which changes whenever the crates of this one depend on something else.
        let mut metadata = cargo();
        metadata.args([
            "metadata",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--format-version",
            "1",
            "--locked",
        ]);
        run(metadata.stdout(std::process::Stdio::null())).map_err(|sentence| {
            format!(
                "{sentence} Run cargo metadata --manifest-path fuzz/Cargo.toml and commit fuzz/Cargo.lock."
            )
        })
    });
    steps.step("format of Rust", || {
        run(cargo().args(["fmt", "--all", "--check"]))
            .map_err(|sentence| format!("{sentence} Run cargo fmt."))
    });
    steps.step("clippy", || {
        run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
    });
    steps.step("types of the console", || ui("check"));
    steps.step("eslint", || ui("lint"));
    steps.step("format of the console", || {
        ui("format:check").map_err(|sentence| format!("{sentence} Run npm run format --workspace ui."))
    });
}

/// A script of the console's package.json.
pub(crate) fn ui(script: &str) -> Done {
    run(npm().args(["run", script, "--workspace", "ui"]))
}

/// Writes what is made from the Rust types.
pub(crate) fn generate() -> Done {
    run(cargo().args(["run", "--quiet", "--package", "deskbell-protocol", "--bin", "generate"]))
}
