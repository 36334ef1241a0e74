//! Any request for a socket: who is let in is who the policy says, as the test reads it; and any bytes in a handshake's
//! place get an answer of HTTP or none, and no socket that the policy refuses.

use deskbell_protocol::agent::Request;
use deskbell_server::Desk;
use deskbell_server::edge::{Asked, Host as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::Target;
use super::world::{World, runtime};
use crate::raw::{answer, connect};
use crate::within;

/// The sites that one of the desks allows.
const LISTED: [&str; 3] = ["https://shop.example", "http://10.0.0.5:3000", "https://desk.example"];

/// The target. The first byte of an input says what is done with the rest: lines of a path and headers, or bytes as they
/// are on the wire.
pub struct Handshakes {
    runtime: Runtime,
    /// With the default settings, with a list of sites, and open to all.
    worlds: [World; 3],
}

impl Target for Handshakes {
    const NAME: &'static str = "handshake";

    fn new() -> Self {
        let runtime = runtime();
        let worlds =
            runtime.block_on(async { [world(&[]).await, world(&LISTED).await, world(&["*"]).await] });
        Self { runtime, worlds }
    }

    fn run(&mut self, input: &[u8]) {
        let Some((choice, rest)) = input.split_first() else { return };
        let nth = usize::from(choice >> 2) % self.worlds.len();
        let allowed: &[&str] = [&[], LISTED.as_slice(), &["*"]][nth];
        let world = &mut self.worlds[nth];
        if choice & 2 != 0 {
            self.runtime.block_on(async {
                world.next_input().await;
                on_the_wire(&world.address, rest, allowed).await;
            });
        } else {
            let on_loopback = choice & 1 == 0;
            decided(&world.desk, rest, allowed, on_loopback);
        }
    }
}

async fn world(allowed: &[&str]) -> World {
    let world = World::new().await;
    let mut settings = world.desk.settings();
    settings.allowed_origins = allowed.iter().map(|&origin| origin.to_owned()).collect();
    world.ask(Request::SaveSettings { settings: Box::new(settings) }).await;
    world
}

/// The desk's decision about these headers against the test's own.
fn decided(desk: &Desk, input: &[u8], allowed: &[&str], on_loopback: bool) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let path = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = split(line);
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    let offered: Vec<String> = headers
        .get_all("sec-websocket-protocol")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    let twice = ["host", "origin"].into_iter().any(|name| headers.get_all(name).iter().count() > 1);
    let (host, origin) = (text("host"), text("origin"));
    let wanted = Wanted { path: &path, offered: &offered, host, origin, twice };
    let chosen = desk.choose(Asked { path: &path, headers: &headers, on_loopback });
    match (chosen, wanted.speaks().filter(|speaks| wanted.is_let_in(speaks, allowed, on_loopback))) {
        (Ok((_, subprotocol)), Some(speaks)) => {
            assert_eq!(subprotocol.unwrap_or_default(), speaks, "{headers:?}")
        }
        (Err(refusal), None) => assert!(!refusal.message.is_empty()),
        (Ok(_), None) => panic!("{path:?} with {headers:?} was let in"),
        (Err(refusal), Some(_)) => panic!("{path:?} with {headers:?}: {refusal}"),
    }
}

fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b':') {
        Some(at) => (&line[..at], line[at + 1..].trim_ascii()),
        None => (line, b""),
    }
}

/// What matters of a request.
struct Wanted<'a> {
    path: &'a str,
    offered: &'a [String],
    host: Option<String>,
    origin: Option<String>,
    /// Whether there is more than one of either.
    twice: bool,
}

