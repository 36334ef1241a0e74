//! What the agent can change. Stored with the desk; a change holds from the next message on.

mod edge;
mod endpoint;

pub use edge::{Bound, Limits};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::Refusal;
use crate::limits;

/// A language that the desk speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Language {
    /// The language of a BCP 47 tag, if the desk speaks it: any `zh…` is Chinese, any `en…` English.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_', '.']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::ZhCn)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The best of an Accept-Language header (RFC 9110 §12.5.4) that the desk speaks.
    #[must_use]
    pub fn of_accept_language(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for part in header.split(',').take(32) {
            let mut fields = part.split(';');
            let Some(language) = fields.next().and_then(Self::of_tag) else { continue };
            let quality =
                fields.find_map(|f| f.trim().strip_prefix("q=")?.trim().parse::<f32>().ok()).unwrap_or(1.0);
            if quality > 0.0 && best.is_none_or(|(q, _)| quality > q) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// A text in each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Localized {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    pub zh_cn: String,
}

impl Localized {
    /// The text in this language.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::ZhCn => &self.zh_cn,
        }
    }
}

/// How long a proposal waits, visible to the agent, before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Hold {
    /// That many seconds; 0 sends at once.
    Seconds {
        /// 0 to 3,600.
        seconds: u32,
    },
    /// Never by itself: an agent must send it.
    Ask,
}

impl Default for Hold {
    fn default() -> Self {
        Self::Seconds { seconds: 0 }
    }
}

/// When the default reply answers a customer's message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// Every message gets it.
    #[default]
    EveryMessage,
    /// Only the first of a visit; later ones wait for a person.
    OncePerVisit,
}

/// The console's theme.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What alerts an agent, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Alerts {
    /// Notify when a new conversation begins.
    pub new_conversation: bool,
    /// Notify when a conversation needs a human.
    pub needs_human: bool,
    /// With a sound.
    pub sound: bool,
    /// Seconds after which an alert that nobody looked at is repeated, 15 to 3,600; 0 never repeats.
    pub repeat_seconds: u32,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { new_conversation: true, needs_human: true, sound: true, repeat_seconds: 60 }
    }
}

/// What happens to replies that would wait for an agent while nobody is at the console.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum WhileAway {
    /// They wait all the same.
    Hold,
    /// They are sent at once.
    #[default]
    SendAtOnce,
    /// The away text is sent once a visit, and the conversation is marked as needing a human.
    TellAway,
}

/// A model behind an OpenAI-compatible chat endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct ModelSettings {
    /// Whether it takes part.
    pub enabled: bool,
    /// The endpoint's base, such as `http://127.0.0.1:11434/v1`; `/chat/completions` is added.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// What it is told before the thread.
    pub system_prompt: String,
    /// Seconds from the question to the last word, 1 to 120.
    pub deadline_seconds: u32,
    /// Tokens of one reply, 16 to 4,096.
    pub max_tokens: u32,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            url: "http://127.0.0.1:11434/v1".to_owned(),
            model: String::new(),
            system_prompt: DEFAULT_PROMPT.to_owned(),
            deadline_seconds: 20,
            max_tokens: 400,
        }
    }
}

/// What a model is told before the thread unless the agent says otherwise.
pub const DEFAULT_PROMPT: &str = "You answer customers of a small shop in its support chat. Answer in the customer's \
language, in at most three short sentences, as plain text. Use only what the notes below and the conversation say. \
Never invent prices, dates, policies or links.";

/// A bot that is asked over HTTP, signed by the Standard Webhooks scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct WebhookSettings {
    /// Whether it takes part.
    pub enabled: bool,
    /// Where messages are posted.
    pub url: String,
    /// Seconds until a reply must have come, in the response or later through the API; 1 to 120.
    pub deadline_seconds: u32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { enabled: false, url: String::new(), deadline_seconds: 10 }
    }
}

/// When the desk is staffed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct BusinessHours {
    /// An IANA time zone, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// From Monday to Sunday, seven lists of spans in order that do not overlap; an empty list is closed.
    pub days: Vec<Vec<Span>>,
}

/// A span of one day, in minutes since midnight: `from` is in it, `to` is not. 0 ≤ `from` < `to` ≤ 1,440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Span {
    /// The first minute.
    pub from: u32,
    /// The minute after the last.
    pub to: u32,
}

