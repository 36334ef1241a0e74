//! Where the desk listens, changed without a restart.

use std::net::SocketAddr;

use deskbell_protocol::entity::Listening;
use deskbell_protocol::{Code, Refusal};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Desk;
use crate::{accept, port_holder};

/// An accept loop; dropping it closes the port. Sockets that were accepted stay.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Lets go of the port: another address of it may hold the same, as 0.0.0.0 holds all. Gives the address.
    pub(super) async fn close(mut self) -> SocketAddr {
        self.accepting.abort();
        let _aborted = (&mut self.accepting).await;
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Desk {
    /// Listens on `address` (`IP:PORT`) instead of where it did. If that cannot be had, the desk goes on listening
    /// where it did, if anywhere.
    pub(super) async fn listen_on(&self, address: &str) -> Listening {
        let mut listener = self.shared.listener.lock().await;
        let Ok(wanted) = address.parse::<SocketAddr>() else {
            let why = (
                "This is not an address such as 127.0.0.1:8080.".to_owned(),
                "这不是有效的地址，应如 127.0.0.1:8080。".to_owned(),
            );
            return self.listen_failed(address, why, None, &listener);
        };
        if listener.as_ref().is_some_and(|current| current.address == wanted) {
            return self.listening();
        }
        if *self.shared.stopping.borrow() {
            return self.listening();
        }
        let before = match listener.take_if(|current| current.address.port() == wanted.port()) {
            Some(current) => Some(current.close().await),
            None => None,
        };
        let bound = match accept::bind(wanted) {
            Ok(bound) => bound,
            Err(error) => {
                if let Some((before, Ok(bound))) = before.map(|before| (before, accept::bind(before))) {
                    *listener = Some(self.listener(before, bound));
                }
                let holder = (error.kind() == std::io::ErrorKind::AddrInUse)
                    .then(|| port_holder::find(wanted))
                    .flatten();
                let why = failure(wanted, &error, holder.as_deref());
                return self.listen_failed(address, why, holder, &listener);
            }
        };
        let address = bound.local_addr().unwrap_or(wanted);
        *listener = Some(self.listener(address, bound));
        let listening = Listening::Listening { address: address.to_string(), url: url(address) };
        self.shared.hub.set_listening(listening.clone());
        listening
    }

    fn listener(&self, address: SocketAddr, bound: TcpListener) -> Listener {
        Listener { address, accepting: tokio::spawn(accept::accept(self.clone(), bound)) }
    }

    fn listen_failed(
        &self,
        address: &str,
        (message, message_zh): (String, String),
        holder: Option<String>,
        current: &Option<Listener>,
    ) -> Listening {
        let failed = Listening::Failed { address: address.to_owned(), message, message_zh, holder };
        if current.is_none() {
            self.shared.hub.set_listening(failed.clone());
        }
        failed
    }

    /// Listens elsewhere and remembers it for the next start.
    pub(super) async fn change_address(&self, address: &str) -> Result<Listening, Refusal> {
        match self.listen_on(address.trim()).await {
            Listening::Failed { message, message_zh, .. } => {
                let mut refusal = Refusal::new(Code::AddressUnavailable, message).in_chinese(message_zh);
                refusal.field = Some("listen".to_owned());
                Err(refusal)
            }
            listening => {
                let _saving = self.shared.saving.lock().await;
                let mut settings = self.settings();
                if let Listening::Listening { address, .. } = &listening {
                    settings.listen.clone_from(address);
                }
                self.store_settings(settings).await?;
                Ok(listening)
            }
        }
    }
}

/// Why, in English and in Chinese.
fn failure(address: SocketAddr, error: &std::io::Error, holder: Option<&str>) -> (String, String) {
    let (port, ip) = (address.port(), address.ip());
    match (error.kind(), holder) {
        (std::io::ErrorKind::AddrInUse, Some(holder)) => (
            format!("Port {port} is in use by {holder}. Close that program, or choose another port."),
            format!("端口 {port} 正被 {holder} 占用。请关闭该程序，或选择其他端口。"),
        ),
        (std::io::ErrorKind::AddrInUse, None) => (
            format!(
                "Port {port} is in use, perhaps by another Deskbell. Close the program that holds it, or choose another port."
            ),
            format!("端口 {port} 已被占用，可能是另一个 Deskbell。请关闭占用它的程序，或选择其他端口。"),
        ),
        (std::io::ErrorKind::PermissionDenied, _) => (
            format!("The system does not allow listening on port {port}. Choose a port above 1023."),
            format!("系统不允许监听端口 {port}。请选择大于 1023 的端口。"),
        ),
        (std::io::ErrorKind::AddrNotAvailable, _) => (
            format!("This machine has no address {ip}. Choose 127.0.0.1 for this machine only."),
            format!("本机没有地址 {ip}。仅供本机使用请选择 127.0.0.1。"),
        ),
        _ => (format!("{address} cannot be listened on: {error}."), format!("无法监听 {address}：{error}。")),
    }
}

/// How a browser on this machine reaches the address.
fn url(address: SocketAddr) -> String {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{reachable}")
}
