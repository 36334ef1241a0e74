//! `cargo xtask test`: everything, as CI runs it.

use crate::check::{sources, ui};
use crate::command::{Done, cargo, run};
use crate::run::build;
use crate::steps::Steps;
use crate::{console, setup};

/// Installs what tests need and runs everything.
pub(crate) fn test() -> Done {
    let mut steps = Steps::default();
    steps.needed("set-up", setup::tests);
    // First, because the desktop app and the server embed it.
    steps.needed("build the console", console::build);
    steps.needed("build", || build(false));
    sources(&mut steps);
    steps.step("unit tests of the console", || ui("test"));
    steps.step("tests in Rust, those in the real window included", || {
        run(cargo().args(["test", "--workspace", "--no-fail-fast"]))
    });
    steps.finish()
}
