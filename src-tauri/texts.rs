//! What the shell itself says, in the console's language. The console's own texts are the UI's.

use deskbell_protocol::settings::Language;

use crate::alerts::{Alert, Reason};
use crate::notices::{NotShown, PATIENCE};

/// Longest body of a notification, in characters.
const BODY_CHARS: usize = 160;

pub(crate) fn open(language: Language) -> &'static str {
    match language {
        Language::En => "Open Deskbell",
        Language::ZhCn => "打开 Deskbell",
    }
}

pub(crate) fn quit(language: Language) -> &'static str {
    match language {
        Language::En => "Quit",
        Language::ZhCn => "退出",
    }
}

pub(crate) fn waiting(language: Language, count: u32) -> String {
    match (language, count) {
        (Language::En, 0) => "Nobody is waiting".to_owned(),
        (Language::En, 1) => "1 conversation is waiting".to_owned(),
        (Language::En, n) => format!("{n} conversations are waiting"),
        (Language::ZhCn, 0) => "没有会话在等待".to_owned(),
        (Language::ZhCn, n) => format!("{n} 个会话正在等待"),
    }
}

/// The title of the window of a test customer.
pub(crate) fn test_customer(language: Language, number: u32) -> String {
    match language {
        Language::En => format!("Test customer {number}"),
        Language::ZhCn => format!("测试客户 {number}"),
    }
}

pub(crate) fn look(language: Language) -> &'static str {
    match language {
        Language::En => "Open",
        Language::ZhCn => "查看",
    }
}

/// The title and body of an alert's notification.
pub(crate) fn alert(language: Language, alert: &Alert) -> (String, String) {
    let what = match (language, alert.reason) {
        (Language::En, Reason::New) => "New conversation",
        (Language::En, Reason::Held) => "A reply waits for you",
        (Language::En, Reason::Waiting) => "Waiting for your reply",
        (Language::En, Reason::NeedsHuman) => "Needs you",
        (Language::ZhCn, Reason::New) => "新会话",
        (Language::ZhCn, Reason::Held) => "有回复待您确认",
        (Language::ZhCn, Reason::Waiting) => "等待您回复",
        (Language::ZhCn, Reason::NeedsHuman) => "需要人工",
    };
    let title = match &alert.name {
        Some(name) => format!("{what} · {}", short(name, 40)),
        None => what.to_owned(),
    };
    (title, short(&alert.line, BODY_CHARS))
}

/// The title and body of one notification for many alerts.
pub(crate) fn many(language: Language, alerts: &[Alert]) -> (String, String) {
    let urgent = alerts.iter().filter(|alert| alert.reason > Reason::New).count();
    let new = alerts.len() - urgent;
    match language {
        Language::En => {
            (format!("{} conversations", alerts.len()), format!("{urgent} wait for you, {new} are new."))
        }
        Language::ZhCn => {
            (format!("{} 个会话", alerts.len()), format!("{urgent} 个等待您，{new} 个新会话。"))
        }
    }
}

/// Why notifications do not work.
pub(crate) fn alerts_problem(language: Language, why: &NotShown) -> String {
    match (language, why) {
        (Language::En, NotShown::Refused(error)) if nobody(error) => {
            "No notification service is running on this desktop.".to_owned()
        }
        (Language::ZhCn, NotShown::Refused(error)) if nobody(error) => "此桌面没有运行通知服务。".to_owned(),
        (Language::En, NotShown::Refused(error)) => {
            format!("The notification service does not answer: {error}.")
        }
        (Language::ZhCn, NotShown::Refused(error)) => format!("通知服务没有响应：{error}。"),
        (Language::En, NotShown::Late) => {
            format!("The notification service has not answered within {} seconds.", PATIENCE.as_secs())
        }
        (Language::ZhCn, NotShown::Late) => format!("通知服务在 {} 秒内没有响应。", PATIENCE.as_secs()),
    }
}

/// Whether this is D-Bus's word for a service that does not run.
fn nobody(error: &str) -> bool {
    error.contains("ServiceUnknown")
}

fn short(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}
