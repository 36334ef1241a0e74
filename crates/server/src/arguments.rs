//! The command line, the same for the desktop app and `deskbell-server`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `--listen IP:PORT`: where to listen this time, instead of what the settings say. Port 0 takes a free one.
    pub listen: Option<String>,
    /// `--data DIR`: the data folder.
    pub data: Option<PathBuf>,
    /// `--restore FILE`: puts a backup in the database's place first. A path, or a name in the folder of backups.
    pub restore: Option<PathBuf>,
    /// `--help`
    pub help: bool,
    /// `--version`
    pub version: bool,
}

impl Arguments {
    /// Reads arguments, the program's name not among them.
    ///
    /// # Errors
    /// A sentence that says which argument is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy().into_owned();
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(OsString::from(value))),
                _ => (text.as_str(), None),
            };
            let mut value = || {
                inline.clone().or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value."))
            };
            match name {
                "--listen" => parsed.listen = Some(listen_address(&value()?)?),
                "--data" => parsed.data = Some(PathBuf::from(value()?)),
                "--restore" => parsed.restore = Some(PathBuf::from(value()?)),
                "--help" | "-h" => parsed.help = true,
                "--version" | "-V" => parsed.version = true,
                _ => return Err(format!("There is no argument “{text}”. See --help.")),
            }
        }
        Ok(parsed)
    }

    /// The data folder asked for, or the default.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(crate::default_data_dir)
    }
}

fn listen_address(value: &OsString) -> Result<String, String> {
    let text = value.to_string_lossy();
    let address: SocketAddr = text
        .parse()
        .map_err(|_| format!("“{text}” is not an address such as 127.0.0.1:8080 or [::1]:8080."))?;
    Ok(address.to_string())
}

/// What `--help` prints.
#[must_use]
pub fn help(program: &str) -> String {
    format!(
        "Deskbell {version}: a support desk. Customers connect over WebSocket.\n\n\
         Usage: {program} [--listen IP:PORT] [--data DIR] [--restore FILE]\n\n\
         --listen IP:PORT  where customers connect; port 0 takes a free one (default: the setting, at first 127.0.0.1:8080)\n\
         --data DIR        where everything is kept (default: {data})\n\
         --restore FILE    puts a backup in the database's place, which is kept\n\
         --version, --help",
        version = env!("CARGO_PKG_VERSION"),
        data = crate::default_data_dir().display(),
    )
}