impl Wanted<'_> {
    /// The subprotocol, empty for plain text; nothing for a console that does not say that it is one.
    fn speaks(&self) -> Option<&'static str> {
        let offers = |name| self.offered.iter().any(|offered| offered == name);
        match self.path {
            "/console/ws" => offers("deskbell.agent.v1").then_some("deskbell.agent.v1"),
            _ if offers("deskbell.v1") => Some("deskbell.v1"),
            _ => Some(""),
        }
    }

    /// The policy as docs/protocol.md has it.
    fn is_let_in(&self, speaks: &str, allowed: &[&str], on_loopback: bool) -> bool {
        let host = match &self.host {
            Some(host) if host != "?" => host.as_str(),
            _ => "",
        };
        if self.twice {
            return false;
        }
        let is_agent = speaks == "deskbell.agent.v1";
        let any = !is_agent && allowed.contains(&"*");
        let is_own = if on_loopback { is_here(host) } else { number(host).is_some() || any };
        let names_desk = [format!("http://{host}"), format!("https://{host}")];
        if !is_own && !names_desk.iter().any(|name| allowed.contains(&name.as_str())) {
            return false;
        }
        let Some(origin) = self.origin.as_ref().map(|origin| origin.to_ascii_lowercase()) else {
            return on_loopback || any || allowed.contains(&"none");
        };
        let site = origin.split_once("://").map_or("", |(_, site)| site);
        let is_same = !host.is_empty() && site == host.to_ascii_lowercase();
        is_same || any || (!is_agent && allowed.contains(&origin.as_str()))
    }
}

/// A host without its port.
fn name(host: &str) -> String {
    let port = host.rfind(':').filter(|at| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(host, |at| &host[..at]);
    name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

/// The address that a host is, if it is one.
fn number(host: &str) -> Option<std::net::IpAddr> {
    name(host).parse().ok()
}

/// Whether a host, with or without a port, is this machine.
fn is_here(host: &str) -> bool {
    name(host) == "localhost" || number(host).is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// Bytes in the place of an HTTP request.
async fn on_the_wire(address: &str, bytes: &[u8], allowed: &[&str]) {
    let mut stream = connect(address, None).await.unwrap();
    let _refused = stream.write_all(bytes).await;
    // Who has gone is not answered; but what is no whole request would be waited for.
    let told = if is_whole(bytes) { answered(&mut stream).await } else { String::new() };
    let _gone = stream.shutdown().await;
    let answer = told + &answer(&mut stream).await;
    if answer.is_empty() {
        return;
    }
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    let status: u16 = status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"));
    assert!(status < 600 && status != 500, "{answer}");
    if status == 101 {
        let wanted = head(bytes);
        let offered: Vec<String> = wanted
            .iter()
            .filter(|(name, _)| name == "sec-websocket-protocol")
            .flat_map(|(_, value)| value.split(',').map(|name| name.trim().to_owned()))
            .collect();
        let first = |wished| wanted.iter().find(|(name, _)| name == wished).map(|(_, value)| value.clone());
        let path = path(bytes);
        let many = |wished: &str| wanted.iter().filter(|(name, _)| name == wished).count() > 1;
        let twice = many("host") || many("origin");
        let (host, origin) = (first("host"), first("origin"));
        let wanted = Wanted { path: &path, offered: &offered, host, origin, twice };
        let speaks = wanted.speaks().unwrap_or_else(|| panic!("no console: {answer}"));
        assert!(wanted.is_let_in(speaks, allowed, true), "let in: {answer}");
        let echoed = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-protocol").then(|| value.trim().to_owned())
        });
        // RFC 6455 §4.2.2: what was chosen, and nothing where nothing was.
        assert_eq!(echoed.as_deref(), Some(speaks).filter(|speaks| !speaks.is_empty()), "{answer}");
    }
}

/// Whether a request's headers have their end.
fn is_whole(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    bytes.windows(2).any(|two| two == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// An answer up to the end of its headers, or all there is.
async fn answered(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    within("an answer's headers", async {
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_end) => break,
            }
        }
    })
    .await;
    String::from_utf8_lossy(&head).into_owned()
}

/// The headers of a request, names in lower case.
fn head(bytes: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) if text.bytes().all(|byte| byte == b'\t' || (32..127).contains(&byte)) => text.to_owned(),
        _ => "?".to_owned(),
    };
    bytes
        .split(|byte| *byte == b'\n')
        .skip(1)
        .map(|line| line.trim_ascii())
        .take_while(|line| !line.is_empty())
        .map(|line| (text(split(line).0).to_ascii_lowercase(), text(split(line).1)))
        .collect()
}

/// The path of a request's first line, which may be a whole address.
fn path(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let target = String::from_utf8_lossy(line).split(' ').nth(1).unwrap_or_default().to_owned();
    let target = target
        .split_once("://")
        .map_or(target.as_str(), |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    target.split('?').next().unwrap_or_default().to_owned()
}