/// How the responder answers, and when it has control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct ResponderSettings {
    /// Whether answers of the knowledge base take part.
    pub answers: bool,
    /// The score from which an answer is sure, in per cent, 1 to 100.
    pub threshold_percent: u32,
    /// Phrases with which a customer asks for a person, at most 100, each 1 to 128 bytes.
    pub human_phrases: Vec<String>,
    /// What a customer who asked for a person is told; may be empty.
    pub person_called: Localized,
    /// The model.
    pub model: ModelSettings,
    /// The webhook bot.
    pub webhook: WebhookSettings,
    /// Whether the responder drafts while a human has control.
    pub suggestions: bool,
    /// Whether the console offers to learn from what agents do.
    pub lessons: bool,
    /// Seconds after which an agent who does not answer a waiting customer loses control to the responder, 60 to 86,400
    /// (tests may go lower); 0 is never.
    pub return_after_seconds: u32,
    /// Whether resolving gives control back to the responder.
    pub return_on_resolve: bool,
    /// What happens to replies that would wait while nobody is at the console.
    pub while_away: WhileAway,
    /// Minutes without input on this machine after which nobody is at the console, 1 to 1,440; 0 is only by hand.
    pub away_after_minutes: u32,
    /// When the desk is staffed; `null` is always.
    pub hours: Option<BusinessHours>,
    /// Instead of the default reply outside business hours, and for [`WhileAway::TellAway`].
    pub away_text: Localized,
}

impl Default for ResponderSettings {
    fn default() -> Self {
        Self {
            answers: true,
            threshold_percent: 60,
            human_phrases: DEFAULT_HUMAN_PHRASES.iter().map(|phrase| (*phrase).to_owned()).collect(),
            person_called: Localized {
                en: "A colleague has been called and will answer you here.".to_owned(),
                zh_cn: "已为您呼叫人工客服，请稍候，客服会在这里回复您。".to_owned(),
            },
            model: ModelSettings::default(),
            webhook: WebhookSettings::default(),
            suggestions: true,
            lessons: true,
            return_after_seconds: 0,
            return_on_resolve: true,
            while_away: WhileAway::default(),
            away_after_minutes: 0,
            hours: None,
            away_text: Localized {
                en: "Nobody is at the desk right now. Leave your message here; we will answer as soon as we are back."
                    .to_owned(),
                zh_cn: "当前没有客服在线，请留言，我们上线后会尽快回复您。".to_owned(),
            },
        }
    }
}

/// Phrases with which customers ask for a person, unless the agent says otherwise.
pub const DEFAULT_HUMAN_PHRASES: &[&str] = &[
    "human",
    "agent",
    "real person",
    "talk to a human",
    "talk to a person",
    "speak to a human",
    "speak to a person",
    "speak to someone",
    "talk to someone",
    "customer service",
    "human agent",
    "live agent",
    "人工",
    "转人工",
    "人工客服",
    "人工服务",
    "真人",
    "真人客服",
    "找客服",
    "我要人工",
];

/// Everything that an agent can set. Fields that are missing in stored settings take their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
pub struct Settings {
    /// The name under which the agent appears to customers and in the thread.
    pub agent_name: String,
    /// Sent on connect.
    pub greeting: Localized,
    /// The default reply.
    pub reply: Localized,
    /// When the default reply answers.
    pub fallback: Fallback,
    /// The hold of conversations that have none of their own.
    pub hold: Hold,
    /// The language for customers whose client names none; `null` is the system's.
    pub customer_language: Option<Language>,
    /// The console's language; `null` is the system's.
    pub console_language: Option<Language>,
    /// The console's theme.
    pub theme: Theme,
    /// Alerts.
    pub alerts: Alerts,
    /// Closing the window hides it in the tray and the desk goes on.
    pub close_to_tray: bool,
    /// Where to listen, as `IP:PORT`. Changed by the request `listen`, not by saving settings.
    pub listen: String,
    /// Sites from which browsers may connect besides this desk's own pages, as `https://host[:port]`; `null` and `file://`
    /// are pages opened from files, `none` is programs on other machines, `*` is any of all these.
    pub allowed_origins: Vec<String>,
    /// The responder.
    pub responder: ResponderSettings,
    /// How many backups of each reason are kept, 1 to 365.
    pub backups_kept: u32,
    /// Bounds on sockets.
    pub limits: Limits,
}

/// The default address.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

