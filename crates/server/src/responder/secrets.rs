//! Where the responder's secrets lie: in the system's keyring, or where there is none, each in a file of the data folder
//! that only its owner can read. Never in the database, a log or an answer to a console.
//!
//! A file, where there is one, is newer than what the keyring has: it is written only when the keyring cannot be, and
//! removed when it can. An empty file says that the secret was removed while the keyring could not be asked.

mod files;
mod keyring;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use deskbell_protocol::responder::{SecretName, SecretPlace, Secrets};
use deskbell_protocol::{Code, Refusal, limits};

use super::http::Failure;
use super::webhook::Key;
use files::Files;
use keyring::{Keyring, Trouble};

/// A secret. It can be used, and nothing that prints can print it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the header or the signature that needs it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret and where it lies.
type Found = Option<(Secret, SecretPlace)>;

/// The secrets of one data folder.
#[derive(Debug)]
pub(crate) struct SecretStore {
    files: Files,
    keyring: Keyring,
    /// What was found or set, so that the keyring is asked once. Never held across an await.
    known: Mutex<HashMap<SecretName, Found>>,
    /// Two changes follow each other.
    changing: tokio::sync::Mutex<()>,
}

impl SecretStore {
    /// The secrets of this folder. Nothing is read yet. With `DESKBELL_KEYRING=off` in the environment the keyring is
    /// left alone: for servers that nobody logs in to, and for tests.
    pub(crate) fn open(folder: &Path) -> Self {
        let off = std::env::var_os("DESKBELL_KEYRING").is_some_and(|value| value == "off");
        Self::with(folder, if off { Keyring::none() } else { Keyring::of_system(folder) })
    }

    fn with(folder: &Path, keyring: Keyring) -> Self {
        let files = Files::of(folder);
        Self { files, keyring, known: Mutex::default(), changing: tokio::sync::Mutex::default() }
    }

    /// A secret, if it is set.
    ///
    /// # Errors
    /// It cannot be read now: the keyring is locked, or the file cannot be read.
    pub(crate) async fn get(&self, name: SecretName) -> Result<Option<Secret>, Failure> {
        Ok(self.find(name).await?.map(|(secret, _)| secret))
    }

    /// Where each secret lies. One that cannot be read now is most likely in a keyring that is locked.
    pub(crate) async fn places(&self) -> Secrets {
        let place = async |name| match self.find(name).await {
            Ok(found) => found.map(|(_, place)| place).unwrap_or_default(),
            Err(_) if self.files.has(name) => SecretPlace::File,
            Err(_) => SecretPlace::Keyring,
        };
        Secrets {
            model_key: place(SecretName::ModelKey).await,
            webhook_secret: place(SecretName::WebhookSecret).await,
        }
    }

    /// Sets a secret, or with `None` removes it.
    ///
    /// # Errors
    /// [`Code::InvalidSetting`] when it cannot be one; [`Code::TimedOut`] when the keyring is locked and nobody unlocks
    /// it; [`Code::StoreFailed`] when the file cannot be written.
    pub(crate) async fn set(&self, name: SecretName, value: Option<String>) -> Result<Secrets, Refusal> {
        let value = value.map(|value| valid(name, &value)).transpose()?;
        let _changing = self.changing.lock().await;
        let found = match value {
            Some(secret) => Some(self.keep(name, secret).await?),
            None => {
                self.remove(name).await?;
                None
            }
        };
        self.know(name, found);
        Ok(self.places().await)
    }

