use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::Code;
use deskbell_protocol::responder::{SecretName, SecretPlace};

use super::keyring::{Deadlines, Keyring, Work};
use super::*;

const KEY: &str = "sk-test-1234567890";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(20);

type Kept = Arc<Mutex<HashMap<SecretName, String>>>;

/// A keyring in memory.
fn working(kept: &Kept) -> Keyring {
    let kept = Arc::clone(kept);
    let act = move |work| {
        let mut kept = kept.lock().unwrap();
        Ok(match work {
            Work::Open => None,
            Work::Get(name) => kept.get(&name).cloned(),
            Work::Set(name, secret) => kept.insert(name, secret).and(None),
            Work::Delete(name) => kept.remove(&name).and(None),
        })
    };
    Keyring::acting(Box::new(act), Deadlines { open: LONG, get: LONG, change: LONG })
}

/// A keyring that hangs at `when`, for ever.
fn hanging(when: fn(&Work) -> bool, deadlines: Deadlines) -> Keyring {
    let act = move |work: Work| {
        while when(&work) {
            std::thread::park();
        }
        Ok(None)
    };
    Keyring::acting(Box::new(act), deadlines)
}

async fn get(store: &SecretStore, name: SecretName) -> Option<String> {
    store.get(name).await.unwrap().map(|secret| secret.expose().to_owned())
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn with_a_keyring_no_file_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let store = SecretStore::with(folder.path(), working(&kept));
    assert_eq!(store.places().await, Secrets::default());
    let places = store.set(SecretName::ModelKey, Some(format!(" {KEY}\n"))).await.unwrap();
    assert_eq!(places.model_key, SecretPlace::Keyring);
    assert_eq!(kept.lock().unwrap().get(&SecretName::ModelKey).map(String::as_str), Some(KEY));
    assert!(files(folder.path()).is_empty());

    let again = SecretStore::with(folder.path(), working(&kept));
    assert_eq!(get(&again, SecretName::ModelKey).await.as_deref(), Some(KEY));
    assert_eq!(again.set(SecretName::ModelKey, None).await.unwrap(), Secrets::default());
    assert!(kept.lock().unwrap().is_empty());
    assert_eq!(get(&again, SecretName::ModelKey).await, None);
}

#[tokio::test]
async fn without_a_keyring_secrets_lie_in_private_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = SecretStore::with(folder.path(), Keyring::none());
    let places = store.set(SecretName::WebhookSecret, Some(SIGNING.to_owned())).await.unwrap();
    assert_eq!((places.webhook_secret, places.model_key), (SecretPlace::File, SecretPlace::Nowhere));
    assert_eq!(files(folder.path()), ["webhook.secret"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join("webhook.secret");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let again = SecretStore::with(folder.path(), Keyring::none());
        assert_eq!(get(&again, SecretName::WebhookSecret).await.as_deref(), Some(SIGNING));
        assert_eq!(mode(), 0o600);
    }
    store.set(SecretName::WebhookSecret, None).await.unwrap();
    let again = SecretStore::with(folder.path(), Keyring::none());
    assert_eq!(get(&again, SecretName::WebhookSecret).await, None);
}

#[tokio::test]
async fn a_file_is_newer_than_the_keyring_until_the_keyring_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let stored = |keyring| SecretStore::with(folder.path(), keyring);
    stored(working(&kept)).set(SecretName::ModelKey, Some("old".to_owned())).await.unwrap();
    stored(Keyring::none()).set(SecretName::ModelKey, Some("new".to_owned())).await.unwrap();
    assert_eq!(get(&stored(working(&kept)), SecretName::ModelKey).await.as_deref(), Some("new"));
    stored(Keyring::none()).set(SecretName::ModelKey, None).await.unwrap();
    assert_eq!(get(&stored(working(&kept)), SecretName::ModelKey).await, None, "what was removed came back");
    stored(working(&kept)).set(SecretName::ModelKey, Some("newest".to_owned())).await.unwrap();
    assert!(files(folder.path()).is_empty());
    assert_eq!(get(&stored(working(&kept)), SecretName::ModelKey).await.as_deref(), Some("newest"));
}

#[tokio::test]
async fn a_keyring_that_never_opens_is_none() {
    let deadlines = Deadlines { open: SHORT, get: LONG, change: LONG };
    let folder = tempfile::tempdir().unwrap();
    let store = SecretStore::with(folder.path(), hanging(|work| *work == Work::Open, deadlines));
    let places = store.set(SecretName::ModelKey, Some(KEY.to_owned())).await.unwrap();
    assert_eq!(places.model_key, SecretPlace::File);
    assert_eq!(get(&store, SecretName::ModelKey).await.as_deref(), Some(KEY));
}

#[tokio::test]
async fn a_locked_keyring_is_no_reason_to_write_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let deadlines = Deadlines { open: LONG, get: SHORT, change: SHORT };
    let store = SecretStore::with(folder.path(), hanging(|work| *work != Work::Open, deadlines));
    let refusal = store.set(SecretName::ModelKey, Some(KEY.to_owned())).await.unwrap_err();
    assert_eq!(refusal.code, Code::TimedOut);
    assert!(files(folder.path()).is_empty());
    assert!(store.get(SecretName::ModelKey).await.unwrap_err().message.contains("Unlock"));
    assert_eq!(store.places().await.model_key, SecretPlace::Keyring);
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_beside_its_field_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let store = SecretStore::with(folder.path(), Keyring::none());
    let long = "x".repeat(limits::SECRET_BYTES + 1);
    for (name, field, value) in [
        (SecretName::ModelKey, "responder.model.key", ""),
        (SecretName::ModelKey, "responder.model.key", "two words"),
        (SecretName::ModelKey, "responder.model.key", "sk-\r\nX: y"),
        (SecretName::ModelKey, "responder.model.key", "密钥"),
        (SecretName::ModelKey, "responder.model.key", &long),
        (SecretName::WebhookSecret, "responder.webhook.secret", "whsec_short"),
        (SecretName::WebhookSecret, "responder.webhook.secret", "not base64 at all, is it"),
    ] {
        let refusal = store.set(name, Some(value.to_owned())).await.unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (Code::InvalidSetting, Some(field)), "{value}");
        assert!(value.is_empty() || !refusal.message.contains(value));
    }
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_secret_does_not_print() {
    let secret = Secret::new(KEY);
    assert!(!format!("{secret:?} {:?}", Some(&secret)).contains("1234"));
}
