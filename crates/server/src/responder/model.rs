//! A model behind an OpenAI-compatible chat endpoint: Ollama, llama.cpp, vLLM, a cloud.

use std::time::Duration;

use deskbell_protocol::entity::Author;
use deskbell_protocol::limits::{REPLY_BYTES, cut};
use deskbell_protocol::responder::Tested;
use deskbell_protocol::settings::{Language, ModelSettings};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::http::{Failure, Http, Who, body, complaint, media_type, retry_after};
use super::prompt::{Said, Turn, messages};
use super::secrets::Secret;
use super::stream::Events;
use super::verdict::{End, draft, is_not_sure, judge};

/// Between two looks at what the model has written so far.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of a reply that comes in one piece.
const WHOLE_BYTES: usize = 256 * 1024;
/// Bytes of a model's words, thoughts included, after which it is stopped.
const WORDS_BYTES: usize = 4 * REPLY_BYTES;
/// Time that must be left after a wait that the endpoint asked for.
const WORTH_A_TRY: Duration = Duration::from_secs(1);

/// What a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct ModelQuestion {
    pub(crate) settings: ModelSettings,
    pub(crate) key: Option<Secret>,
    /// The customer's.
    pub(crate) language: Language,
    /// The best answers of the knowledge base: a question and its reply each, best first.
    pub(crate) notes: Vec<(String, String)>,
    /// Oldest first; the newest 20 turns and 8 KiB are told. The customer's question is the last.
    pub(crate) thread: Vec<Turn>,
}

/// What a model makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelReply {
    /// A whole reply, at most as long as a message.
    Text(String),
    /// It said so, said nothing, refused, or did not finish a sentence.
    NotSure,
}

/// Asks the model. `so_far` gets all of its words so far, at most every 50 ms, and none that may turn out to mean that it
/// is not sure. Dropping the future ends the request.
///
/// # Errors
/// A [`Failure`]: the endpoint cannot be reached, refuses, breaks off, answers something else, or the deadline passed.
pub(crate) async fn ask_model(
    http: &Http,
    question: ModelQuestion,
    so_far: impl FnMut(&str) + Send,
) -> Result<ModelReply, Failure> {
    let seconds = question.settings.deadline_seconds;
    let deadline = Instant::now() + Duration::from_secs(u64::from(seconds));
    let asked = tokio::time::timeout_at(deadline, converse(http, &question, deadline, so_far));
    asked.await.unwrap_or_else(|_| Err(Who::Model.too_late(seconds)))
}

/// Asks the model once, for the button in the settings.
pub(crate) async fn test_model(http: &Http, settings: ModelSettings, key: Option<Secret>) -> Tested {
    let begun = Instant::now();
    let question = ModelQuestion {
        settings,
        key,
        language: Language::En,
        notes: vec![("Are you there?".to_owned(), "Yes, I am here and ready to help.".to_owned())],
        thread: vec![Turn { author: Author::Customer, text: "Are you there?".to_owned() }],
    };
    let (works, message, message_zh) = match ask_model(http, question, |_| {}).await {
        Ok(ModelReply::Text(text)) => {
            let said = cut(text.trim(), 200);
            (true, format!("It answered: “{said}”"), format!("它回答：“{said}”"))
        }
        Ok(ModelReply::NotSure) => {
            let message = "It answered that it is not sure; then the next part of the chain is asked.";
            (true, message.to_owned(), "它回答不确定；此时会询问应答链的下一环。".to_owned())
        }
        Err(failure) => (false, failure.message, failure.chinese),
    };
    let took_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
    Tested { works, message, message_zh, took_ms }
}

/// The request's body.
#[derive(Serialize)]
struct Chat<'a> {
    model: &'a str,
    messages: &'a [Said],
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    /// What newer cloud models call it, and they refuse the older name, as local servers ignore the newer.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

async fn converse(
    http: &Http,
    question: &ModelQuestion,
    deadline: Instant,
    so_far: impl FnMut(&str) + Send,
) -> Result<ModelReply, Failure> {
    let Some(messages) = messages(question) else { return Ok(ModelReply::NotSure) };
    let limit = Some(question.settings.max_tokens);
    let mut chat = Chat {
        model: &question.settings.model,
        messages: &messages,
        stream: true,
        max_tokens: limit,
        max_completion_tokens: None,
    };
    let mut waited = false;
    loop {
        let response = post(http, question, &chat).await?;
        let status = response.status();
        if status.is_success() {
            return read(response, so_far).await;
        }
        let failure = Who::Model.refused(status, retry_after(&response));
        match failure.retry_after {
            Some(wait) if !waited && Instant::now() + wait + WORTH_A_TRY < deadline => {
                waited = true;
                drop(response);
                tokio::time::sleep(wait).await;
            }
            _ if status == StatusCode::BAD_REQUEST && chat.max_tokens.is_some() => {
                if !complaint(response).await.contains("max_completion_tokens") {
                    return Err(failure);
                }
                (chat.max_tokens, chat.max_completion_tokens) = (None, limit);
            }
            _ => return Err(failure),
        }
    }
}

