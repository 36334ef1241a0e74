//! What strangers send that no customer would, over real sockets: each is refused with a code and a sentence, and an honest
//! customer beside it is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use deskbell_protocol::settings::Limits;
use deskbell_tests::raw::{Raw, STRANGER, V1, answer, connect, first, frame, header, request};
use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::{test_name, within};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

const HELLO: &str = r#"{"type":"hello"}"#;

/// A desk with other limits.
async fn server(change: impl FnOnce(&mut Limits)) -> Server {
    let server = Server::start().await;
    server.agent().await.set(|settings| change(&mut settings.limits)).await;
    server
}

/// The desk works: someone new is greeted and answered.
async fn works(server: &Server) {
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("hi").await;
    customer.next().await;
}

fn held(fault: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Network", fault, promise, test, counts }.record();
}

#[tokio::test]
async fn who_says_nothing_or_never_ends_is_let_go_in_time() {
    let server = server(|limits| limits.handshake_seconds = 1).await;
    let mut silent = connect(&server.address, None).await.unwrap();
    let mut slow = connect(&server.address, None).await.unwrap();
    let head = request(&server.address, "X-Slow: ");
    slow.write_all(head.trim_end().as_bytes()).await.unwrap();
    assert_eq!(answer(&mut silent).await, "", "silent");
    let mut late = connect(&server.address, None).await.unwrap();
    late.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let told = answer(&mut late).await;
    assert!(told.starts_with("HTTP/1.1 408") && told.ends_with("in time. (timed_out)\n"), "{told}");
    let mut garbled = connect(&server.address, None).await.unwrap();
    garbled.write_all(b"\x16\x03\x01 this is TLS\r\n\r\n").await.unwrap();
    let told = answer(&mut garbled).await;
    assert!(told.starts_with("HTTP/1.1 400") && told.ends_with("(malformed)\n"), "{told}");
    // One byte at a time for as long as the desk takes them: a deadline that begins anew with each would never end.
    let mut taken = 0_u64;
    within("the end of patience", async {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(20));
        while slow.write_all(b"x").await.is_ok() {
            taken += 1;
            pace.tick().await;
        }
    })
    .await;
    works(&server).await;
    held(
        "silent TCP, slowloris",
        "Closed when the handshake's time is over; others are answered",
        &test_name!(),
        &[("slow bytes taken", taken)],
    );
}

#[tokio::test]
async fn a_body_is_not_waited_for() {
    let server = Server::start().await;
    let mut poster = connect(&server.address, None).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000\r\n\r\nx", server.address);
    poster.write_all(head.as_bytes()).await.unwrap();
    assert!(
        answer(&mut poster).await.starts_with("HTTP/1.1 405"),
        "answered and closed with the body under way"
    );
    let mut second = connect(&server.address, None).await.unwrap();
    let twice = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).repeat(2);
    second.write_all(twice.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut second).await.matches("HTTP/1.1").count(), 1, "one request a connection");
}

#[tokio::test]
async fn too_many_headers_or_too_long_ones_are_refused() {
    let server = Server::start().await;
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    // Five are in the request already.
    Raw::open(&server.address, None, &many(95)).await;
    let mut refusals = 0;
    for (name, more) in
        [("101", many(96)), ("a flood", many(5000)), ("long", format!("X: {}\r\n", "x".repeat(20_000)))]
    {
        let refused = Raw::try_open(&server.address, None, &more).await.err().unwrap();
        assert!(refused.starts_with("HTTP/1.1 431"), "{name}: {refused}");
        assert!(refused.ends_with("too many headers, or too long ones. (too_long)\n"), "{name}: {refused}");
        refusals += 1;
    }
    works(&server).await;
    held("header flood", "Refused with 431 and a sentence", &test_name!(), &[("refused", refusals)]);
}

#[tokio::test]
async fn an_address_has_fifty_connections_and_others_have_theirs() {
    let server = Server::start().await;
    let mut here = Vec::new();
    for _ in 0..50 {
        here.push(Raw::open(&server.address, Some(STRANGER), "").await);
    }
    let refused = Raw::try_open(&server.address, Some(STRANGER), "").await.err().unwrap();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("(too_many_connections)"), "{refused}");
    let _other = Raw::open(&server.address, Some("127.0.0.3"), "").await;
    works(&server).await;
    drop(here.pop());
    let again = async { while Raw::try_open(&server.address, Some(STRANGER), "").await.is_err() {} };
    within("the place that was given back", again).await;
}

