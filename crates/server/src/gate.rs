//! Who may come in: so many in all, so many from one address, and so many of those may be new.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use tokio::sync::Notify;

use crate::bucket::{Bucket, Rate};
use crate::descriptors;

/// Addresses remembered before those are forgotten that have no connection and their whole allowance.
const REMEMBERED: usize = 4096;

/// Counts live connections.
#[derive(Debug, Default)]
pub struct Gate {
    // Short sections, never across an await.
    inner: Mutex<Inner>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    connections: usize,
    sources: HashMap<Source, Known>,
    /// When there are more sources than this, the idle ones are forgotten.
    tidy_at: usize,
}

/// One address as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    /// 127.0.0.1 or ::1: a proxy, or whoever sits here.
    ThisMachine,
    V4(Ipv4Addr),
    /// The /64 that one household or server gets.
    V6([u16; 4]),
}

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => Self::ThisMachine,
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) if address.is_loopback() => Self::ThisMachine,
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    connections: usize,
    /// New conversations that it may begin; `None` is the whole allowance.
    new_conversations: Option<Bucket>,
}

/// A place for one connection, given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    source: Source,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.lock().leave(self.source);
        self.gate.emptied.notify_waiters();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from this address.
    ///
    /// # Errors
    /// [`Code::TooManyConnections`]
    pub fn enter(self: &Arc<Self>, address: IpAddr, limits: &Limits) -> Result<Permit, Refusal> {
        let all = to_usize(limits.connections).min(descriptors::room());
        let source = Source::of(address);
        let mut inner = self.lock();
        if inner.connections >= all {
            return Err(refused("The desk has no room for another connection. Try again in a moment."));
        }
        let of_one = match source {
            // A quarter is left for everyone else.
            Source::ThisMachine => all.saturating_sub(all / 4),
            _ => to_usize(limits.connections_per_address),
        };
        let known = inner.sources.entry(source).or_default();
        if known.connections >= of_one {
            return Err(refused("Too many connections come from your address. Close one and try again."));
        }
        known.connections = known.connections.saturating_add(1);
        inner.connections = inner.connections.saturating_add(1);
        Ok(Permit { gate: Arc::clone(self), source })
    }

    /// Counts a new conversation from this address.
    ///
    /// # Errors
    /// [`Code::RateLimited`]
    pub(crate) fn begin_conversation(&self, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let source = Source::of(address);
        if source == Source::ThisMachine {
            return Ok(());
        }
        let rate = Rate::per_minute(limits.new_conversations_per_minute);
        let mut inner = self.lock();
        inner.tidy(rate);
        let known = inner.sources.entry(source).or_default();
        if known.new_conversations.get_or_insert_with(|| Bucket::full(rate)).take(1, rate) {
            return Ok(());
        }
        let sentence = "Too many new conversations come from your address. Try again in a minute.";
        Err(Refusal::new(Code::RateLimited, sentence))
    }

    /// Waits until nobody is left.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.emptied.notified();
            tokio::pin!(left);
            // Registered before looking, so that the last one cannot leave unheard.
            left.as_mut().enable();
            if self.lock().connections == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Inner {
    fn leave(&mut self, source: Source) {
        self.connections = self.connections.saturating_sub(1);
        if let Some(known) = self.sources.get_mut(&source) {
            known.connections = known.connections.saturating_sub(1);
            if known.connections == 0 && known.new_conversations.is_none() {
                self.sources.remove(&source);
            }
        }
    }

    fn tidy(&mut self, rate: Rate) {
        if self.sources.len() < self.tidy_at.max(REMEMBERED) {
            return;
        }
        self.sources.retain(|_, known| {
            let whole = known.new_conversations.as_mut().is_none_or(|bucket| bucket.is_full(rate));
            known.connections > 0 || !whole
        });
        // Not again before there are twice as many: each look costs as much as there are.
        self.tidy_at = self.sources.len().saturating_mul(2);
    }
}

fn refused(sentence: &str) -> Refusal {
    Refusal::new(Code::TooManyConnections, sentence)
}

fn to_usize(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            connections: 40,
            connections_per_address: 3,
            new_conversations_per_minute: 2,
            ..Limits::default()
        }
    }

    fn enter(gate: &Arc<Gate>, address: &str) -> Result<Permit, Refusal> {
        gate.enter(address.parse().unwrap(), &limits())
    }

    #[test]
    fn an_address_has_its_own_limit_and_gets_places_back() {
        let gate = Arc::<Gate>::default();
        let mut permits: Vec<_> = (0..3).map(|_| enter(&gate, "192.0.2.1").unwrap()).collect();
        assert_eq!(enter(&gate, "192.0.2.1").unwrap_err().code, Code::TooManyConnections);
        let _other = enter(&gate, "192.0.2.2").unwrap();
        permits.pop();
        enter(&gate, "192.0.2.1").unwrap();
        drop(permits);
        assert_eq!(gate.lock().sources.len(), 1, "who has left is forgotten");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_mapped_ipv4_as_ipv4() {
        let gate = Arc::<Gate>::default();
        let _one = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"].map(|a| enter(&gate, a).unwrap());
        assert!(enter(&gate, "2001:db8::4").is_err());
        let _elsewhere = enter(&gate, "2001:db8:0:1::1").unwrap();
        let _mapped = ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"].map(|a| enter(&gate, a).unwrap());
        assert!(enter(&gate, "192.0.2.1").is_err());
        assert!(enter(&gate, "::ffff:192.0.2.1").is_err());
    }

    #[test]
    fn this_machine_has_three_quarters_and_the_rest_stays_for_others() {
        let gate = Arc::<Gate>::default();
        let _here: Vec<_> = (0..30).map(|_| enter(&gate, "127.0.0.1").unwrap()).collect();
        assert!(enter(&gate, "127.0.0.1").is_err());
        assert!(enter(&gate, "::1").is_err(), "both are this machine");
        let _others: Vec<_> = (0..10).map(|n| enter(&gate, &format!("192.0.2.{n}")).unwrap()).collect();
        assert!(enter(&gate, "192.0.2.99").is_err(), "the whole desk is full");
    }

    #[tokio::test(start_paused = true)]
    async fn new_conversations_of_an_address_are_counted_by_the_minute() {
        let gate = Gate::default();
        let begin = |address: &str| gate.begin_conversation(address.parse().unwrap(), &limits());
        assert!(begin("192.0.2.1").is_ok() && begin("192.0.2.1").is_ok());
        assert_eq!(begin("192.0.2.1").unwrap_err().code, Code::RateLimited);
        assert!(begin("192.0.2.2").is_ok());
        assert!((0..100).all(|_| begin("127.0.0.1").is_ok()));
        tokio::time::advance(std::time::Duration::from_secs(30)).await;
        assert!(begin("192.0.2.1").is_ok() && begin("192.0.2.1").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_are_not_remembered_for_ever() {
        let gate = Gate::default();
        for n in 0..u32::try_from(REMEMBERED).unwrap() {
            gate.begin_conversation(IpAddr::V4((0xC633_0000 + n).into()), &limits()).unwrap();
        }
        assert_eq!(gate.lock().sources.len(), REMEMBERED);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        gate.begin_conversation("192.0.2.1".parse().unwrap(), &limits()).unwrap();
        assert_eq!(gate.lock().sources.len(), 1);
    }

    #[tokio::test]
    async fn the_last_one_out_is_heard() {
        let gate = Arc::<Gate>::default();
        gate.emptied().await;
        let permit = enter(&gate, "192.0.2.1").unwrap();
        tokio::join!(gate.emptied(), async { drop(permit) });
    }
}
