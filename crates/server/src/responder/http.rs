//! The HTTP client of the responder: bounded, direct, and silent about what it carries.

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};

/// From the first packet to a connection that is ready, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// An idle connection is kept for the next question.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes of an answer that is read only to tell what went wrong.
const COMPLAINT_BYTES: usize = 16 * 1024;
/// Seconds that an endpoint may ask for between tries; more is not believed.
const RETRY_SECONDS: u64 = 3600;

/// Why the model or the bot gave no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// A sentence that says what to do. It holds neither secrets nor anything that the endpoint said.
    pub(crate) message: String,
    /// The same in Chinese.
    pub(crate) chinese: String,
    /// After how long the endpoint wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self { message: message.into(), chinese: chinese.into(), retry_after: None }
    }
}

/// The client. Redirects are never followed, or the key and the customer's words would go where nobody sent them;
/// proxies of the environment are not used, for the same reason.
#[derive(Debug, Default)]
pub(crate) struct Http {
    /// Made at the first question: reading the system's certificates takes a while, and most desks never ask.
    client: OnceLock<Result<Client, Failure>>,
}

impl Http {
    /// # Errors
    /// TLS cannot be set up.
    pub(super) fn client(&self) -> Result<&Client, Failure> {
        self.client.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}

fn build() -> Result<Client, Failure> {
    // An error means that another part of the process was first, with the same right to choose.
    let _already = rustls::crypto::ring::default_provider().install_default();
    direct().build().or_else(|error| {
        // A system without certificates can still ask a model of its own.
        tracing::warn!(%error, "the system's certificates cannot be read: https will not work");
        let without = direct().tls_certs_only([]).build();
        without.map_err(|_| {
            Failure::new(
                "This system has no working TLS; the responder cannot ask anyone.",
                "此系统没有可用的 TLS，自动应答无法询问任何服务。",
            )
        })
    })
}

fn direct() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("Deskbell/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(4)
}

/// Whom a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Model,
    Bot,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "The model",
            Self::Bot => "The webhook bot",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Self::Model => "模型",
            Self::Bot => "Webhook 机器人",
        }
    }

    fn credential(self) -> &'static str {
        match self {
            Self::Model => "key",
            Self::Bot => "signing secret",
        }
    }

    pub(super) fn too_much(self) -> Failure {
        Failure::new(
            format!("{} answers more than can be taken.", self.name()),
            format!("{}的回答超出了上限。", self.chinese()),
        )
    }

    pub(super) fn too_late(self, seconds: u32) -> Failure {
        let (name, chinese) = (self.name(), self.chinese());
        Failure::new(
            format!("{name} did not finish within {seconds} s. A longer deadline in the settings may help."),
            format!("{chinese}没有在 {seconds} 秒内完成。可在设置中延长时限。"),
        )
    }

    /// A request that came to no answer, or an answer that broke off.
    pub(super) fn failed(self, error: &reqwest::Error) -> Failure {
        let (name, chinese) = (self.name(), self.chinese());
        let refused =
            || cause::<std::io::Error>(error).map(std::io::Error::kind) == Some(ErrorKind::ConnectionRefused);
        let (message, in_chinese) = if error.is_builder() {
            let credential = self.credential();
            (
                format!("{name} cannot be asked: its address or its {credential} is not valid."),
                format!("无法询问{chinese}：地址或密钥无效。"),
            )
        } else if has_cause::<rustls::Error>(error) {
            (
                format!(
                    "{name} cannot be trusted: the certificate of its address is not valid on this system."
                ),
                format!("无法信任{chinese}：其地址的证书在此系统上无效。"),
            )
        } else if error.is_timeout() {
            (
                format!("{name} cannot be reached: its address does not answer."),
                format!("无法连接{chinese}：该地址没有回应。"),
            )
        } else if error.is_connect() && refused() {
            (
                format!("{name} is not there: nothing listens at its address. Is it running?"),
                format!("{chinese}不在：该地址没有程序在监听。它在运行吗？"),
            )
        } else if error.is_connect() {
            (
                format!("{name} cannot be reached at its address. Check the address and the network."),
                format!("无法在该地址连接{chinese}。请检查地址和网络。"),
            )
        } else if error.is_request() {
            (
                format!("{name} closed the connection instead of answering."),
                format!("{chinese}没有回答就关闭了连接。"),
            )
        } else {
            (format!("{name} broke off in the middle of its answer."), format!("{chinese}的回答中途断开了。"))
        };
        Failure::new(message, in_chinese)
    }

    /// What a status that is no success means.
    pub(super) fn refused(self, status: StatusCode, retry_after: Option<Duration>) -> Failure {
        let (name, chinese, credential, code) =
            (self.name(), self.chinese(), self.credential(), status.as_u16());
        let (message, in_chinese) = match code {
            300..=399 => (
                format!("{name} points to another address ({code}). Enter the final address."),
                format!("{chinese}指向了另一个地址（{code}）。请填写最终地址。"),
            ),
            401 | 403 => (
                format!("{name} refuses the {credential} ({code}). Set it again."),
                format!("{chinese}拒绝了密钥（{code}）。请重新设置。"),
            ),
            404 | 405 => (
                match self {
                    Self::Model => format!(
                        "{name} is not at this address, or not under this name ({code}). Addresses often end in /v1."
                    ),
                    Self::Bot => format!("{name} is not at this address ({code})."),
                },
                match self {
                    Self::Model => {
                        format!("{chinese}不在此地址，或名称不对（{code}）。地址通常以 /v1 结尾。")
                    }
                    Self::Bot => format!("{chinese}不在此地址（{code}）。"),
                },
            ),
            410 => (
                format!("{name} is gone for good ({code}). Switch it off or enter its new address."),
                format!("{chinese}已永久撤下（{code}）。请关闭它，或填写新地址。"),
            ),
            429 => (
                format!("{name} is asked too often or its quota is used up ({code})."),
                format!("{chinese}被询问过于频繁，或配额已用完（{code}）。"),
            ),
            500.. => {
                (format!("{name} has a fault of its own ({code})."), format!("{chinese}自身出错（{code}）。"))
            }
            _ => (
                format!("{name} refuses the question ({code})."),
                format!("{chinese}拒绝了这个问题（{code}）。"),
            ),
        };
        Failure { retry_after, ..Failure::new(message, in_chinese) }
    }
}

fn has_cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> bool {
    cause::<E>(error).is_some()
}

fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut source = error.source();
    // Errors nest a few levels deep: client, connector, TLS, socket.
    for _ in 0..16 {
        let this = source?;
        if let Some(found) = this.downcast_ref::<E>() {
            return Some(found);
        }
        // An io::Error shows the source of what it carries, not what it carries.
        let carried = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = carried.and_then(|carried| carried.downcast_ref::<E>()) {
            return Some(found);
        }
        source = match carried {
            Some(carried) => Some(carried),
            None => this.source(),
        };
    }
    None
}

/// The media type without parameters, in lower case.
pub(super) fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3); the form with a date is rare and left alone.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds <= RETRY_SECONDS).then(|| Duration::from_secs(seconds))
}

/// A body of at most `bytes` bytes.
///
/// # Errors
/// It is longer, or breaks off.
pub(super) async fn body(mut response: Response, bytes: usize, who: Who) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| who.failed(&error))? {
        if body.len().saturating_add(chunk.len()) > bytes {
            return Err(who.too_much());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The beginning of what an endpoint says about a failure: to be looked at, never to be shown, since some repeat the key.
pub(super) async fn complaint(mut response: Response) -> String {
    let mut said = Vec::new();
    while said.len() < COMPLAINT_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        said.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&said).into_owned()
}
