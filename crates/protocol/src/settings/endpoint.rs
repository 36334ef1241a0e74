//! Bounds on what is asked over HTTP: the model and the webhook bot.

use url::Url;

use super::{ModelSettings, WebhookSettings, within};
use crate::error::Refusal;
use crate::limits;

impl ModelSettings {
    /// Within their bounds and trimmed. What is switched off may be empty, but not wrong.
    ///
    /// # Errors
    /// [`Code::InvalidSetting`](crate::Code::InvalidSetting) with a field such as `responder.model.url`, and a sentence.
    pub fn validated(mut self) -> Result<Self, Refusal> {
        const NAME: &str = "responder.model.model";
        self.url = address("responder.model.url", self.url.trim().trim_end_matches('/'), self.enabled)?;
        self.model = self.model.trim().to_owned();
        if self.enabled && self.model.is_empty() {
            return Err(Refusal::of_field(NAME, "Enter the model's name as the endpoint calls it.")
                .in_chinese("请填写模型名称，与接口所用的一致。"));
        }
        if self.model.chars().any(char::is_control) {
            return Err(
                Refusal::of_field(NAME, "A model's name is one line.").in_chinese("模型名称只能是一行。")
            );
        }
        within(NAME, &self.model, limits::NAME_BYTES)?;
        within("responder.model.system_prompt", &self.system_prompt, limits::TEMPLATE_BYTES)?;
        deadline("responder.model.deadline_seconds", self.deadline_seconds)?;
        if !(16..=4096).contains(&self.max_tokens) {
            return Err(Refusal::of_field("responder.model.max_tokens", "Choose 16 to 4,096 tokens.")
                .in_chinese("请填 16 到 4,096。"));
        }
        Ok(self)
    }
}

impl WebhookSettings {
    /// Within their bounds and trimmed. What is switched off may be empty, but not wrong.
    ///
    /// # Errors
    /// [`Code::InvalidSetting`](crate::Code::InvalidSetting) with a field such as `responder.webhook.url`, and a sentence.
    pub fn validated(mut self) -> Result<Self, Refusal> {
        self.url = address("responder.webhook.url", &self.url, self.enabled)?;
        deadline("responder.webhook.deadline_seconds", self.deadline_seconds)?;
        Ok(self)
    }
}

fn deadline(field: &str, seconds: u32) -> Result<(), Refusal> {
    if (1..=120).contains(&seconds) {
        return Ok(());
    }
    Err(Refusal::of_field(field, "Choose 1 to 120 seconds.").in_chinese("请填 1 到 120 秒。"))
}

/// An address that can be asked, as it was written but trimmed. Whatever else it is: secrets have no place in it, for
/// settings are stored and shown.
fn address(field: &str, text: &str, needed: bool) -> Result<String, Refusal> {
    let text = text.trim();
    let refused = |sentence: &str, chinese: &str| Err(Refusal::of_field(field, sentence).in_chinese(chinese));
    if text.is_empty() {
        return if needed { refused("Enter the address.", "请填写地址。") } else { Ok(String::new()) };
    }
    within(field, text, limits::ADDRESS_BYTES)?;
    let Ok(url) = Url::parse(text) else {
        return refused(
            "This is not an address such as https://bot.example/hook.",
            "这不是有效的地址，应如 https://bot.example/hook。",
        );
    };
    // Browsers read `http:///host` as `http://host`, and so does the parser; who writes that has forgotten the host.
    let names_a_host =
        text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with(['/', '\\', '?', '#']));
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !names_a_host {
        return refused("An address begins with https:// or http://.", "地址须以 https:// 或 http:// 开头。");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused(
            "An address has no user name or password in it. Enter the key in its own field.",
            "地址中不能有用户名或密码，密钥请填在它自己的栏里。",
        );
    }
    if url.fragment().is_some() {
        return refused("Leave out the # and what follows it.", "请去掉 # 及其后的内容。");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn refused(change: impl FnOnce(&mut Settings)) -> Option<String> {
        let mut settings = Settings::default();
        settings.responder.model.model = "llama3.2".to_owned();
        settings.responder.webhook.url = "https://bot.example/hook".to_owned();
        (settings.responder.model.enabled, settings.responder.webhook.enabled) = (true, true);
        assert_eq!(settings.clone().validated().map(|_| ()), Ok(()));
        change(&mut settings);
        settings.validated().err().map(|refusal| refusal.field.unwrap())
    }

    #[test]
    fn addresses_are_http_without_secrets() {
        for (url, fine) in [
            ("http://127.0.0.1:11434/v1", true),
            (" https://api.example/v1/ ", true),
            ("https://[::1]:8443/v1?version=2", true),
            ("http://模型.example/v1", true),
            ("", false),
            ("localhost:11434/v1", false),
            ("ftp://model.example/", false),
            ("file:///etc/passwd", false),
            ("http://", false),
            ("http:///v1", false),
            ("https://user:secret@model.example/v1", false),
            ("https://key@model.example/v1", false),
            ("https://model.example/v1#key", false),
            ("javascript:alert(1)", false),
        ] {
            let model = refused(|settings| settings.responder.model.url = url.to_owned());
            assert_eq!(model.as_deref(), (!fine).then_some("responder.model.url"), "{url}");
            let bot = refused(|settings| settings.responder.webhook.url = url.to_owned());
            assert_eq!(bot.as_deref(), (!fine).then_some("responder.webhook.url"), "{url}");
        }
        let long = format!("https://model.example/{}", "x".repeat(limits::ADDRESS_BYTES));
        assert!(refused(|settings| settings.responder.model.url = long).is_some());
    }

    #[test]
    fn what_is_off_may_be_empty_but_not_wrong() {
        let off = |url: &str| {
            let url = url.to_owned();
            refused(|settings| {
                settings.responder.model =
                    ModelSettings { enabled: false, url, model: String::new(), ..ModelSettings::default() };
            })
        };
        assert_eq!(off(""), None);
        assert_eq!(off("nonsense").as_deref(), Some("responder.model.url"));
    }

    #[test]
    fn numbers_and_texts_are_bounded() {
        type Change = fn(&mut Settings);
        let changes: [(&str, Change); 8] = [
            ("responder.model.model", |settings| settings.responder.model.model = " ".to_owned()),
            ("responder.model.model", |settings| settings.responder.model.model = "a\nb".to_owned()),
            ("responder.model.system_prompt", |settings| {
                settings.responder.model.system_prompt = "x".repeat(limits::TEMPLATE_BYTES + 1);
            }),
            ("responder.model.deadline_seconds", |settings| settings.responder.model.deadline_seconds = 0),
            ("responder.model.deadline_seconds", |settings| settings.responder.model.deadline_seconds = 121),
            ("responder.model.max_tokens", |settings| settings.responder.model.max_tokens = 15),
            ("responder.model.max_tokens", |settings| settings.responder.model.max_tokens = 4097),
            ("responder.webhook.deadline_seconds", |settings| {
                settings.responder.webhook.deadline_seconds = 0
            }),
        ];
        for (field, change) in changes {
            assert_eq!(refused(change).as_deref(), Some(field));
        }
    }
}
