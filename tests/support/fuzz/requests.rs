//! Any bytes as requests of a console to a real desk, with a customer who writes meanwhile: no request makes it panic,
//! every refusal changes nothing, and what always holds of a conversation holds after each of them.

use std::collections::BTreeSet;

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::customer::ClientFrame;
use deskbell_protocol::entity::{Control, Conversation, Message};
use deskbell_protocol::limits::{CONVERSATION_LABELS, LABEL_BYTES};
use deskbell_protocol::{AnswerId, Code, ConversationId, Refusal, Revision, Seq};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::Target;
use super::customer::{Customer, seen};
use super::world::{World, runtime};

/// Lines of an input that are looked at.
const LINES: usize = 40;
/// Where nobody answers: models and bots of an input are asked here.
const NOWHERE: &str = "http://127.0.0.1:1/v1";

/// The target. An input is lines of JSON: requests, and a customer's frames. Conversation 0 is the customer's.
pub struct Requests {
    runtime: Runtime,
    world: World,
    stories: u64,
}

impl Target for Requests {
    const NAME: &'static str = "requests";

    fn new() -> Self {
        let runtime = runtime();
        let world = runtime.block_on(World::new());
        Self { runtime, world, stories: 0 }
    }

    fn run(&mut self, input: &[u8]) {
        self.stories += 1;
        let name = format!("r{}", self.stories);
        self.runtime.block_on(async {
            self.world.next_input().await;
            let mut story = Story::new(&self.world, Customer::new(name)).await;
            for line in input.split(|byte| *byte == b'\n').take(LINES) {
                story.take(line).await;
            }
            story.end().await;
        });
    }
}

struct Story<'a> {
    world: &'a World,
    customer: Customer,
    /// The customer's conversation, as long as it is there.
    id: ConversationId,
    saved_settings: bool,
    taught: bool,
    /// The customer has sent what is not answered, so that it is not known whether it was taken.
    unanswered: bool,
}

impl<'a> Story<'a> {
    async fn new(world: &'a World, mut customer: Customer) -> Self {
        assert!(customer.connect(world).await);
        customer.queue("hello");
        customer.deliver().await;
        let id = world.named(&customer.name).await.unwrap().id;
        Self { world, customer, id, saved_settings: false, taught: false, unanswered: false }
    }

    async fn take(&mut self, line: &[u8]) {
        let Ok(mut value) = serde_json::from_slice::<Value>(line) else {
            // Not JSON, so it must not be a request either.
            assert!(serde_json::from_slice::<Request>(line).is_err());
            return;
        };
        place(&mut value, self.id);
        if let Ok(request) = serde_json::from_value::<Request>(value.clone()) {
            let again = serde_json::to_string(&request).unwrap();
            assert_eq!(serde_json::from_str::<Request>(&again).unwrap(), request);
            if let Some(request) = harmless(request) {
                self.ask(request).await;
            }
        } else if let Ok(frame) = serde_json::from_value::<ClientFrame>(value) {
            self.hear(frame).await;
        }
    }

    /// A customer's frame. What the customer says is under ids of its own.
    async fn hear(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello(_) => drop(self.customer.connect(self.world).await),
            ClientFrame::Message { text, .. } => {
                self.customer.queue(&text);
                self.customer.deliver().await;
            }
            frame => {
                self.customer.tell(&frame).await;
                self.unanswered = true;
            }
        }
    }

    async fn ask(&mut self, request: Request) {
        self.saved_settings |= matches!(request, Request::SaveSettings { .. });
        self.taught |= matches!(
            request,
            Request::SaveRule { .. }
                | Request::SaveAnswer { .. }
                | Request::ImportAnswers { .. }
                | Request::AddStarterAnswers {}
        );
        let asked = format!("{request:?}");
        let waits_for_upkeep =
            matches!(request, Request::BackUp {} | Request::Restore { .. } | Request::Erase { .. });
        if std::mem::take(&mut self.unanswered) {
            // What has no answer is taken in the desk's own time. A message after it is acknowledged after it.
            self.customer.queue("and?");
            self.customer.deliver().await;
        }
        let before = self.world.conversation(self.id).await;
        match self.world.call(request).await {
            Ok(response) => check_response(&response),
            Err(refusal) => {
                check_refusal(&refusal, waits_for_upkeep);
                // With settings of its own the desk acts by itself meanwhile: a model fails, a hold ends.
                if !self.saved_settings {
                    let after = self.world.conversation(self.id).await;
                    assert_eq!(said(after), said(before), "{asked} was refused and changed it");
                }
            }
        }
        if let Some((after, thread)) = self.world.both(self.id).await {
            check(&after, &thread, &asked);
        }
    }

    /// The customer has what the desk has, and the desk is as it was for the next input.
    async fn end(mut self) {
        if self.saved_settings {
            self.world.usual_settings().await;
        }
        if self.taught {
            forget(self.world).await;
        }
        if self.world.conversation(self.id).await.is_some() {
            self.customer.check(self.world).await;
            let thread = self.world.thread(self.id).await;
            assert_eq!(self.customer.lost(&thread), 0);
            assert_eq!(self.customer.view, seen(&thread));
        }
    }
}

