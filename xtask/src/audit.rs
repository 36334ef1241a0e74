//! `cargo xtask audit`: what the desk is made of, by cargo-deny and deny.toml.

use crate::command::{Done, command, run};
use crate::setup;

/// Checks licences, bans and sources, which needs no network, and then known vulnerabilities, whose database does.
pub(crate) fn audit() -> Done {
    let deny = setup::cargo_deny()?;
    run(command(&deny).args(["check", "licenses", "bans", "sources"]))?;
    run(command(&deny).args(["check", "advisories"])).map_err(|sentence| {
        format!(
            "{sentence} Either a dependency has a known vulnerability (listed above), or the database of \
             https://github.com/rustsec/advisory-db could not be fetched: then advisories were NOT checked. \
             Licences, bans and sources are in order."
        )
    })
}
