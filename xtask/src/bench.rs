//! `cargo xtask bench`: measurements of the release build.

use crate::command::{Done, built, command, run};
use crate::run::build;
use crate::{console, setup};

/// Runs the measurements of these names, or all.
pub(crate) fn bench(names: &[&str]) -> Done {
    // The window's measurements need what the tests in the window need.
    setup::tests()?;
    console::build()?;
    build(true)?;
    run(command(built(true, "deskbell-bench")).args(names))
}
