//! A console over `deskbell.agent.v1`.

use std::collections::VecDeque;

use deskbell_protocol::agent::{AgentClientFrame, AgentServerFrame, Request, Response, Snapshot, Update};
use deskbell_protocol::entity::{Conversation, HeldReply, Message};
use deskbell_protocol::responder::Answer;
use deskbell_protocol::settings::{Hold, Settings};
use deskbell_protocol::{AnswerId, ConversationId, Refusal};
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite;

use crate::customer::{Socket, next_text, open};
use crate::within;

/// A console.
pub struct Agent {
    pub socket: Socket,
    last_call: i64,
    /// Updates that came while an answer was awaited.
    updates: VecDeque<Update>,
    /// Every frame that came, where a test wants to search them.
    pub transcript: Option<String>,
}

impl Agent {
    pub async fn connect(address: &str, secret: &str) -> Self {
        let mut agent = Self::open(address).await;
        agent.write(&AgentClientFrame::Hello { secret: secret.to_owned() }).await;
        assert!(matches!(agent.read().await, Some(AgentServerFrame::Welcome { .. })));
        agent
    }

    /// Opens the socket without a hello.
    pub async fn open(address: &str) -> Self {
        let headers = [("Sec-WebSocket-Protocol", "deskbell.agent.v1")];
        let socket = open(address, "/console/ws", &headers).await;
        Self { socket, last_call: 0, updates: VecDeque::new(), transcript: None }
    }

    pub async fn write(&mut self, frame: &AgentClientFrame) {
        let text = serde_json::to_string(frame).unwrap();
        self.socket.send(tungstenite::Message::text(text)).await.unwrap();
    }

    pub async fn read(&mut self) -> Option<AgentServerFrame> {
        let text = next_text(&mut self.socket).await?;
        if let Some(transcript) = &mut self.transcript {
            transcript.push_str(&text);
        }
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    pub async fn call(&mut self, request: Request) -> Result<Response, Refusal> {
        self.try_call(request).await.expect("an answer, but the socket closed")
    }

    /// As [`Agent::call`], or `None` when the socket breaks before the answer.
    pub async fn try_call(&mut self, request: Request) -> Option<Result<Response, Refusal>> {
        self.last_call += 1;
        let id = self.last_call;
        let call = serde_json::to_string(&AgentClientFrame::Call { id, request }).unwrap();
        self.socket.send(tungstenite::Message::text(call)).await.ok()?;
        loop {
            match self.read().await? {
                AgentServerFrame::Response { id: answered, response } if answered == id => {
                    return Some(Ok(response));
                }
                AgentServerFrame::Refusal { id: Some(answered), refusal } if answered == id => {
                    return Some(Err(refusal));
                }
                AgentServerFrame::Batch { batch } => self.updates.extend(batch.updates),
                frame => panic!("{frame:?}"),
            }
        }
    }

    /// A call that must succeed.
    pub async fn ask(&mut self, request: Request) -> Response {
        self.call(request).await.unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    pub async fn next_update(&mut self) -> Update {
        loop {
            if let Some(update) = self.updates.pop_front() {
                return update;
            }
            match self.read().await.expect("updates, but the socket closed") {
                AgentServerFrame::Batch { batch } => self.updates.extend(batch.updates),
                frame => panic!("{frame:?}"),
            }
        }
    }

    /// Waits for an update for which `wanted` finds something.
    pub async fn update<T>(&mut self, mut wanted: impl FnMut(Update) -> Option<T>) -> T {
        within("an update", async {
            loop {
                if let Some(found) = wanted(self.next_update().await) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits until a conversation is as `wanted` says.
    pub async fn until(&mut self, wanted: impl Fn(&Conversation) -> bool) -> Conversation {
        self.update(|update| match update {
            Update::Conversation { conversation } if wanted(&conversation) => Some(*conversation),
            _ => None,
        })
        .await
    }

    /// Waits for a held reply.
    pub async fn until_held(&mut self) -> (ConversationId, HeldReply) {
        let conversation = self.until(|conversation| conversation.held.is_some()).await;
        (conversation.id, conversation.held.unwrap())
    }

    pub async fn snapshot(&mut self) -> Snapshot {
        match self.ask(Request::Snapshot {}).await {
            Response::Snapshot(snapshot) => *snapshot,
            response => panic!("{response:?}"),
        }
    }

    pub async fn conversation(&mut self, id: ConversationId) -> Conversation {
        match self.ask(Request::Conversation { conversation: id }).await {
            Response::Conversation { conversation } => *conversation,
            response => panic!("{response:?}"),
        }
    }

    /// A whole thread of up to 200 messages.
    pub async fn thread(&mut self, id: ConversationId) -> Vec<Message> {
        match self.ask(Request::Thread { conversation: id, before_seq: None, limit: 200 }).await {
            Response::Thread { messages, .. } => messages,
            response => panic!("{response:?}"),
        }
    }

    /// Changes the settings.
    pub async fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.snapshot().await.settings;
        change(&mut settings);
        self.ask(Request::SaveSettings { settings: Box::new(settings) }).await;
    }

    /// Saves an answer to this question, for customers of any language.
    pub async fn teach(&mut self, question: &str, reply: &str) {
        let answer = Answer {
            id: AnswerId(0),
            enabled: true,
            questions: vec![question.to_owned()],
            reply: reply.to_owned(),
            languages: Vec::new(),
            labels: Vec::new(),
        };
        self.ask(Request::SaveAnswer { answer, lesson: None }).await;
    }

    pub async fn hold_seconds(&mut self, seconds: u32) {
        self.set(|settings| settings.hold = Hold::Seconds { seconds }).await;
    }
}
