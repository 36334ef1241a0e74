//! `cargo xtask audit`: what the desk is made of. Crates by cargo-deny and deny.toml, npm's packages by their lock files.
//!
//! Not a part of `cargo xtask test`: it installs a tool that takes minutes to build, and what it says of known
//! vulnerabilities changes without a change here.

use crate::command::{Done, command, npm, output, run};
use crate::setup;
use crate::steps::Steps;

/// The workspaces of crates, by their manifests.
const WORKSPACES: &[&str] = &["Cargo.toml", "fuzz/Cargo.toml"];
/// What pins everything that is used; each is in the repository.
const LOCKS: &[&str] =
    &["Cargo.lock", "fuzz/Cargo.lock", "package-lock.json", "tests/clients/package-lock.json"];
/// Where known vulnerabilities of crates are kept.
const DATABASE: &str = "https://github.com/rustsec/advisory-db";

/// Licences, bans and sources need no database; what is known of vulnerabilities is asked for where it can be had, and
/// what could not be checked is said at the end.
pub(crate) fn audit() -> Done {
    let mut steps = Steps::default();
    let mut unchecked = Vec::new();
    steps.step("lock files are in the repository", locked);
    steps.step("licences and sources of npm's packages", || {
        let locks = LOCKS.iter().filter(|lock| lock.ends_with(".json"));
        run(command("node").arg("xtask/packages.mjs").args(locks))
    });
    let mut tool = None;
    steps.needed("cargo-deny", || setup::cargo_deny().map(|program| tool = Some(program)));
    let deny = || command(tool.as_deref().unwrap_or_else(|| "cargo-deny".as_ref()));
    steps.step("licences, bans and sources of crates", || {
        WORKSPACES.iter().try_for_each(|workspace| {
            run(deny().args(["--manifest-path", workspace, "check", "licenses", "bans", "sources"]))
        })
    });
    steps.step("known vulnerabilities of crates", || {
        if run(deny().args(["fetch", "db"])).is_err() {
            unchecked.push(format!("crates: {DATABASE} cannot be fetched"));
            return Ok(());
        }
        WORKSPACES
            .iter()
            .try_for_each(|workspace| run(deny().args(["--manifest-path", workspace, "check", "advisories"])))
    });
    steps.step("known vulnerabilities of npm's packages", || {
        if !registry_knows() {
            unchecked.push("npm's packages: the registry does not answer `npm audit`".to_owned());
            return Ok(());
        }
        run(npm().args(["audit", "--omit", "dev"]))
    });
    let done = steps.finish();
    for what in &unchecked {
        println!("\nNOT CHECKED for known vulnerabilities: {what}.");
    }
    done
}

/// Whether npm's registry tells of vulnerabilities; it ends with 1 when there are some, too.
fn registry_knows() -> bool {
    let told = npm().args(["audit", "--json", "--omit", "dev"]).output();
    told.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("\"auditReportVersion\""))
}

/// Whether what pins everything is in the repository.
fn locked() -> Done {
    let missing: Vec<_> = LOCKS
        .iter()
        .filter(|lock| output(command("git").args(["ls-files", "--error-unmatch", lock])).is_none())
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        missing => Err(format!("Not committed: {missing:?}.")),
    }
}
