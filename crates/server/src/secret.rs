//! The agent's secret: what a browser console must show, kept in `agent.secret` in the data folder.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::identity::fresh_token;

/// The file's name.
const FILE: &str = "agent.secret";

/// The secret of this folder; made, readable by its owner only, at the first start.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn load_or_make(folder: &Path) -> std::io::Result<String> {
    let path = folder.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(secret) if secret.trim().len() >= 32 => return Ok(secret.trim().to_owned()),
        Ok(_) => std::fs::remove_file(&path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let secret = fresh_token().map_err(std::io::Error::other)?;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    Ok(secret)
}