#[tokio::test]
async fn ipv4_over_ipv6_counts_as_ipv4_and_is_shown_so() {
    let data = tempfile::TempDir::new().unwrap();
    let server = Server::start_at(data, "[::]:0", &[]).await;
    let port = server.address.rsplit_once(':').unwrap().1;
    let (v4, v6) = (format!("127.0.0.1:{port}"), format!("[::1]:{port}"));
    let mut agent = deskbell_tests::agent::Agent::connect(&v4, &server.secret()).await;
    agent.set(|settings| settings.limits.connections_per_address = 2).await;
    let _here = [Raw::open(&v4, Some(STRANGER), "").await, Raw::open(&v4, Some(STRANGER), "").await];
    assert!(Raw::try_open(&v4, Some(STRANGER), "").await.is_err());
    let mut customer = deskbell_tests::customer::V1::connect(&v6, json!({ "type": "hello" })).await;
    customer.say("a", "over IPv6").await;
    customer.next_of("ack").await;
    let stored = agent.until(|conversation| conversation.stored).await;
    assert_eq!(stored.customer.address.as_deref(), Some("::1"));
    let visitors = agent.snapshot().await.conversations;
    let shown =
        visitors.iter().filter(|visitor| visitor.customer.address.as_deref() == Some(STRANGER)).count();
    assert_eq!(shown, 2);
    held(
        "IPv6 and v4-mapped addresses",
        "Both are served; an IPv4 address over IPv6 counts as itself",
        &test_name!(),
        &[("v4-mapped connections counted as IPv4", shown.try_into().unwrap())],
    );
}

#[tokio::test]
async fn a_conversation_is_open_in_ten_places() {
    let server = Server::start().await;
    let first = server.v1().await;
    let hello = json!({ "type": "hello", "token": first.token() }).to_string();
    let mut places = Vec::new();
    for _ in 1..10 {
        let mut place = Raw::hello(&server.address, None, &hello).await;
        assert_eq!(place.json().await["type"], "welcome");
        places.push(place);
    }
    let mut eleventh = Raw::hello(&server.address, None, &hello).await;
    let error = eleventh.json().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("too_many_connections")));
    assert!(error["retry_after_ms"].is_number(), "{error}");
    let (code, reason) = eleventh.close().await;
    assert_eq!(code, 1013);
    assert!(reason.starts_with("too_many_connections: This conversation is open in 10 places"), "{reason}");
}

