//! `deskbell-server`: the same desk without a window.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(unix)]
use std::{os::fd::OwnedFd, os::unix::net::UnixStream};

use deskbell_protocol::agent::{AgentClientFrame, AgentServerFrame, Request, Response, Update};
use deskbell_protocol::entity::Listening;
use deskbell_protocol::{Code, limits};
use deskbell_tests::agent::Agent;
use deskbell_tests::customer::{Plain, next_close, open};
use deskbell_tests::record::Fault;
use deskbell_tests::server::{Server, command, spawn};
use deskbell_tests::{test_name, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn pages_are_served_with_headers_that_keep_them_to_themselves() {
    let server = Server::start().await;
    assert!(get(&server.address, "/healthz").await.ends_with("ok\n"));
    for path in ["/", "/console/", "/customer.js"] {
        let page = get(&server.address, path).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        assert!(page.contains("content-security-policy: default-src 'none'"), "{path}");
    }
    for path in ["/console/../agent.secret", "/console/%2e%2e/agent.secret", "/nothing"] {
        assert!(get(&server.address, path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn the_secret_is_private_and_the_link_is_printed() {
    let mut server = Server::start().await;
    let secret = server.secret();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = server.data.path().join("agent.secret");
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let line = within("the link", server.stderr.next_line()).await.unwrap().unwrap();
    assert_eq!(line, format!("console: http://{}/console/#secret={secret}", server.address));
    let again = Server::start_on(server.stop().await).await;
    assert_eq!(again.secret(), secret);
}

#[tokio::test]
async fn a_console_without_the_secret_learns_nothing() {
    let server = Server::start().await;
    let mut stranger = Agent::open(&server.address).await;
    stranger.write(&AgentClientFrame::Hello { secret: "guess".to_owned() }).await;
    let Some(AgentServerFrame::Refusal { refusal, .. }) = stranger.read().await else { panic!() };
    assert_eq!(refusal.code, Code::Unauthorized);
    assert_eq!(stranger.read().await, None);
    let mut hasty = Agent::open(&server.address).await;
    hasty.write(&AgentClientFrame::Call { id: 1, request: Request::Snapshot {} }).await;
    let Some(AgentServerFrame::Refusal { refusal, .. }) = hasty.read().await else { panic!() };
    assert_eq!(refusal.code, Code::Unauthorized);
}

#[tokio::test]
async fn sigterm_and_ctrl_c_tell_customers_and_end_in_order() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start().await;
        let mut customer = server.plain().await;
        customer.next().await;
        server.signal(signal).await;
        let (code, reason) = next_close(&mut customer.socket).await;
        assert_eq!(code, 1001, "{signal}");
        assert!(reason.contains("stopping"), "{reason}");
        drop(customer);
        assert_eq!(server.ended().await, Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_as_soon_as_the_address_is_known_is_heard() {
    for signal in ["TERM", "INT"] {
        // Nobody reads what it says, and nothing more goes in: it stands still right after the line with its address.
        let (mut said, says) = UnixStream::pair().unwrap();
        says.set_nonblocking(true).unwrap();
        while std::io::Write::write(&mut &says, &[b'.'; 4096]).is_ok() {}
        says.set_nonblocking(false).unwrap();
        let data = tempfile::tempdir().unwrap();
        let child = command(data.path(), "127.0.0.1:0").stderr(OwnedFd::from(says)).spawn().unwrap();
        let mut server = Server::started(child, data).await;
        let mut customer = server.plain().await;
        customer.next().await;
        server.signal(signal).await;
        let reader = std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let (code, _) = next_close(&mut customer.socket).await;
        assert_eq!(code, 1001, "{signal}");
        drop(customer);
        assert_eq!(server.ended().await, Some(0), "{signal}");
        reader.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn who_ends_takes_no_new_connections_and_says_nothing_but_its_address_on_stdout() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start_with(data, &[("RUST_LOG", "debug")]).await;
    let _log = server.collect_log();
    let mut customer = server.plain().await;
    customer.next().await;
    server.signal("TERM").await;
    // The goodbye has come, and is not answered: the desk waits a moment for that.
    let (code, _) = next_close(&mut customer.socket).await;
    assert_eq!(code, 1001);
    assert!(
        TcpStream::connect(&server.address).await.is_err(),
        "the port is closed before customers are told"
    );
    drop(customer);
    assert_eq!(server.ended().await, Some(0));
    assert_eq!(
        within("the end of stdout", server.stdout.next_line()).await.unwrap(),
        None,
        "one line was all"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_holder() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let mut refused = spawn(data.path(), &address);
    let mut said = String::new();
    refused.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(within("its end", refused.wait()).await.unwrap().code(), Some(1));
    let refusals = 1;
    let port = holder.local_addr().unwrap().port();
    assert!(said.contains(&format!("Port {port} is in use by")), "{said}");
    assert!(said.contains(&format!("(process {})", std::process::id())), "{said}");
    Fault {
        subject: "Network",
        fault: "port in use",
        promise: "Refused with a sentence that names the port and who holds it; with a window, another can be chosen",
        test: &test_name!(),
        counts: &[("refused", refusals)],
    }
    .record();
}

#[tokio::test]
async fn the_address_changes_without_a_restart_and_sockets_stay() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.plain().await;
    customer.next().await;
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let refusal = agent.call(Request::Listen { address: taken }).await.unwrap_err();
    assert_eq!((refusal.code, refusal.field.as_deref()), (Code::AddressUnavailable, Some("listen")));
    server.plain().await.next().await;

    let Response::Listening { listening } =
        agent.ask(Request::Listen { address: "127.0.0.1:0".to_owned() }).await
    else {
        panic!()
    };
    let Listening::Listening { address, .. } = listening else { panic!("{listening:?}") };
    Plain::connect(&address, &[]).await.next().await;
    customer.send("still here").await;
    customer.next().await;
    assert!(TcpStream::connect(&server.address).await.is_err(), "the old port is closed");
    assert_eq!(agent.snapshot().await.settings.listen, address);
}

#[tokio::test]
async fn the_same_port_is_opened_to_the_network_and_closed_again() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = server.plain().await;
    customer.next().await;
    let port = server.address.rsplit(':').next().unwrap();
    for address in [format!("0.0.0.0:{port}"), server.address.clone(), format!("[::]:{port}")] {
        let Response::Listening { listening } = agent.ask(Request::Listen { address: address.clone() }).await
        else {
            panic!()
        };
        assert!(
            matches!(&listening, Listening::Listening { address: on, .. } if *on == address),
            "{listening:?}"
        );
        server.plain().await.next().await;
    }
    // No address of this machine: what was listened on goes on.
    let refusal = agent.call(Request::Listen { address: format!("192.0.2.1:{port}") }).await.unwrap_err();
    assert_eq!(refusal.code, Code::AddressUnavailable);
    server.plain().await.next().await;
    customer.send("still here").await;
    customer.next().await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_their_field() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut settings = agent.snapshot().await.settings;
    settings.reply.zh_cn = "长".repeat(limits::TEMPLATE_BYTES);
    let refusal =
        agent.call(Request::SaveSettings { settings: Box::new(settings.clone()) }).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("reply.zh-CN"));
    settings.reply.zh_cn = "好".to_owned();
    settings.allowed_origins = vec!["shop.example/path".to_owned()];
    let refusal = agent.call(Request::SaveSettings { settings: Box::new(settings) }).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("allowed_origins"));
}

#[tokio::test]
async fn every_socket_event_reaches_the_console() {
    use deskbell_protocol::entity::ActivityKind;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent.ask(Request::WatchActivity { on: true }).await;
    let mut customer = server.plain().await;
    customer.next().await;
    customer.send("hi").await;
    customer.next().await;
    let goodbye = CloseFrame { code: 4001.into(), reason: "bye".into() };
    customer.socket.close(Some(goodbye)).await.unwrap();
    let mut torn = open(&server.address, "/", &[]).await;
    deskbell_tests::customer::next_text(&mut torn).await;
    if let tokio_tungstenite::MaybeTlsStream::Plain(stream) = torn.get_mut() {
        // A zero linger resets the connection instead of closing it.
        stream.set_zero_linger().unwrap();
    }
    drop(torn);
    // Two sockets end at the same time: which of the two is told first is not promised.
    let mut missing = vec!["opened", "received", "sent", "closed", "failed"];
    while !missing.is_empty() {
        let kind = agent
            .update(|update| match update {
                Update::Activity { event } => Some(event.kind),
                _ => None,
            })
            .await;
        let seen = match kind {
            ActivityKind::Opened { .. } => "opened",
            ActivityKind::Received { .. } => "received",
            ActivityKind::Sent { .. } => "sent",
            ActivityKind::Closed { code, reason } => {
                assert_eq!((code, reason.as_str()), (4001, "bye"));
                "closed"
            }
            ActivityKind::Failed { error, error_zh } => {
                assert!(error.starts_with("The connection broke: "), "{error}");
                assert!(error_zh.starts_with("连接中断："), "{error_zh}");
                "failed"
            }
            other => panic!("{other:?}"),
        };
        missing.retain(|kind| *kind != seen);
    }
}
