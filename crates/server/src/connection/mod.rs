//! One task a socket: reads frames, enforces limits, decodes, writes what its outbox holds.

mod agent;
mod customer;
mod plain;
pub(crate) mod socket;
mod utf8;
mod v1;
mod wire;

use std::net::SocketAddr;

use deskbell_protocol::entity::Customer;
use deskbell_protocol::limits::{FACT_BYTES, cut};
use deskbell_protocol::settings::{Language, Settings};

use crate::clock::now;

pub(crate) use agent::serve as serve_agent;
pub(crate) use plain::serve as serve_plain;
pub(crate) use v1::serve as serve_v1;

/// What the handshake told about a client.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) accept_language: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl Peer {
    /// The customer as far as the handshake tells. The language: the client's `locale`, else Accept-Language, else the
    /// desk's setting, else the system's.
    fn customer(&self, locale: Option<String>, settings: &Settings, system: Language) -> Customer {
        let accepted = self.accept_language.as_deref();
        let language = locale
            .as_deref()
            .and_then(Language::of_tag)
            .or_else(|| accepted.and_then(Language::of_accept_language))
            .or(settings.customer_language)
            .unwrap_or(system);
        let now = now();
        Customer {
            locale: locale.or_else(|| accepted.map(first_tag)),
            language,
            user_agent: self.user_agent.clone(),
            address: Some(self.address.ip().to_string()),
            first_seen_at: now,
            last_seen_at: now,
            visits: 1,
            ..Customer::default()
        }
    }
}

fn first_tag(accept_language: &str) -> String {
    accept_language.split([',', ';']).next().unwrap_or_default().trim().to_owned()
}

/// A fact within its bounds; white space alone is none.
fn fact(told: Option<String>) -> Option<String> {
    let told = told?;
    let trimmed = cut(told.trim(), FACT_BYTES);
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
