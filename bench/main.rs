//! Measurements: `cargo xtask bench [answers | throughput | idle | attacks | window]`. Timings live here and are asserted
//! nowhere, but for what is promised under attack: when that is not kept, this ends with 1.
//!
//! Everything runs on this machine, clients beside the server, so clients cost time too: compare figures of one
//! machine with each other only.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod answers;
mod attacks;
mod idle;
mod memory;
mod page;
mod percentiles;
mod throughput;
#[cfg(target_os = "linux")]
mod window;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut kept = true;
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if runs("answers") {
        answers::run();
    }
    if runs("throughput") {
        throughput::run().await;
    }
    if runs("idle") {
        idle::run().await;
    }
    if runs("attacks") {
        kept &= attacks::run().await;
    }
    #[cfg(target_os = "linux")]
    if runs("window") {
        window::run().await;
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
