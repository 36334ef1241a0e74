//! The rules of the house: who may import what. ARCHITECTURE.md says why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use deskbell_tests::root;
use serde_json::Value;

/// What each crate may depend on, of our own crates and of those that only one place may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("deskbell-protocol", &[]),
    // What a customer's program has: the protocol and a socket, nothing of the desk.
    ("deskbell-client", &["deskbell-protocol", "tokio-tungstenite"]),
    ("deskbell-desk", &["deskbell-protocol"]),
    ("deskbell-store", &["deskbell-protocol", "deskbell-desk", "rusqlite"]),
    (
        "deskbell-server",
        &["deskbell-protocol", "deskbell-desk", "deskbell-store", "tokio-tungstenite", "hyper"],
    ),
    ("deskbell", &["deskbell-protocol", "deskbell-server", "tauri"]),
    (
        "deskbell-tests",
        &[
            "deskbell-protocol",
            "deskbell-client",
            "deskbell-desk",
            "deskbell-store",
            "deskbell-server",
            "tokio-tungstenite",
        ],
    ),
    (
        "deskbell-bench",
        &["deskbell-client", "deskbell-desk", "deskbell-protocol", "deskbell-tests", "tokio-tungstenite"],
    ),
    ("xtask", &[]),
];

/// Crates that only the places above may depend on.
const GUARDED: &[&str] = &["rusqlite", "tokio-tungstenite", "tungstenite", "hyper", "axum", "tauri"];

#[test]
fn crates_depend_in_one_direction() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut broken = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let allowed = ALLOWED.iter().find(|(known, _)| *known == name).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            broken.push(format!("{name} is not in the list of this test"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let guarded = other.starts_with("deskbell") || GUARDED.contains(&other);
            if guarded && !allowed.contains(&other) {
                broken.push(format!("{name} must not depend on {other}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Words that only files below these places may have.
const WORDS: &[(&str, &[&str])] = &[
    ("rusqlite", &["crates/store/"]),
    (
        "tungstenite",
        &["crates/server/src/accept/", "crates/server/src/connection/", "crates/client/src/connection.rs"],
    ),
    ("tauri::", &["src-tauri/"]),
    ("SystemTime::now", &["crates/server/src/clock.rs"]),
    ("unbounded_channel", &[]),
    // The standard library's own is unbounded, too; its `sync_channel` is not.
    ("std::sync::mpsc::channel", &[]),
    ("std::sync::mpsc;", &[]),
];

#[test]
fn only_their_places_name_sql_sockets_the_window_and_the_clock() {
    let mut broken = Vec::new();
    for (path, source) in sources(&["crates", "src-tauri"], "rs") {
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (word, places) in WORDS {
            if code.contains(word) && !places.iter().any(|place| path.starts_with(place)) {
                broken.push(format!("{path} names {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_desk_is_pure() {
    for (path, source) in sources(&["crates/desk/src"], "rs") {
        for word in
            ["std::fs", "std::net", "std::time", "std::thread", "std::env", "tokio", "async fn", "rand"]
        {
            let used =
                source.lines().any(|line| !line.trim_start().starts_with("//") && has_word(line, word));
            assert!(!used, "{path} names {word}");
        }
    }
}

#[test]
fn only_the_tauri_backend_of_the_console_names_tauri_and_nothing_makes_markup_of_text() {
    let mut found = BTreeMap::new();
    for extension in ["ts", "svelte"] {
        for (path, source) in sources(&["ui/src"], extension) {
            for word in ["@tauri-apps/", "innerHTML", "{@html", "insertAdjacentHTML", "document.write"] {
                if source.contains(word) {
                    found.entry(word).or_insert_with(Vec::new).push(path.clone());
                }
            }
        }
    }
    let mut tauri = found.remove("@tauri-apps/").unwrap_or_default();
    tauri.sort();
    assert_eq!(tauri, ["ui/src/lib/backend/tauri.test.ts", "ui/src/lib/backend/tauri.ts"]);
    assert!(found.is_empty(), "{found:#?}");
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let boundary = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        boundary(line[..at].chars().next_back()) && boundary(line[at + word.len()..].chars().next())
    })
}

/// Files below these folders, with their paths from the root.
fn sources(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                if !["node_modules", "target", "gen", "paraglide"].iter().any(|skip| path.ends_with(skip)) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push((relative(&root, &path), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} file below {folders:?}");
    found
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
}

/// Clients are written by the examples: each is a frame as the desk knows it, with no field that it does not.
#[test]
fn the_examples_of_the_protocol_are_frames() {
    use deskbell_protocol::customer::{ClientFrame, ServerFrame};
    let page = std::fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let mut examples: Vec<(char, String)> = Vec::new();
    let mut under_way = false;
    for line in page.lines() {
        let direction = line.chars().next().filter(|c| matches!(c, '→' | '←'));
        match direction {
            Some(direction) => examples.push((direction, line[direction.len_utf8()..].trim().to_owned())),
            None if under_way => examples.last_mut().unwrap().1.push_str(line.trim()),
            None => {}
        }
        under_way = (direction.is_some() || under_way) && !line.ends_with('}');
    }
    assert!(examples.len() > 10, "{examples:?}");
    for (direction, example) in examples {
        let shown: Value = serde_json::from_str(&example).expect(&example);
        let spoken = if direction == '→' {
            serde_json::to_value(serde_json::from_str::<ClientFrame>(&example).expect(&example)).unwrap()
        } else {
            serde_json::to_value(serde_json::from_str::<ServerFrame>(&example).expect(&example)).unwrap()
        };
        for (field, value) in shown.as_object().unwrap() {
            assert_eq!(spoken.get(field), Some(value), "{field} in {example}");
        }
    }
}
