//! The responder's secrets and the session's keyring: a real Secret Service (GNOME's) on a bus of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use deskbell_protocol::Code;
use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::responder::{SecretName, SecretPlace, Secrets};
use deskbell_tests::agent::Agent;
use deskbell_tests::bus::{Bus, SilentBus};
use deskbell_tests::endpoint::{Endpoint, Script};
use deskbell_tests::keyring::Keyring;
use deskbell_tests::server::Server;
use deskbell_tests::within;
use tempfile::TempDir;

const KEY: &str = "sk-canary-8f3a1c5e7d9b";
/// Of “canary-signing-secret-1234567890”, and so of the canary again.
const SIGNING: &str = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LTEyMzQ1Njc4OTA=";

/// A desk in the session of this bus, which says everything that it ever says.
async fn desk_in(bus: &str, data: TempDir) -> (Server, Agent) {
    let variables = [("DBUS_SESSION_BUS_ADDRESS", bus), ("DESKBELL_KEYRING", "on"), ("RUST_LOG", "trace")];
    let server = Server::start_with(data, &variables).await;
    let mut agent = server.agent().await;
    agent.transcript = Some(String::new());
    (server, agent)
}

async fn set(agent: &mut Agent, name: SecretName, value: Option<&str>) -> Secrets {
    let request = Request::SetSecret { name, value: value.map(str::to_owned) };
    let Response::Secrets { secrets } = agent.ask(request).await else { panic!() };
    secrets
}

async fn places(agent: &mut Agent) -> Secrets {
    let Response::Secrets { secrets } = agent.ask(Request::Secrets {}).await else { panic!() };
    secrets
}

/// The key as the model gets it.
async fn used(agent: &mut Agent, endpoint: &mut Endpoint) -> String {
    let mut model = agent.snapshot().await.settings.responder.model;
    (model.url, model.model) = (endpoint.model_url(), "test".to_owned());
    let Response::Tested { tested } = agent.ask(Request::TestModel { model }).await else { panic!() };
    assert!(tested.works, "{tested:?}");
    endpoint.received().await.header("authorization").to_owned()
}

fn leaks(bytes: &[u8]) -> bool {
    ["canary", "Y2FuYXJ5"]
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
}

/// The names of the files of a data folder in which the canary is.
fn leaking_files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    let leaking = files.filter(|entry| leaks(&std::fs::read(entry.path()).unwrap()));
    leaking.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn secrets_lie_in_the_sessions_keyring_and_nowhere_else() {
    let keyring = Keyring::unlocked().await;
    let mut endpoint = Endpoint::start(Script::streams("Yes.")).await;
    let (mut server, mut agent) = desk_in(&keyring.bus.address, TempDir::new().unwrap()).await;
    let log = server.collect_log();
    assert_eq!(places(&mut agent).await, Secrets::default());
    set(&mut agent, SecretName::ModelKey, Some("sk-before")).await;
    set(&mut agent, SecretName::ModelKey, Some(KEY)).await;
    let secrets = set(&mut agent, SecretName::WebhookSecret, Some(SIGNING)).await;
    assert_eq!((secrets.model_key, secrets.webhook_secret), (SecretPlace::Keyring, SecretPlace::Keyring));
    assert_eq!(used(&mut agent, &mut endpoint).await, format!("Bearer {KEY}"));

    let folder = server.data.path().display().to_string();
    let (key, signing) = (format!("model key of {folder}"), format!("webhook secret of {folder}"));
    let expected = HashMap::from([(key, KEY.to_owned()), (signing.clone(), SIGNING.to_owned())]);
    assert_eq!(keyring.secrets().await, expected, "each once, as it was set last");
    let transcript = agent.transcript.take().unwrap();
    assert!(transcript.contains("keyring") && !leaks(transcript.as_bytes()), "{transcript}");

    // Another start reads it from there.
    let data = server.stop().await;
    let log = within("the log's end", log).await.unwrap();
    assert!(log.contains("TRACE") && log.len() > 10_000, "the log is not the whole log: {log}");
    assert!(!leaks(log.as_bytes()), "{:#?}", log.lines().filter(|l| leaks(l.as_bytes())).collect::<Vec<_>>());
    assert_eq!(leaking_files(data.path()), Vec::<String>::new());
    let (server, mut agent) = desk_in(&keyring.bus.address, data).await;
    assert_eq!(places(&mut agent).await.model_key, SecretPlace::Keyring);
    assert_eq!(used(&mut agent, &mut endpoint).await, format!("Bearer {KEY}"));
    assert_eq!(set(&mut agent, SecretName::ModelKey, None).await.model_key, SecretPlace::Nowhere);
    assert_eq!(keyring.secrets().await.into_keys().collect::<Vec<_>>(), [signing]);
    assert!(keyring.files().iter().all(|file| !leaks(file)), "the keyring encrypts what it keeps");

    // A desk on another folder has secrets of its own.
    let (_other, mut agent) = desk_in(&keyring.bus.address, TempDir::new().unwrap()).await;
    assert_eq!(places(&mut agent).await, Secrets::default());
    drop(server);
}

