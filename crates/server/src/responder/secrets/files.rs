//! Secrets in files: one each, readable by its owner only, replaced as a whole.

use std::io::{ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};

use deskbell_protocol::responder::SecretName;

/// Files of one data folder.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, name: SecretName) -> PathBuf {
        self.folder.join(match name {
            SecretName::ModelKey => "model.key",
            SecretName::WebhookSecret => "webhook.secret",
        })
    }

    /// Whether there is a file, readable or not.
    pub(super) fn has(&self, name: SecretName) -> bool {
        self.path(name).exists()
    }

    /// What the file has, without the line's end; `None` when there is no file.
    pub(super) fn read(&self, name: SecretName) -> Result<Option<String>> {
        let path = self.path(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                make_private(&path)?;
                Ok(Some(text.trim().to_owned()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes beside it, then renames: a crash leaves the old or the new. The file is private from its first byte.
    pub(super) fn write(&self, name: SecretName, text: &str) -> Result<()> {
        let mut file = tempfile::NamedTempFile::with_prefix_in(".secret-", &self.folder)?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        file.persist(self.path(name))?;
        self.sync()
    }

    /// Says that the secret was removed.
    pub(super) fn empty(&self, name: SecretName) -> Result<()> {
        self.write(name, "")
    }

    pub(super) fn remove(&self, name: SecretName) -> Result<()> {
        match std::fs::remove_file(self.path(name)) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes the folder's new names last.
    fn sync(&self) -> Result<()> {
        #[cfg(unix)]
        std::fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

/// A copy of a folder often loses what its files allowed.
#[cfg(unix)]
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "others could read this secret; now only its owner can");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> Result<()> {
    Ok(())
}
