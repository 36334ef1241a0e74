//! The console's npm packages and its build, each skipped while nothing has changed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::command::{Done, command, npm, output, root, run, target};

/// Installs the npm packages exactly as locked.
pub(crate) fn install() -> Done {
    let version = output(command("node").arg("--version"))
        .ok_or("Node is missing: install Node 20.19 or later from https://nodejs.org and run this again.")?;
    if !is_recent(&version) {
        return Err(format!("Node is too old: this is {version}, and 20.19 or later is needed."));
    }
    install_in(&root())
}

/// Installs the npm packages of a folder exactly as its package-lock.json says.
pub(crate) fn install_in(folder: &Path) -> Done {
    let lock = read(&folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.deskbell-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        println!("The npm packages are up to date.");
        return Ok(());
    }
    run(npm().current_dir(folder).args(["ci", "--no-audit", "--no-fund"]))?;
    write(&stamp, &lock)
}

/// Builds the console into ui/dist.
pub(crate) fn build() -> Done {
    let stamp = target().join("xtask/console.stamp");
    let fresh = state()?;
    if fs::read(&stamp).is_ok_and(|built| built == fresh.to_le_bytes()) {
        println!("The console is up to date.");
        return Ok(());
    }
    run(npm().args(["run", "build", "--workspace", "ui"]))?;
    write(&stamp, &state()?.to_le_bytes())
}

/// A digest of what the console is built from and of the page that came of it, so that a page that something else put
/// there does not pass for the built one.
fn state() -> Result<u64, String> {
    let mut files = vec![root().join("package-lock.json"), root().join("ui/dist/index.html")];
    collect(&root().join("ui"), &mut files)?;
    files.sort();
    let mut digest = DefaultHasher::new();
    for file in files {
        file.hash(&mut digest);
        fs::read(&file).unwrap_or_default().hash(&mut digest);
    }
    Ok(digest.finish())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Done {
    let entries = fs::read_dir(folder).map_err(|e| format!("{} cannot be read: {e}.", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let made = ["dist", "node_modules", "paraglide"].iter().any(|name| path.ends_with(name));
        if path.is_dir() && !made {
            collect(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn is_recent(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (major, minor) >= (20, 19)
}

/// Reads a file, or says why not.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))
}

/// Writes a file and the folders above it, or says why not.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Done {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|e| format!("{} cannot be written: {e}.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::is_recent;

    #[test]
    fn node_must_be_20_19_or_later() {
        for (version, fine) in
            [("v18.20.1", false), ("v20.18.3", false), ("v20.19.0", true), ("v22.0.0", true), ("", false)]
        {
            assert_eq!(is_recent(version), fine, "{version}");
        }
    }
}
