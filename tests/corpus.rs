//! Every input of `fuzz/corpus` through what is fuzzed: what was found once is never found again.
//! `cargo xtask fuzz` looks for new ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_tests::fuzz::{Conversations, Frames, Handshakes, Requests, Resumes, replay};

#[test]
fn frames() {
    assert!(replay::<Frames>() > 0);
}

#[test]
fn handshakes() {
    assert!(replay::<Handshakes>() > 0);
}

#[test]
fn conversations() {
    assert!(replay::<Conversations>() > 0);
}

#[test]
fn resumes() {
    assert!(replay::<Resumes>() > 0);
}

#[test]
fn requests() {
    assert!(replay::<Requests>() > 0);
}