impl Default for Settings {
    fn default() -> Self {
        Self {
            agent_name: "Agent".to_owned(),
            greeting: Localized {
                en: "Hello, welcome to live support. What can we help you with?".to_owned(),
                zh_cn: "你好，欢迎来到在线客服系统，有什么问题需要帮助吗？".to_owned(),
            },
            reply: Localized {
                en: "Hello, what can we help you with?".to_owned(),
                zh_cn: "您好，您有什么问题需要帮助吗？".to_owned(),
            },
            fallback: Fallback::default(),
            hold: Hold::default(),
            customer_language: None,
            console_language: None,
            theme: Theme::default(),
            alerts: Alerts::default(),
            close_to_tray: true,
            listen: DEFAULT_LISTEN.to_owned(),
            allowed_origins: Vec::new(),
            responder: ResponderSettings::default(),
            backups_kept: 7,
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Settings within their bounds: trimmed where white space has no meaning, or the refusal of the first bad field.
    ///
    /// # Errors
    /// [`Code::InvalidSetting`](crate::Code::InvalidSetting) with the field and a sentence.
    pub fn validated(mut self) -> Result<Self, Refusal> {
        self.agent_name = self.agent_name.trim().to_owned();
        if self.agent_name.is_empty() {
            return Err(Refusal::of_field("agent_name", "Give the agent a name; customers see it.")
                .in_chinese("请填写客服名称，客户会看到它。"));
        }
        within("agent_name", &self.agent_name, limits::NAME_BYTES)?;
        for (field, text) in [
            ("greeting.en", &self.greeting.en),
            ("greeting.zh-CN", &self.greeting.zh_cn),
            ("reply.en", &self.reply.en),
            ("reply.zh-CN", &self.reply.zh_cn),
        ] {
            within(field, text, limits::TEMPLATE_BYTES)?;
        }
        validate_hold("hold", self.hold)?;
        self.responder = self.responder.validated()?;
        let repeat = self.alerts.repeat_seconds;
        if repeat != 0 && !(15..=3600).contains(&repeat) {
            return Err(Refusal::of_field(
                "alerts.repeat_seconds",
                "Repeat alerts after 15 to 3,600 seconds, or 0 for never.",
            )
            .in_chinese("请填 15 到 3,600 秒；填 0 则不重复。"));
        }
        if !(1..=365).contains(&self.backups_kept) {
            return Err(Refusal::of_field("backups_kept", "Keep 1 to 365 backups.")
                .in_chinese("请保留 1 到 365 个备份。"));
        }
        self.limits.validate()?;
        if self.allowed_origins.len() > limits::ALLOWED_ORIGINS {
            return Err(
                Refusal::of_field("allowed_origins", "At most 64 sites.").in_chinese("最多 64 个网站。")
            );
        }
        for origin in &mut self.allowed_origins {
            *origin = origin.trim().to_ascii_lowercase();
            if origin != FILES {
                origin.truncate(origin.trim_end_matches('/').len());
            }
            if !is_origin(origin) {
                let shown = limits::cut(origin, 80);
                return Err(Refusal::of_field(
                    "allowed_origins",
                    format!("“{shown}” is not a site such as https://shop.example."),
                )
                .in_chinese(format!("“{shown}”不是有效的网站，应如 https://shop.example。")));
            }
        }
        Ok(self)
    }
}

/// A hold within its bounds.
///
/// # Errors
/// [`Code::InvalidSetting`](crate::Code::InvalidSetting) when it is over an hour.
pub fn validate_hold(field: &str, hold: Hold) -> Result<(), Refusal> {
    match hold {
        Hold::Seconds { seconds } if seconds > limits::HOLD_SECONDS => {
            Err(Refusal::of_field(field, "Hold a reply for at most 3,600 seconds, or choose “ask”.")
                .in_chinese("回复最多保留 3,600 秒，或选择“询问”。"))
        }
        _ => Ok(()),
    }
}

/// A text of at most so many bytes.
pub fn within(field: &str, text: &str, bytes: usize) -> Result<(), Refusal> {
    if text.len() > bytes {
        let has = text.len();
        return Err(Refusal::of_field(field, format!("At most {bytes} bytes; this has {has}."))
            .in_chinese(format!("最多 {bytes} 字节，现有 {has} 字节。")));
    }
    Ok(())
}

/// In `allowed_origins`: programs, which send no `Origin`, on other machines.
pub const NO_ORIGIN: &str = "none";
/// The origin of pages opened from files, in some browsers; in others it is `null`.
const FILES: &str = "file://";

/// One of the words, or scheme and authority without path (RFC 6454 §6.1).
fn is_origin(origin: &str) -> bool {
    if ["*", "null", FILES, NO_ORIGIN].contains(&origin) {
        return true;
    }
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    !scheme.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.is_empty()
        && rest.len() <= 255
        && rest.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '@' | '\\'))
}