#[tokio::test]
async fn new_conversations_of_an_address_are_limited_and_old_ones_resume() {
    let server = server(|limits| limits.new_conversations_per_minute = 3).await;
    let mut token = String::new();
    for _ in 0..3 {
        let mut customer = Raw::hello(&server.address, Some(STRANGER), HELLO).await;
        token = customer.json().await["token"].as_str().unwrap().to_owned();
        customer.send(&frame(first::TEXT, br#"{"type":"message","id":"a","text":"hi"}"#)).await;
        while customer.json().await["type"] != "ack" {}
    }
    let mut fourth = Raw::hello(&server.address, Some(STRANGER), HELLO).await;
    assert_eq!(fourth.json().await["code"], "rate_limited");
    assert_eq!(fourth.close().await.0, 1008);
    let mut plain = Raw::open(&server.address, Some(STRANGER), "").await;
    let (code, reason) = plain.close().await;
    assert_eq!(code, 1008);
    assert!(reason.starts_with("rate_limited: "), "{reason}");
    let again = json!({ "type": "hello", "token": token }).to_string();
    let mut known = Raw::hello(&server.address, Some(STRANGER), &again).await;
    assert_eq!(known.json().await["resumed"], true);
    works(&server).await;
}

#[tokio::test]
async fn messages_over_the_rate_are_refused_by_id_and_in_the_end_the_connection() {
    let server = Server::start().await;
    let mut customer = Raw::hello(&server.address, None, HELLO).await;
    let mut sent = 1_u64; // hello is a frame too
    let mut acknowledged = 0;
    let flood: Vec<u8> = (0..1000)
        .flat_map(|n| {
            frame(
                first::TEXT,
                json!({ "type": "message", "id": n.to_string(), "text": "x" }).to_string().as_bytes(),
            )
        })
        .collect();
    customer.send(&flood).await;
    sent += 1000;
    let mut refused = Vec::new();
    let (code, reason) = loop {
        let (first, payload) = customer.frame().await.unwrap();
        if first == first::CLOSE {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            break (code, String::from_utf8(payload[2..].to_vec()).unwrap());
        }
        let frame: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        match frame["type"].as_str().unwrap() {
            "ack" => acknowledged += 1,
            "error" => refused.push(frame),
            _ => {}
        }
    };
    assert_eq!(code, 1008);
    assert!(reason.starts_with("rate_limited: Too many refused frames"), "{reason}");
    assert!(refused.iter().all(|error| error["code"] == "rate_limited"), "{refused:?}");
    assert!(refused[0]["id"].is_string() && refused[0]["retry_after_ms"].is_number(), "{}", refused[0]);
    // Those under way at the end were taken too, but their acknowledgements came after the goodbye.
    assert!(acknowledged >= 384, "the burst is honest: {acknowledged}");
    works(&server).await;
    held(
        "flood of messages on one connection",
        "A burst of 400 is taken; what is over is refused with its id, then the connection",
        &test_name!(),
        &[("sent", sent), ("acknowledged", acknowledged), ("refused", refused.len().try_into().unwrap())],
    );
}

#[tokio::test]
async fn floods_that_never_become_a_message_end_the_connection() {
    const FRAMES: usize = 2_000;
    let server = Server::start().await;
    let mut endless = frame(first::TEXT_BEGINS, b"");
    endless.extend(frame(first::CONTINUES, b"").repeat(FRAMES));
    let mut floods = 0;
    for (name, flood) in [
        ("pings", frame(first::PING, b"").repeat(FRAMES)),
        ("pongs", frame(0x8A, b"x").repeat(FRAMES)),
        ("endless empty fragments", endless),
    ] {
        let mut stranger = Raw::open(&server.address, None, "").await;
        stranger.frame().await.expect("the greeting");
        stranger.send(&flood).await;
        let (code, reason) = stranger.close().await;
        assert_eq!(
            (code, reason.as_str()),
            (1008, "rate_limited: Too many frames in a short time."),
            "{name}"
        );
        // What is sent after that is not read for ever.
        let sent = stranger.flood(&flood, 100_000).await;
        assert!(sent < 100_000, "{name}");
        floods += 1;
    }
    works(&server).await;
    held(
        "endless fragments, ping flood, pong flood",
        "Closed with 1008 and a sentence",
        &test_name!(),
        &[("floods", floods), ("frames in each", FRAMES as u64)],
    );
}

#[tokio::test]
async fn too_many_bytes_end_the_connection() {
    let server = server(|limits| {
        limits.bytes_burst = 100_000;
        limits.bytes_per_second = 65_536;
    })
    .await;
    let mut stranger = Raw::hello(&server.address, None, HELLO).await;
    let text = "x".repeat(16_000);
    let message = json!({ "type": "message", "id": "same", "text": text }).to_string();
    stranger.flood(&frame(first::TEXT, message.as_bytes()), 20).await;
    assert_eq!(stranger.close().await, (1008, "rate_limited: Too many bytes in a short time.".to_owned()));
}

#[tokio::test]
async fn the_longest_page_of_a_thread_reaches_a_console() {
    let server = Server::start().await;
    let mut customer = server.v1().await;
    // Quotation marks are two bytes each in JSON.
    let text = "\"".repeat(16 * 1024);
    for number in 0..100 {
        customer.say(&number.to_string(), &text).await;
        customer.next_of("ack").await;
    }
    let mut agent = server.agent().await;
    let id = agent.snapshot().await.conversations[0].id;
    let page = agent.thread(id).await;
    assert_eq!((page.len(), page.iter().filter(|message| message.text == text).count()), (200, 100));
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_refused_at_its_header() {
    let server = Server::start().await;
    let mut refused = 0;
    for length in [65_537, 10 * 1024 * 1024, usize::MAX / 2] {
        let mut stranger = Raw::open(&server.address, None, "").await;
        // Not a byte of the payload.
        stranger.send(&[header(first::TEXT, length), vec![0; 4]].concat()).await;
        let (code, reason) = stranger.close().await;
        assert_eq!(code, 1009);
        assert!(reason.starts_with("too_long: "), "{reason}");
        refused += 1;
    }
    let mut pieces = Raw::open(&server.address, None, "").await;
    pieces.send(&frame(first::TEXT_BEGINS, &[b'x'; 60_000])).await;
    pieces.send(&frame(first::ENDS, &[b'x'; 6_000])).await;
    assert_eq!(pieces.close().await.0, 1009, "put together it is too long");
    works(&server).await;
    held(
        "oversized frame",
        "Refused with 1009 at its header",
        &test_name!(),
        &[("refused before a byte of payload was sent", refused)],
    );
}

#[tokio::test]
async fn malformed_frames_and_bad_utf_8_are_told_by_their_code() {
    let server = Server::start().await;
    let euro = "€".as_bytes();
    let split = |bytes: &[u8]| {
        // Each byte in a fragment of its own.
        let mut frames = frame(first::TEXT_BEGINS, b"ok ");
        bytes.iter().for_each(|byte| frames.extend(frame(first::CONTINUES, &[*byte])));
        frames.extend(frame(first::ENDS, b""));
        frames
    };
    let cases = [
        ("not masked", vec![first::TEXT, 2, b'h', b'i'], 1002),
        ("reserved bit", frame(0xC1, b"hi"), 1002),
        ("reserved opcode", frame(0x83, b"hi"), 1002),
        ("reserved control opcode", frame(0x8B, b""), 1002),
        ("a ping in fragments", frame(0x09, b""), 1002),
        ("a ping that is too long", frame(first::PING, &[0; 126]), 1002),
        ("a continuation of nothing", frame(first::ENDS, b"hi"), 1002),
        (
            "a message in a message",
            [frame(first::TEXT_BEGINS, b"a"), frame(first::TEXT, b"b")].concat(),
            1002,
        ),
        ("half a close code", frame(first::CLOSE, &[3]), 1002),
        ("a close code that nobody may send", frame(first::CLOSE, &1005_u16.to_be_bytes()), 1002),
        ("a byte that is not UTF-8", frame(first::TEXT, b"\xFF"), 1007),
        ("an overlong form", frame(first::TEXT, b"\xC0\xAF"), 1007),
        ("a lone surrogate", frame(first::TEXT, b"\xED\xA0\x80"), 1007),
        ("a cut character", frame(first::TEXT, &euro[..2]), 1007),
        ("a bad character over fragments", split(b"\xE2\x28\xA1"), 1007),
        ("a character cut by the end of the last fragment", split(&euro[..2]), 1007),
        ("a reason that is not UTF-8", frame(first::CLOSE, b"\x03\xE8\xFF"), 1007),
    ];
    let number = cases.len();
    for (name, bytes, code) in cases {
        let mut stranger = Raw::open(&server.address, None, "").await;
        stranger.frame().await.expect("the greeting");
        stranger.send(&bytes).await;
        assert_eq!(stranger.close().await.0, code, "{name}");
    }
    let mut honest = Raw::open(&server.address, None, "").await;
    honest.frame().await.expect("the greeting");
    honest.send(&split("ß€😀".as_bytes())).await;
    assert_eq!(honest.frame().await.unwrap().0, first::TEXT, "characters split over fragments are answered");
    held(
        "malformed frames, bad UTF-8 split over fragments",
        "Closed with 1002 or 1007; good UTF-8 split over fragments is answered",
        &test_name!(),
        &[("cases", number.try_into().unwrap())],
    );
}

#[tokio::test]
async fn who_does_not_say_hello_or_falls_silent_is_let_go() {
    let server = server(|limits| {
        limits.hello_seconds = 1;
        limits.ping_seconds = 1;
        limits.silence_seconds = 2;
    })
    .await;
    let mut rude = Raw::open(&server.address, None, V1).await;
    assert_eq!(rude.json().await["code"], "timed_out");
    assert_eq!(rude.close().await, (1008, "timed_out: No hello came in time.".to_owned()));
    let mut let_go = 1;
    // Half open: the desk's pings are not answered, and nothing is closed.
    let mut gone = Raw::open(&server.address, None, "").await;
    gone.frame().await.expect("the greeting");
    let mut pings = 0;
    let reason = within("the end of patience", async {
        loop {
            match gone.frame().await.expect("a close frame") {
                (first::PING, _) => pings += 1,
                (first::CLOSE, payload) => return String::from_utf8(payload[2..].to_vec()).unwrap(),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(reason, "timed_out: Nothing was heard for 2 seconds.");
    assert!(pings >= 1);
    let_go += 1;
    // A socket leaves the hub before it is told so. A console, too, must answer pings, so it comes only now.
    let visitors = server.agent().await.snapshot().await.conversations;
    assert!(visitors.is_empty(), "{visitors:?}");
    // Who answers pings stays, however long nothing is said.
    let mut quiet = server.plain().await;
    quiet.next().await;
    let answers = tokio::time::timeout(std::time::Duration::from_secs(4), quiet.next());
    assert!(answers.await.is_err(), "nothing came, and nothing ended");
    quiet.send("still here").await;
    quiet.next().await;
    let counts = [("pings unanswered", pings), ("let go", let_go)];
    held("half-open peer", "Gone after the time of silence; who answers pings stays", &test_name!(), &counts);
}