/// Puts the customer's conversation in the place of 0.
fn place(value: &mut Value, id: ConversationId) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "conversation" && *value == 0 {
                    *value = id.0.into();
                }
                place(value, id);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| place(value, id)),
        _ => {}
    }
}

/// Nothing of an input leaves this process: models and bots are asked where nobody is, the keyring is left alone, and no
/// other port is opened.
fn harmless(mut request: Request) -> Option<Request> {
    match &mut request {
        Request::SaveSettings { settings } => {
            let responder = &mut settings.responder;
            for (enabled, url) in [
                (responder.model.enabled, &mut responder.model.url),
                (responder.webhook.enabled, &mut responder.webhook.url),
            ] {
                if enabled {
                    NOWHERE.clone_into(url);
                }
            }
        }
        Request::TestModel { model } => NOWHERE.clone_into(&mut model.url),
        Request::TestWebhook { webhook } => NOWHERE.clone_into(&mut webhook.url),
        Request::Listen { address } if address.parse::<std::net::SocketAddr>().is_ok() => return None,
        Request::SetSecret { .. } | Request::Secrets {} => return None,
        _ => {}
    }
    Some(request)
}

fn check_response(response: &Response) {
    let again = serde_json::to_string(response).unwrap();
    assert_eq!(&serde_json::from_str::<Response>(&again).unwrap(), response);
}

/// Only one backup, restore or erasure goes on at a time; nothing else is ever refused for a fault of the desk.
fn check_refusal(refusal: &Refusal, waits_for_upkeep: bool) {
    assert!(!refusal.message.is_empty(), "{refusal:?}");
    let is_fault = matches!(refusal.code, Code::Internal | Code::StoreFailed | Code::ShuttingDown);
    let is_busy = refusal.code == Code::Overloaded && !waits_for_upkeep;
    assert!(!is_fault && !is_busy, "{refusal:?}");
}

/// A conversation without what changes by itself: who is connected, and what was written to sockets.
fn said(conversation: Option<Conversation>) -> Option<Conversation> {
    conversation.map(|conversation| Conversation {
        connections: Vec::new(),
        delivered_seq: Seq(0),
        ..conversation
    })
}

/// What always holds.
fn check(conversation: &Conversation, thread: &[Message], after: &str) {
    if conversation.held.is_some() {
        assert_eq!(conversation.control, Control::Automatic, "a reply is held under human control: {after}");
    }
    if conversation.suggestion.is_some() {
        assert_eq!(conversation.control, Control::Human, "a suggestion for nobody: {after}");
    }
    let labels = &conversation.labels;
    assert!(labels.len() <= CONVERSATION_LABELS && labels.iter().all(|label| label.len() <= LABEL_BYTES));
    for (name, seq) in [
        ("agents read", conversation.agent_read_seq),
        ("delivered", conversation.delivered_seq),
        ("the customer read", conversation.customer_read_seq),
    ] {
        assert!((0..=conversation.last_seq.0).contains(&seq.0), "{name} up to {seq} after {after}");
    }
    assert!(thread.windows(2).all(|pair| pair[1].seq == pair[0].seq.next()), "a place is missing: {after}");
    assert_eq!(thread.last().map(|message| message.seq), Some(conversation.last_seq), "{after}");
    let visible = || thread.iter().filter(|message| message.author.is_visible_to_customer());
    let revisions: BTreeSet<Revision> = visible().map(|message| message.revision).collect();
    assert_eq!(revisions.len(), visible().count(), "a revision is there twice: {after}");
    assert_eq!(revisions.last(), Some(&conversation.revision), "{after}");
}

/// Deletes all rules and answers.
async fn forget(world: &World) {
    if let Response::Rules { rules } = world.ask(Request::Rules {}).await {
        for row in rules {
            world.ask(Request::DeleteRule { rule: row.rule.id }).await;
        }
    }
    loop {
        let page = Request::Answers { query: String::new(), offset: 0, limit: 200 };
        let Response::Answers { answers, .. } = world.ask(page).await else { return };
        let answers: Vec<AnswerId> = answers.into_iter().map(|row| row.answer.id).collect();
        if answers.is_empty() {
            return;
        }
        world.ask(Request::DeleteAnswers { answers }).await;
    }
}
