//! What a suite of others would try on `examples/echo`, which is the accept and frame path of the desk: each case is a
//! connection, its answers are compared frame by frame. The cases are a table (`conformance/cases.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conformance {
    pub(crate) mod cases;
}

use std::process::Stdio;
use std::time::Duration;

use conformance::cases::{self, Case, End};
use deskbell_tests::raw::{Raw, answer, connect, first, masked, request};
use deskbell_tests::record::Fault;
use deskbell_tests::{echo, test_name};
use tokio::io::AsyncWriteExt as _;

/// For one case, the longest of which is 64 MiB there and back.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tries all of them and tells which came out otherwise.
async fn hold(cases: Vec<Case>, test: &str, what: &str) {
    let echo = echo::start(echo::UNLIMITED).await;
    let number = u64::try_from(cases.len()).unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case.name.clone();
        let found = tokio::time::timeout(PATIENCE, differs(&echo.address, case)).await;
        wrong.extend(found.unwrap_or(Some("not in time".to_owned())).map(|how| format!("{name}: {how}")));
    }
    assert!(wrong.is_empty(), "{} of {number} cases:\n{}", wrong.len(), wrong.join("\n"));
    Fault {
        subject: "WebSocket",
        fault: what,
        promise: "Answered as RFC 6455 says, in order, to the last byte; what it forbids ends the connection with its code",
        test,
        counts: &[("cases", number)],
    }
    .record();
}

/// How the answers differ from what they must be.
async fn differs(address: &str, case: Case) -> Option<String> {
    let Case { mut sends, piece, mut answers, end, .. } = case;
    let code = |code: u16| code.to_be_bytes().to_vec();
    let fails = matches!(end, End::Failed(_));
    let last = match end {
        End::WithGoodbye => {
            sends.extend(masked(first::CLOSE, &code(1000)));
            (first::CLOSE, code(1000))
        }
        End::Answered(payload) => (first::CLOSE, payload),
        End::Failed(failed) => (first::CLOSE, code(failed)),
    };
    answers.push(last);
    let came = Raw::open(address, None, "").await.exchange(&sends, piece).await;
    if came.len() != answers.len() {
        return Some(format!(
            "{} frames instead of {}: {:?}",
            came.len(),
            answers.len(),
            came.last().map(shown)
        ));
    }
    let last = came.len() - 1;
    came.iter().zip(&answers).enumerate().find_map(|(number, (came, wanted))| {
        // Why a connection fails is said in words of one's own.
        let same = if fails && number == last {
            came.0 == wanted.0 && came.1.get(..2) == wanted.1.get(..2)
        } else {
            came == wanted
        };
        (!same).then(|| format!("frame {number} is {:?} instead of {:?}", shown(came), shown(wanted)))
    })
}

/// Short enough to read.
fn shown((first, payload): &(u8, Vec<u8>)) -> (u8, usize, String) {
    let beginning = &payload[..payload.len().min(40)];
    (*first, payload.len(), beginning.escape_ascii().to_string())
}

#[tokio::test]
async fn messages_of_every_size_come_back() {
    hold(cases::sizes(), &test_name!(), "frames of every length of length").await;
}

#[tokio::test]
async fn pings_are_answered_each_and_in_order() {
    hold(cases::pings(), &test_name!(), "pings and pongs, whole and octet by octet").await;
}

#[tokio::test]
async fn reserved_bits_and_kinds_of_frames_end_the_connection() {
    hold(cases::reserved(), &test_name!(), "reserved bits, reserved kinds of frames, no mask").await;
}

#[tokio::test]
async fn fragments_are_put_together_and_nothing_else_is() {
    hold(cases::fragmented(), &test_name!(), "fragments in and out of order, with pings between").await;
}

#[tokio::test]
async fn text_is_utf_8_or_ends_the_connection_at_its_first_bad_byte() {
    hold(cases::utf8(), &test_name!(), "text that is UTF-8 and text that is not, cut anywhere").await;
}

#[tokio::test]
async fn a_goodbye_is_answered_in_kind_and_nothing_follows_it() {
    hold(cases::closes(), &test_name!(), "close frames of every kind").await;
}

#[tokio::test]
async fn long_messages_and_many_come_back_whole() {
    hold(cases::long(), &test_name!(), "messages up to 64 MiB, fragments of 64 bytes, a thousand at once")
        .await;
}

#[tokio::test]
async fn a_handshake_is_answered_as_it_should_be_and_extensions_are_declined() {
    let echo = echo::start(&[]).await;
    let offers = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other\r\n\
                  Sec-WebSocket-Protocol: a, b\r\n";
    let mut offering = connect(&echo.address, None).await.unwrap();
    let sent = request(&echo.address, offers);
    // Closed at once, so that the answer ends.
    offering.write_all(&[sent.as_bytes(), &masked(first::CLOSE, b"")].concat()).await.unwrap();
    let head = answer(&mut offering).await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    assert!(!head.contains("extensions") && !head.contains("protocol:"), "{head}");
    let good = request(&echo.address, "");
    for (name, asked, status) in [
        ("another version", good.replace("Version: 13", "Version: 8"), "426"),
        ("no version", good.replace("Sec-WebSocket-Version: 13\r\n", ""), "400"),
        ("no key", good.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), "400"),
        ("a short key", good.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400"),
        ("no Connection", good.replace("Connection: Upgrade\r\n", ""), "400"),
        ("POST", good.replace("GET /", "POST /"), "400"),
    ] {
        let mut stream = connect(&echo.address, None).await.unwrap();
        stream.write_all(asked.as_bytes()).await.unwrap();
        let head = answer(&mut stream).await.to_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{name}: {head}");
        assert_eq!(head.contains("\r\nsec-websocket-version: 13\r\n"), status == "426", "{name}: {head}");
    }
}

#[tokio::test]
async fn every_limit_is_a_flag() {
    let said = tokio::process::Command::new(echo::program()).arg("--help").output().await.unwrap();
    let help = String::from_utf8(said.stdout).unwrap();
    let limits = serde_json::to_value(deskbell_protocol::settings::Limits::default()).unwrap();
    for name in limits.as_object().unwrap().keys() {
        let flag = format!("--{}", name.replace('_', "-"));
        assert!(help.contains(&format!("{flag} ")), "{flag}: {help}");
    }
    let echo = echo::start(&["--frame-bytes", "4096", "--message-bytes=5000"]).await;
    let mut raw = Raw::open(&echo.address, None, "").await;
    raw.send(&masked(first::BINARY, &[0; 4097])).await;
    assert_eq!(raw.close().await.0, 1009);
    let mut raw = Raw::open(&echo.address, None, "").await;
    raw.send(&masked(0x02, &[0; 4096])).await;
    raw.send(&masked(first::ENDS, &[0; 904])).await;
    assert_eq!(raw.frame().await.unwrap(), (first::BINARY, vec![0; 5000]));
    let refused = tokio::process::Command::new(echo::program())
        .args(["--frame-bytes", "much"])
        .stdout(Stdio::null())
        .output()
        .await
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
}