#[tokio::test]
async fn a_locked_keyring_is_said_and_nothing_is_written_beside_it() {
    let keyring = Keyring::unlocked().await;
    let (server, mut agent) = desk_in(&keyring.bus.address, TempDir::new().unwrap()).await;
    set(&mut agent, SecretName::ModelKey, Some("sk-before")).await;
    keyring.lock().await;
    let request = Request::SetSecret { name: SecretName::ModelKey, value: Some(KEY.to_owned()) };
    let refusal = agent.call(request).await.unwrap_err();
    assert_eq!(refusal.code, Code::TimedOut);
    assert!(refusal.message.contains("Unlock it and try again"), "{refusal}");
    let data = server.stop().await;
    assert!(!data.path().join("model.key").exists());
    // Who starts now knows that there is one, and cannot ask the model with it.
    let (_server, mut agent) = desk_in(&keyring.bus.address, data).await;
    assert_eq!(places(&mut agent).await.model_key, SecretPlace::Keyring);
    let mut model = agent.snapshot().await.settings.responder.model;
    (model.url, model.model) = ("http://127.0.0.1:9/v1".to_owned(), "test".to_owned());
    let refusal = agent.call(Request::TestModel { model }).await.unwrap_err();
    assert!(refusal.message.contains("keyring does not answer. Unlock it"), "{refusal}");
    assert!(refusal.message_zh.is_some(), "whichever language the console speaks");
    let transcript = agent.transcript.take().unwrap();
    assert!(!leaks(transcript.as_bytes()), "{transcript}");
}

/// Sets the key where there is no keyring: it lies in a private file, and the log says so.
async fn lies_in_a_file(bus: &str, says: &str) {
    let mut endpoint = Endpoint::start(Script::streams("Yes.")).await;
    let (mut server, mut agent) = desk_in(bus, TempDir::new().unwrap()).await;
    let log = server.collect_log();
    assert_eq!(set(&mut agent, SecretName::ModelKey, Some(KEY)).await.model_key, SecretPlace::File);
    assert_eq!(used(&mut agent, &mut endpoint).await, format!("Bearer {KEY}"));
    let transcript = agent.transcript.take().unwrap();
    assert!(!leaks(transcript.as_bytes()), "{transcript}");
    let data = server.stop().await;
    let log = within("the log's end", log).await.unwrap();
    for wanted in [says, "this system has no keyring: the model's key lies in a file of the data folder"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(!leaks(log.as_bytes()));
    assert_eq!(leaking_files(data.path()), ["model.key"]);
    let mode = std::fs::metadata(data.path().join("model.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn without_a_keyring_on_the_bus_a_secret_lies_in_a_private_file() {
    let home = TempDir::new().unwrap();
    let bus = Bus::start(home.path()).await;
    lies_in_a_file(&bus.address, "WARN").await;
}

#[tokio::test]
async fn a_session_without_a_bus_has_no_keyring() {
    lies_in_a_file("unix:path=/nowhere/at/all", "WARN").await;
}

#[tokio::test]
async fn a_bus_that_never_answers_has_no_keyring() {
    let home = TempDir::new().unwrap();
    let bus = SilentBus::start(home.path());
    lies_in_a_file(&bus.address, "the system's keyring does not answer").await;
}

#[tokio::test]
async fn a_service_in_which_nobody_has_ever_made_a_keyring_is_none() {
    let keyring = Keyring::empty().await;
    lies_in_a_file(&keyring.bus.address, "nobody has ever made a keyring in it").await;
}
