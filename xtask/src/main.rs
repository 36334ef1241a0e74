//! What people and CI do with this repository. `cargo xtask help` lists it.

mod audit;
mod bench;
mod check;
mod command;
mod console;
mod fuzz;
mod package;
mod reliability;
mod run;
mod setup;
mod steps;
mod system;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask run [--release] [-- ARGUMENTS]   install what is missing, build and start the desk
                                             (without a display: deskbell-server)
cargo xtask test                             install what tests need and run everything
cargo xtask check                            the quick part: generated files, formats, lints, types
cargo xtask generate                         write the files that are made from the Rust types
cargo xtask bench [NAME...]                  measure: answers, throughput, idle, attacks (writes docs/attacks.md), window
cargo xtask reliability                      inject every fault and write docs/reliability.md from the counts
cargo xtask soak                             kill and cut the power 1,000 times (DESKBELL_SOAK_CYCLES)
cargo xtask fuzz [--seconds N] [--keep] [NAME...]
                                             look for inputs that break something, 60 s each: frames, handshake,
                                             resume, conversation, requests
cargo xtask audit                            licences, sources, bans and known vulnerabilities of all dependencies
cargo xtask package [--appimage]             build the installers (.deb on Debian and Ubuntu)

Arguments after -- go to the desk: --listen ADDRESS, --data FOLDER.
CARGO_TARGET_DIR is respected.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (own, rest) = match arguments.iter().position(|a| a == "--") {
        Some(at) => (arguments.get(..at).unwrap_or_default(), arguments.get(at + 1..).unwrap_or_default()),
        None => (arguments.as_slice(), [].as_slice()),
    };
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let done = match own.as_slice() {
        ["run"] => run::run(false, rest),
        ["run", "--release"] => run::run(true, rest),
        ["test"] => test::test(),
        ["check"] => check::check(),
        ["generate"] => check::generate(),
        ["bench", names @ ..] => bench::bench(names),
        ["reliability"] => reliability::reliability(),
        ["soak"] => reliability::soak(),
        ["fuzz", arguments @ ..] => fuzz::fuzz(arguments),
        ["audit"] => audit::audit(),
        ["package"] => package::package(false),
        ["package", "--appimage"] => package::package(true),
        ["help" | "--help" | "-h"] | [] => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("“{}” is not something that xtask does.\n\n{HELP}", other.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}