    async fn find(&self, name: SecretName) -> Result<Found, Failure> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return Ok(known.clone());
        }
        let unread = || {
            Failure::new(
                format!("The file of {} cannot be read in the data folder.", called(name)),
                "数据文件夹中的密钥文件无法读取。",
            )
        };
        let found = match self.files.read(name).map_err(|_| unread())? {
            Some(text) if text.is_empty() => None,
            Some(text) => Some((Secret(text), SecretPlace::File)),
            None => match self.keyring.get(name).await {
                Ok(secret) => secret.map(|text| (Secret(text), SecretPlace::Keyring)),
                Err(Trouble::Missing) => None,
                Err(Trouble::NoAnswer) => {
                    return Err(Failure::new(
                        "The system's keyring does not answer. Unlock it, then the responder can ask again.",
                        "系统的密钥环没有回应。请解锁，之后自动应答会再次询问。",
                    ));
                }
            },
        };
        self.know(name, found.clone());
        Ok(found)
    }

    async fn keep(&self, name: SecretName, secret: Secret) -> Result<(Secret, SecretPlace), Refusal> {
        match self.keyring.set(name, secret.0.clone()).await {
            Ok(()) => {
                self.files.remove(name).map_err(|error| unwritten(&error))?;
                Ok((secret, SecretPlace::Keyring))
            }
            Err(Trouble::Missing) => {
                self.files.write(name, &secret.0).map_err(|error| unwritten(&error))?;
                tracing::warn!(
                    "this system has no keyring: {} lies in a file of the data folder, readable by its owner only; \
                     whoever can read this account's files, or a backup of them, can read it",
                    called(name)
                );
                Ok((secret, SecretPlace::File))
            }
            Err(Trouble::NoAnswer) => Err(locked()),
        }
    }

    async fn remove(&self, name: SecretName) -> Result<(), Refusal> {
        match self.keyring.delete(name).await {
            Ok(()) => self.files.remove(name).map_err(|error| unwritten(&error)),
            Err(Trouble::Missing) => self.files.empty(name).map_err(|error| unwritten(&error)),
            Err(Trouble::NoAnswer) => Err(locked()),
        }
    }

    fn know(&self, name: SecretName, found: Found) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, found);
    }
}

fn locked() -> Refusal {
    Refusal::new(
        Code::TimedOut,
        "The system's keyring does not answer; nothing was changed. Unlock it and try again.",
    )
    .in_chinese("系统的密钥环没有回应，未作任何更改。请解锁后重试。")
}

fn unwritten(error: &std::io::Error) -> Refusal {
    Refusal::new(Code::StoreFailed, format!("The secret cannot be written to the data folder: {error}."))
        .in_chinese(format!("密钥无法写入数据文件夹：{error}。"))
}

/// What a sentence calls it.
fn called(name: SecretName) -> &'static str {
    match name {
        SecretName::ModelKey => "the model's key",
        SecretName::WebhookSecret => "the webhook bot's signing secret",
    }
}

/// A secret that can be used for what it is, trimmed.
///
/// # Errors
/// [`Code::InvalidSetting`] with the secret's field. The sentence does not repeat it.
fn valid(name: SecretName, text: &str) -> Result<Secret, Refusal> {
    let text = text.trim();
    let (field, sentence, chinese) = match name {
        SecretName::ModelKey => (
            "responder.model.key",
            "A key is 1 to 4,096 letters, digits and signs without spaces, as the provider shows it.",
            "密钥由 1 到 4,096 个字母、数字和符号组成，没有空格，与服务商给出的一致。",
        ),
        SecretName::WebhookSecret => (
            "responder.webhook.secret",
            "A signing secret is whsec_ and base64 of 24 to 64 random bytes, as `openssl rand -base64 32` makes them.",
            "签名密钥为 whsec_ 加上 24 到 64 个随机字节的 base64，可用 `openssl rand -base64 32` 生成。",
        ),
    };
    let secret = Secret::new(text);
    let fits = !text.is_empty()
        && text.len() <= limits::SECRET_BYTES
        && text.chars().all(|character| character.is_ascii_graphic())
        && (name == SecretName::ModelKey || Key::of(&secret).is_some());
    if fits { Ok(secret) } else { Err(Refusal::of_field(field, sentence).in_chinese(chinese)) }
}

#[cfg(test)]
mod tests;