async fn post(http: &Http, question: &ModelQuestion, chat: &Chat<'_>) -> Result<Response, Failure> {
    let invalid = || {
        Failure::new(
            "The model's address is not valid. Enter one such as http://127.0.0.1:11434/v1.",
            "模型的地址无效，应如 http://127.0.0.1:11434/v1。",
        )
    };
    let mut url = Url::parse(question.settings.url.trim()).map_err(|_| invalid())?;
    url.path_segments_mut().map_err(|()| invalid())?.pop_if_empty().extend(["chat", "completions"]);
    let body = serde_json::to_vec(chat)
        .map_err(|_| Failure::new("The question cannot be written as JSON.", "问题无法写成 JSON。"))?;
    let mut request = http
        .client()?
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "text/event-stream, application/json")
        .body(body);
    if let Some(key) = &question.key {
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose())).map_err(|_| {
            Failure::new(
                "The model's key has characters that no key has. Set it again.",
                "模型的密钥含有无效字符。请重新设置。",
            )
        })?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request.send().await.map_err(|error| Who::Model.failed(&error))
}

async fn read(response: Response, so_far: impl FnMut(&str) + Send) -> Result<ModelReply, Failure> {
    match media_type(&response).as_deref() {
        Some("text/event-stream") | None => read_stream(response, so_far).await,
        Some("application/json") => {
            let mut words = Words::default();
            let body = body(response, WHOLE_BYTES, Who::Model).await?;
            words.take(&String::from_utf8_lossy(&body))?;
            words.reply()
        }
        _ => Err(not_chat()),
    }
}

async fn read_stream(
    mut response: Response,
    mut so_far: impl FnMut(&str) + Send,
) -> Result<ModelReply, Failure> {
    let mut events = Events::default();
    let mut words = Words::default();
    // When the words that were not shown yet are due; none are when it is empty.
    let mut look: Option<Instant> = None;
    let mut looked = Instant::now() - LOOK;
    loop {
        let chunk = tokio::select! {
            chunk = response.chunk() => chunk.map_err(|error| Who::Model.failed(&error))?,
            () = tokio::time::sleep_until(look.unwrap_or(looked)), if look.is_some() => {
                (look, looked) = (None, Instant::now());
                if let Some(draft) = draft(&words.text) {
                    so_far(draft);
                }
                continue;
            }
        };
        let Some(chunk) = chunk else {
            if let Some(event) = events.rest() {
                words.take(&event)?;
            }
            return words.reply();
        };
        for event in events.take(&chunk).map_err(|_| Who::Model.too_much())? {
            words.take(&event)?;
        }
        if words.done || is_not_sure(&words.text) || words.text.len() > WORDS_BYTES {
            return words.reply();
        }
        look = look.or(Some(looked + LOOK));
    }
}

fn not_chat() -> Failure {
    Failure::new(
        "What answers at the model's address is not an OpenAI-compatible chat endpoint. Addresses often end in /v1.",
        "该地址上的不是兼容 OpenAI 的聊天接口。地址通常以 /v1 结尾。",
    )
}

/// A chunk of a stream, or the whole reply of an endpoint that does not stream.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a stream.
    delta: Option<Delta>,
    /// In a whole reply.
    message: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<Content>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    /// Some endpoints send parts, thoughts among them.
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

/// A model's words so far.
#[derive(Default)]
struct Words {
    text: String,
    end: Option<End>,
    /// Whether nothing more comes.
    done: bool,
}

impl Words {
    fn take(&mut self, event: &str) -> Result<(), Failure> {
        if event == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk = serde_json::from_str(event).map_err(|_| not_chat())?;
        if chunk.error.is_some() {
            return Err(Failure::new(
                "The model reported a fault of its own while it was answering.",
                "模型在回答时报告了自身的错误。",
            ));
        }
        // The last chunk of some endpoints has numbers and no choice.
        let Some(choice) = chunk.choices.ok_or_else(not_chat)?.into_iter().next() else { return Ok(()) };
        if let Some(delta) = choice.delta.or(choice.message) {
            match delta.content {
                Some(Content::Text(text)) => self.text.push_str(&text),
                Some(Content::Parts(parts)) => {
                    self.text.extend(parts.into_iter().filter_map(|part| part.text));
                }
                None => {}
            }
            if delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
                self.end = Some(End::Refused);
            }
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => {}
            Some("stop" | "eos") => self.end = self.end.or(Some(End::Complete)),
            Some("length") => self.end = self.end.or(Some(End::Limit)),
            // content_filter, tool_calls and whatever else: not an answer to the customer.
            Some(_) => self.end = Some(End::Refused),
        }
        Ok(())
    }

    /// The reply when nothing more comes. Without an end, it broke off: half a sentence is never a reply.
    fn reply(&self) -> Result<ModelReply, Failure> {
        if is_not_sure(&self.text) {
            return Ok(ModelReply::NotSure);
        }
        let end = match self.end {
            Some(end) => end,
            None if self.done => End::Complete,
            None if self.text.len() > WORDS_BYTES => End::Limit,
            None => {
                return Err(Failure::new(
                    "The model broke off in the middle of its answer.",
                    "模型的回答中途断开了。",
                ));
            }
        };
        Ok(judge(&self.text, end))
    }
}

#[cfg(test)]
mod tests;
