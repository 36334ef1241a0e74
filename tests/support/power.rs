//! A disk whose power can be cut: `tests/power/disk.c`, preloaded into the real server, notes every write and fsync; from
//! the notes this makes the data folder as it would be after a power loss at any moment.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::burst::random;
use crate::root;

/// Smallest part of a write that a disk keeps or loses as a whole.
const SECTOR: usize = 512;

/// The library to preload, built once with the C compiler that SQLite is built with, or why it cannot be.
pub fn library() -> Result<&'static Path, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let folder = TempDir::new().unwrap().keep();
        let library = folder.join("disk.so");
        let compiled = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-o"])
            .arg(&library)
            .arg(root().join("tests/power/disk.c"))
            .arg("-ldl")
            .output();
        match compiled {
            Ok(output) if output.status.success() => Ok(library),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(format!("cc cannot be started: {error}")),
        }
    });
    built.as_deref().map_err(Clone::clone)
}

/// The variables with which a server writes through the disk.
pub fn variables<'a>(
    library: &'a str,
    data: &'a str,
    log: &'a str,
    fault: &'a str,
) -> [(&'a str, &'a str); 4] {
    [("LD_PRELOAD", library), ("DISK_ROOT", data), ("DISK_LOG", log), ("DISK_FAULT", fault)]
}

enum Note {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Default)]
struct Stored {
    durable: Vec<u8>,
    /// Written and not yet synced.
    pending: Vec<Note>,
}

impl Stored {
    fn sync(&mut self) {
        for note in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &note, |_| true);
        }
    }

    /// Of what was not synced, each sector is there or not. So it is after an fsync that failed, too: the kernel takes
    /// what it could not write for written, and no later fsync brings it to the disk.
    fn lose(&mut self) {
        for note in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &note, |_| random(0..2) == 0);
        }
    }

    fn cut(mut self) -> Vec<u8> {
        self.lose();
        self.durable
    }
}

fn apply(bytes: &mut Vec<u8>, note: &Note, mut keeps: impl FnMut(usize) -> bool) {
    match note {
        Note::Truncate(length) => {
            if keeps(0) {
                bytes.resize(usize::try_from(*length).unwrap(), 0);
            }
        }
        Note::Write(offset, data) => {
            let offset = usize::try_from(*offset).unwrap();
            for (number, sector) in data.chunks(SECTOR).enumerate() {
                if keeps(number) {
                    let at = offset + number * SECTOR;
                    bytes.resize(bytes.len().max(at + sector.len()), 0);
                    bytes[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
    }
}

/// The data folder after a power loss when the notes were `at` bytes long.
pub fn cut(log: &[u8], at: u64) -> TempDir {
    let log = &log[..usize::try_from(at).unwrap()];
    let mut files: BTreeMap<String, Stored> = BTreeMap::new();
    let mut rest = log;
    while let Some((note, next)) = read(rest) {
        rest = next;
        let path = note.path.clone();
        match note.kind {
            1 => files.entry(path).or_default().pending.push(Note::Write(note.offset, note.data)),
            2 => files.entry(path).or_default().pending.push(Note::Truncate(note.offset)),
            // What was never written to is a folder: its names are taken to be durable at once.
            3 => {
                if let Some(file) = files.get_mut(&path) {
                    file.sync();
                }
            }
            4 => drop(files.remove(&note.path)),
            5 => {
                let moved = files.remove(&note.path).unwrap_or_default();
                files.insert(String::from_utf8(note.data).unwrap(), moved);
            }
            6 => {
                if let Some(file) = files.get_mut(&path) {
                    file.lose();
                }
            }
            kind => panic!("a note of kind {kind}"),
        }
    }
    let folder = TempDir::new().unwrap();
    for (path, stored) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, stored.cut()).unwrap();
    }
    folder
}

/// How often the notes have each kind: writes, truncations, syncs.
pub fn counts(log: &[u8]) -> HashMap<u32, u64> {
    let mut counts = HashMap::new();
    let mut rest = log;
    while let Some((note, next)) = read(rest) {
        rest = next;
        *counts.entry(note.kind).or_default() += 1;
    }
    counts
}

/// What the notes say about checkpoints.
#[derive(Default)]
pub struct Checkpoints {
    /// From the first page that each wrote into the database to the fsync that made it last, in bytes of the notes.
    pub during: Vec<Range<u64>>,
    /// Pages written into the database.
    pub writes: u64,
    /// How often the WAL began again at its start.
    pub restarts: u64,
}

/// The checkpoints after the notes were `from` bytes long.
pub fn checkpoints(log: &[u8], from: u64) -> Checkpoints {
    let mut found = Checkpoints::default();
    let mut begun = None;
    let mut rest = log;
    while let Some((note, next)) = read(rest) {
        let at = (log.len() - rest.len()) as u64;
        rest = next;
        match (note.kind, note.path.ends_with("deskbell.db"), note.path.ends_with("deskbell.db-wal")) {
            _ if at < from => {}
            (1, true, _) => {
                found.writes += 1;
                begun.get_or_insert(at);
            }
            (1, _, true) if note.offset == 0 => found.restarts += 1,
            (3, true, _) => found.during.extend(begun.take().map(|begun| begun..at)),
            _ => {}
        }
    }
    found.during.retain(|during| !during.is_empty());
    found
}

struct Noted {
    kind: u32,
    path: String,
    offset: u64,
    data: Vec<u8>,
}

fn read(log: &[u8]) -> Option<(Noted, &[u8])> {
    let number = |at: usize| u64::from_le_bytes(log[at..at + 8].try_into().unwrap());
    if log.len() < 24 {
        return None;
    }
    let kind = u32::from_le_bytes(log[..4].try_into().unwrap());
    let name = usize::try_from(u32::from_le_bytes(log[4..8].try_into().unwrap())).unwrap();
    let (offset, length) = (number(8), usize::try_from(number(16)).unwrap());
    let end = 24 + name + length;
    if log.len() < end {
        return None;
    }
    let path = String::from_utf8(log[24..24 + name].to_vec()).unwrap();
    Some((Noted { kind, path, offset, data: log[24 + name..end].to_vec() }, &log[end..]))
}
