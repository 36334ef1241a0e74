//! The desk without a window: `deskbell-server --listen ADDR --data DIR`.
//!
//! When it is ready, one line `listening on IP:PORT` goes to stdout; everything else goes to stderr.

mod assets;

use std::io::Write as _;
use std::process::ExitCode;

use deskbell_protocol::entity::Listening;
use deskbell_server::arguments::{self, Arguments};
use deskbell_server::{Desk, Options, stop_signal};

const PROGRAM: &str = "deskbell-server";

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(sentence) => return fail(&sentence, 2),
    };
    if arguments.help {
        println!("{}", arguments::help(PROGRAM));
        return ExitCode::SUCCESS;
    }
    if arguments.version {
        println!("{PROGRAM} {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &arguments.restore {
        return match deskbell_server::restore(&arguments.data_dir(), file) {
            Ok(sentence) => {
                println!("{sentence}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error.to_string(), 1),
        };
    }
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => fail(&format!("The runtime cannot be started: {error}."), 1),
    }
}

async fn run(arguments: Arguments) -> ExitCode {
    let options =
        Options { data_dir: arguments.data_dir(), listen: arguments.listen, console: assets::console };
    let desk = match Desk::open(options).await {
        Ok(desk) => desk,
        Err(error) => return fail(&error.to_string(), 1),
    };
    // Until here nobody is connected, and a signal may end the process, however long opening takes.
    let stop = match stop_signal() {
        Ok(stop) => stop,
        Err(error) => {
            desk.close().await;
            return fail(&format!("Signals cannot be heard: {error}."), 1);
        }
    };
    match desk.listen().await {
        Listening::Listening { address, .. } => {
            println!("listening on {address}");
            let _nobody_reads = std::io::stdout().flush();
            if let Some(link) = desk.console_link() {
                eprintln!("console: {link}");
            }
        }
        Listening::Failed { message, .. } => {
            desk.close().await;
            return fail(&message, 1);
        }
        Listening::Stopped {} => {}
    }
    stop.await;
    tracing::info!("stopping");
    desk.close().await;
    ExitCode::SUCCESS
}

fn fail(sentence: &str, code: u8) -> ExitCode {
    eprintln!("{PROGRAM}: {sentence}");
    ExitCode::from(code)
}
