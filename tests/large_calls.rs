//! A console's calls that are larger than a frame of its socket: a file to import, over `POST /console/call`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::limits::{CONSOLE_CALL_BYTES, CONSOLE_FRAME_BYTES};
use deskbell_protocol::responder::{FileFormat, Imported};
use deskbell_protocol::{Code, Refusal};
use deskbell_tests::agent::Agent;
use deskbell_tests::raw;
use deskbell_tests::server::Server;
use deskbell_tests::within;
use tokio::io::AsyncWriteExt as _;

const ANSWERS: u32 = 10_000;

/// Status and body of a request with these headers; `body` may be less than what `Content-Length` says.
async fn send(address: &str, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = raw::connect(address, None).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    within("the body to be taken", stream.write_all(body)).await.unwrap();
    let answer = raw::answer(&mut stream).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("{head}")), body.to_owned())
}

fn head(method: &str, host: &str, length: usize, more: &str) -> String {
    format!("{method} /console/call HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{more}\r\n")
}

async fn post(server: &Server, request: &Request) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(request).unwrap();
    let secret = format!("Authorization: Bearer {}\r\n", server.secret());
    let head = head("POST", &server.address, body.len(), &secret);
    match send(&server.address, &head, &body).await {
        (200, answer) => Ok(serde_json::from_str(&answer).unwrap()),
        (_, answer) => Err(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))),
    }
}

/// A file of answers, each of about 400 bytes.
fn answers() -> String {
    let mut csv = String::from("questions,reply\n");
    for number in 0..ANSWERS {
        let reply = "Walnut, oak and birch are in stock. ".repeat(10);
        writeln!(csv, "\"Do you have table number {number}?\",\"Number {number}: {reply}\"").unwrap();
    }
    csv
}

async fn import(server: &Server, content: &str, dry_run: bool) -> Imported {
    let content = content.to_owned();
    let request = Request::ImportAnswers { format: FileFormat::Csv, content, dry_run };
    match post(server, &request).await.unwrap() {
        Response::Imported { imported } => imported,
        response => panic!("{response:?}"),
    }
}

async fn total(agent: &mut Agent) -> u32 {
    match agent.ask(Request::Answers { query: String::new(), offset: 0, limit: 1 }).await {
        Response::Answers { total, .. } => total,
        response => panic!("{response:?}"),
    }
}

#[tokio::test]
async fn a_file_of_some_megabytes_is_tried_and_then_imported() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let file = answers();
    assert!(file.len() > 50 * CONSOLE_FRAME_BYTES as usize, "{} bytes are not much", file.len());
    let tried = import(&server, &file, true).await;
    assert_eq!((tried.added, tried.problems), (ANSWERS, Vec::new()));
    assert_eq!(total(&mut agent).await, 0, "a trial changes nothing");
    assert_eq!(import(&server, &file, false).await.added, ANSWERS);
    assert_eq!(total(&mut agent).await, ANSWERS);
    assert_eq!(import(&server, &file, true).await.unchanged, ANSWERS);
}

#[tokio::test]
async fn what_is_refused_over_the_socket_is_refused_here_with_the_same_code() {
    let server = Server::start().await;
    let none = Request::Conversation { conversation: deskbell_protocol::ConversationId(404) };
    let refusal = post(&server, &none).await.unwrap_err();
    assert_eq!(refusal, server.agent().await.call(none).await.unwrap_err());
    assert_eq!(refusal.code, Code::NoSuchConversation);
}

#[tokio::test]
async fn strangers_and_pages_of_others_are_refused_before_their_body_is_read() {
    let server = Server::start().await;
    let (address, secret) =
        (server.address.as_str(), format!("Authorization: Bearer {}\r\n", server.secret()));
    let wrong = "Authorization: Bearer guess\r\n";
    let origin = format!("{secret}Origin: https://shop.example\r\n");
    let own = format!("{secret}Origin: http://{address}\r\n");
    let long = CONSOLE_CALL_BYTES + 1;
    for (expected, code, head) in [
        (401, Code::Unauthorized, head("POST", address, 1_000_000, "")),
        (401, Code::Unauthorized, head("POST", address, 1_000_000, wrong)),
        (403, Code::OriginRefused, head("POST", address, 1_000_000, &origin)),
        (403, Code::OriginRefused, head("POST", "shop.example", 1_000_000, &secret)),
        (413, Code::TooLong, head("POST", address, long, &own)),
        (400, Code::Malformed, head("POST", address, 0, &own)),
    ] {
        let (status, body) = send(address, &head, b"").await;
        assert_eq!(status, expected, "{head}{body}");
        assert_eq!(serde_json::from_str::<Refusal>(&body).unwrap().code, code);
    }
    assert_eq!(send(address, &head("GET", address, 0, &secret), b"").await.0, 405);
    // Nothing of it has shut out the agent.
    server.agent().await;
}
