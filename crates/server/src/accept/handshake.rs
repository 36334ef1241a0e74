//! Who may open a socket, and what it will speak: decided from the request's headers alone.

use std::net::IpAddr;

use deskbell_protocol::settings::NO_ORIGIN;
use deskbell_protocol::{AGENT_SUBPROTOCOL, CUSTOMER_SUBPROTOCOL, Code, Refusal};
use hyper::HeaderMap;
use hyper::header::{HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};

/// Where the console's socket is.
pub(super) const CONSOLE_SOCKET: &str = "/console/ws";

/// What a socket of the desk speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// A customer's plain text.
    Plain,
    /// A customer's `deskbell.v1`.
    Customer,
    /// A console's `deskbell.agent.v1`.
    Agent,
}

impl Speaks {
    /// The subprotocol to answer with (RFC 6455 §4.2.2).
    pub(super) fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Customer => Some(CUSTOMER_SUBPROTOCOL),
            Self::Agent => Some(AGENT_SUBPROTOCOL),
        }
    }
}

/// Chooses by path and by the client's list of subprotocols.
///
/// # Errors
/// The console's socket without its subprotocol.
pub(super) fn choose(path: &str, headers: &HeaderMap) -> Result<Speaks, Refusal> {
    let offers = |wanted: &str| {
        headers
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|subprotocol| subprotocol.trim() == wanted)
    };
    if path == CONSOLE_SOCKET {
        return if offers(AGENT_SUBPROTOCOL) {
            Ok(Speaks::Agent)
        } else {
            Err(Refusal::new(Code::Unauthorized, format!("A console speaks {AGENT_SUBPROTOCOL}.")))
        };
    }
    Ok(if offers(CUSTOMER_SUBPROTOCOL) { Speaks::Customer } else { Speaks::Plain })
}

/// What the checks depend on besides the headers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'a> {
    /// From the settings: origins, `*` for any.
    pub(super) allowed_origins: &'a [String],
    /// Whether the socket came in on a loopback address.
    pub(super) on_loopback: bool,
}

impl Policy<'_> {
    /// Checks Host and Origin exactly. Each may be there once: of two, whatever stands before the desk may have looked at
    /// the other one.
    ///
    /// - Host: a number, or a name whose site is on the list; on loopback only loopback's. Otherwise a page of another
    ///   site could reach the desk under its own name (DNS rebinding) and be taken for one of the desk's.
    /// - Origin: the desk's own pages, none (not a browser) on loopback, or on the list. Pages of this machine are no
    ///   exception: what calls itself `null` may be a frame of any site. Consoles: only the desk's own, and programs.
    ///
    /// # Errors
    /// [`Code::OriginRefused`]
    pub(super) fn check(&self, speaks: Speaks, headers: &HeaderMap) -> Result<(), Refusal> {
        for (name, header) in [("Host", HOST), ("Origin", ORIGIN)] {
            if headers.get_all(header).iter().nth(1).is_some() {
                return Err(refused(format!("There is more than one {name} in this request.")));
            }
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let listed = |origin: &str| self.allowed_origins.iter().any(|allowed| allowed == origin);
        let host_listed = || listed(&format!("http://{host}")) || listed(&format!("https://{host}"));
        let any = speaks != Speaks::Agent && listed("*");
        let own = if self.on_loopback { is_loopback_name(host) } else { is_number(host) || any };
        if !own && !host_listed() {
            return Err(refused(format!("“{}” is not a name of this desk.", shown(host))));
        }
        let Some(origin) = headers.get(ORIGIN) else {
            if self.on_loopback || any || listed(NO_ORIGIN) {
                return Ok(());
            }
            return Err(refused("Programs may connect from this machine only.".to_owned()));
        };
        let origin = origin.to_str().unwrap_or("?").to_ascii_lowercase();
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        if !host.is_empty() && authority.eq_ignore_ascii_case(host) {
            return Ok(());
        }
        if any || speaks != Speaks::Agent && listed(&origin) {
            return Ok(());
        }
        Err(refused(format!("Pages of {} may not connect to this desk.", shown(&origin))))
    }
}

fn refused(sentence: String) -> Refusal {
    Refusal::new(Code::OriginRefused, sentence)
}

fn shown(text: &str) -> &str {
    deskbell_protocol::limits::cut(text, 200)
}

/// `localhost`, 127.0.0.0/8 or `[::1]`, with or without a port.
fn is_loopback_name(authority: &str) -> bool {
    name(authority).eq_ignore_ascii_case("localhost")
        || number(authority).is_some_and(|address| address.to_canonical().is_loopback())
}

/// An IP address, with or without a port.
fn is_number(authority: &str) -> bool {
    number(authority).is_some()
}

fn number(authority: &str) -> Option<IpAddr> {
    name(authority).parse().ok()
}

