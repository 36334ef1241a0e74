//! What is fuzzed, and what must hold whatever comes in.
//!
//! The functions are here so that two can use them: `cargo xtask fuzz` runs them under libFuzzer, which looks for inputs
//! that reach new code (`fuzz/`, a workspace of its own), and `tests/corpus.rs` runs every input of `fuzz/corpus`
//! through them in each run of the tests. They reach the desk as everyone does: over its sockets and through
//! [`Desk::call`](deskbell_server::Desk::call).

mod conversation;
mod customer;
mod frames;
mod handshake;
mod requests;
mod resume;
mod world;

pub use conversation::Conversations;
pub use frames::Frames;
pub use handshake::Handshakes;
pub use requests::Requests;
pub use resume::Resumes;

use crate::root;

/// Something that is fed with any bytes and panics when what comes of it is not as it must be.
pub trait Target {
    /// The name of its folder in `fuzz/corpus`.
    const NAME: &'static str;

    /// Ready for inputs, which do not depend on each other.
    fn new() -> Self;

    /// One input.
    fn run(&mut self, input: &[u8]);
}

/// Runs every input of the corpus; how many there were.
pub fn replay<T: Target>() -> u64 {
    let mut target = T::new();
    let folder = root().join("fuzz/corpus").join(T::NAME);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        // Shown only when it fails.
        println!("{}", file.display());
        let before = world::panics();
        target.run(&std::fs::read(file).unwrap());
        assert_eq!(world::panics(), before, "a task of the desk panicked");
    }
    files.len().try_into().unwrap()
}

/// Takes numbers out of an input; zeros when it is used up.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl<'a> Bytes<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self(input.iter())
    }

    fn next(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.next().unwrap_or(0)) % end
    }

    /// Small, large, negative: whatever eight bytes can be, and mostly small.
    fn number(&mut self) -> i64 {
        match self.next().unwrap_or(0) {
            255 => i64::MAX,
            254 => i64::MIN,
            253 => i64::from_be_bytes(std::array::from_fn(|_| self.next().unwrap_or(0))),
            252 => -i64::from(self.next().unwrap_or(0)),
            small => i64::from(small),
        }
    }
}