fn name(authority: &str) -> &str {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => authority,
    };
    name.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    fn allows(speaks: Speaks, on_loopback: bool, allowed: &[&str], host: &str, origin: Option<&str>) -> bool {
        let allowed: Vec<String> = allowed.iter().map(|&o| o.to_owned()).collect();
        let policy = Policy { allowed_origins: &allowed, on_loopback };
        policy.check(speaks, &headers(host, origin)).is_ok()
    }

    #[test]
    fn customers_come_from_programs_of_this_machine_and_listed_sites() {
        let plain = |origin| allows(Speaks::Plain, true, &["https://shop.example"], "127.0.0.1:8080", origin);
        assert!(plain(None));
        assert!(plain(Some("http://127.0.0.1:8080")));
        assert!(!plain(Some("http://127.0.0.1:3000")) && !plain(Some("http://localhost:3000")));
        assert!(!plain(Some("null")) && !plain(Some("file://")));
        assert!(plain(Some("https://shop.example")));
        assert!(!plain(Some("https://shop.example.evil.example")));
        assert!(!plain(Some("http://shop.example")));
        assert!(!plain(Some("https://evil.example")));
        assert!(!plain(Some("http://127.0.0.1.evil.example")));
        for (allowed, origin) in [("*", "https://any.example"), ("null", "null"), ("file://", "file://")] {
            assert!(allows(Speaks::Plain, true, &[allowed], "127.0.0.1:8080", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn on_a_public_address_programs_are_strangers_until_they_are_allowed() {
        assert!(!allows(Speaks::Plain, false, &[], "192.0.2.1:8080", Some("null")));
        assert!(!allows(Speaks::Plain, false, &[], "192.0.2.1:8080", None));
        assert!(allows(Speaks::Plain, false, &["none"], "192.0.2.1:8080", None));
        assert!(allows(Speaks::Plain, false, &["*"], "192.0.2.1:8080", None));
        assert!(!allows(Speaks::Agent, false, &["*"], "192.0.2.1:8080", None));
        assert!(allows(Speaks::Agent, false, &["none"], "192.0.2.1:8080", None));
        assert!(allows(Speaks::Plain, false, &[], "192.0.2.1:8080", Some("http://192.0.2.1:8080")));
    }

    #[test]
    fn a_rebound_name_is_refused() {
        assert!(!allows(Speaks::Plain, false, &[], "evil.example", Some("http://evil.example")));
        assert!(!allows(Speaks::Agent, false, &["*"], "evil.example", Some("http://evil.example")));
        assert!(allows(
            Speaks::Plain,
            false,
            &["https://chat.example"],
            "chat.example",
            Some("https://chat.example")
        ));
        assert!(allows(Speaks::Plain, false, &[], "[2001:db8::1]:8080", Some("http://[2001:db8::1]:8080")));
        assert!(!allows(Speaks::Plain, true, &[], "evil.example:8080", Some("http://evil.example:8080")));
        assert!(allows(Speaks::Plain, true, &["https://chat.example"], "chat.example", None));
        assert!(allows(Speaks::Plain, true, &[], "[::1]:8080", None));
    }

    #[test]
    fn consoles_come_from_the_desks_own_pages_only() {
        let agent = |origin| allows(Speaks::Agent, true, &["*"], "127.0.0.1:8080", origin);
        assert!(agent(None));
        assert!(agent(Some("http://127.0.0.1:8080")));
        assert!(!agent(Some("http://127.0.0.1:3000")));
        assert!(!agent(Some("null")));
        assert!(!agent(Some("https://any.example")));
    }

    #[test]
    fn a_second_host_or_origin_is_refused_whichever_is_right() {
        let own = "http://127.0.0.1:8080";
        for (header, right, wrong) in
            [(HOST, "127.0.0.1:8080", "evil.example"), (ORIGIN, own, "http://evil.example")]
        {
            for values in [[right, wrong], [wrong, right], [right, right]] {
                let mut headers = headers("127.0.0.1:8080", Some(own));
                headers.remove(&header);
                for value in values {
                    headers.append(header.clone(), value.parse().unwrap());
                }
                for speaks in [Speaks::Plain, Speaks::Customer, Speaks::Agent] {
                    let policy = Policy { allowed_origins: &["*".to_owned()], on_loopback: true };
                    let refusal = policy.check(speaks, &headers).unwrap_err();
                    assert!(refusal.message.contains("more than one"), "{values:?}: {refusal}");
                }
            }
        }
    }

    #[test]
    fn the_subprotocol_and_the_path_choose() {
        let mut offered = HeaderMap::new();
        assert_eq!(choose("/", &offered), Ok(Speaks::Plain));
        assert!(choose(CONSOLE_SOCKET, &offered).is_err());
        offered.insert(SEC_WEBSOCKET_PROTOCOL, "other, deskbell.v1".parse().unwrap());
        assert_eq!(choose("/any", &offered), Ok(Speaks::Customer));
        offered.insert(SEC_WEBSOCKET_PROTOCOL, "deskbell.agent.v1".parse().unwrap());
        assert_eq!(choose(CONSOLE_SOCKET, &offered), Ok(Speaks::Agent));
        assert_eq!(choose("/", &offered), Ok(Speaks::Plain));
    }
}
