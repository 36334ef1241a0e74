//! Customers who lose their connections, come back with whatever they believe to have, and meet a desk that was closed or
//! restored meanwhile: each hears everything once, in order.

use deskbell_protocol::agent::{Request, Response};
use deskbell_protocol::customer::{ClientFrame, Hello, ServerFrame};
use deskbell_protocol::entity::{Conversation, Message};
use deskbell_protocol::{Revision, Seq};
use tokio::runtime::Runtime;

use super::customer::{Customer, seen, text};
use super::world::{World, runtime};
use super::{Bytes, Target};
use crate::raw::{Raw, V1, first};

/// Customers in a story.
const CUSTOMERS: usize = 3;
/// Steps of a story: so few that a thread has at most 200 messages.
const STEPS: usize = 60;

/// The target. An input is bytes: each step is one for what happens and some for to whom and how.
pub struct Resumes {
    runtime: Runtime,
    world: World,
    stories: u64,
}

impl Target for Resumes {
    const NAME: &'static str = "resume";

    fn new() -> Self {
        let runtime = runtime();
        let world = runtime.block_on(World::new());
        Self { runtime, world, stories: 0 }
    }

    fn run(&mut self, input: &[u8]) {
        self.stories += 1;
        let story = self.stories;
        self.runtime.block_on(async {
            self.world.next_input().await;
            let customers = (0..CUSTOMERS).map(|nth| Customer::new(format!("s{story}c{nth}"))).collect();
            let mut story =
                Story { world: &mut self.world, customers, backup: None, restored: false, restarted: false };
            let mut bytes = Bytes::new(input);
            for _ in 0..STEPS {
                let Some(step) = bytes.next() else { break };
                story.step(step, &mut bytes).await;
            }
            story.end().await;
        });
    }
}

struct Story<'a> {
    world: &'a mut World,
    customers: Vec<Customer>,
    /// The name of the backup that was made.
    backup: Option<String>,
    restored: bool,
    restarted: bool,
}

impl Story<'_> {
    async fn step(&mut self, step: u8, bytes: &mut Bytes<'_>) {
        match step {
            // Rare, for they take long.
            250..=251 => return self.back_up().await,
            252..=253 => return self.restore().await,
            254..=255 => return self.restart().await,
            _ => {}
        }
        let nth = bytes.below(CUSTOMERS);
        match step % 12 {
            0 | 1 => assert!(self.customers[nth].connect(self.world).await),
            2 | 3 => {
                self.customers[nth].queue(&format!("question {step}"));
                self.customers[nth].deliver().await;
            }
            4 => self.customers[nth].cut(),
            // Sent, and the connection is gone before anything comes back: it will be sent again.
            5 => {
                self.customers[nth].queue("cut off");
                self.customers[nth].send().await;
                self.customers[nth].cut();
            }
            6 => self.catch_up(nth).await,
            7 => self.probe(nth, bytes).await,
            8 => self.stranger(bytes).await,
            9 => self.act(nth, Act::Send, bytes).await,
            10 => self.act(nth, Act::Change, bytes).await,
            _ => self.act(nth, Act::Control, bytes).await,
        }
    }

    async fn conversation(&self, nth: usize) -> Option<Conversation> {
        self.world.named(&self.customers[nth].name).await.filter(|found| found.stored)
    }

    async fn catch_up(&mut self, nth: usize) {
        if let Some(conversation) = self.conversation(nth).await {
            self.customers[nth].catch_up(conversation.revision).await;
        }
    }

    /// What an agent does meanwhile. A refusal, such as for a message that cannot be changed, changes nothing.
    async fn act(&mut self, nth: usize, act: Act, bytes: &mut Bytes<'_>) {
        let Some(Conversation { id: conversation, .. }) = self.conversation(nth).await else { return };
        let number = bytes.number();
        let request = match (act, number % 3) {
            (Act::Send, 0) => {
                Request::Note { conversation, id: number.to_string(), text: "a note".to_owned() }
            }
            (Act::Send, _) => {
                Request::Send { conversation, id: number.to_string(), text: "an answer".to_owned() }
            }
            (Act::Change, 0) => Request::Retract { conversation, seq: Seq(number / 3) },
            (Act::Change, _) => {
                Request::Correct { conversation, seq: Seq(number / 3), text: format!("better {number}") }
            }
            (Act::Control, 0) => Request::TakeOver { conversation },
            (Act::Control, 1) => Request::HandBack { conversation },
            (Act::Control, _) => Request::Resolve { conversation },
        };
        let _done_or_refused = self.world.call(request).await;
    }

    /// A second client of the same customer, which says that it has everything up to any revision of any epoch.
    async fn probe(&mut self, nth: usize, bytes: &mut Bytes<'_>) {
        let revision = Revision(bytes.number());
        let known = self.customers[nth].known.place();
        let Some(token) = known.token else { return };
        let epoch = [None, known.epoch, Some("another".to_owned())][bytes.below(3)].clone();
        let heard = history(
            &self.world.address,
            Hello { token: Some(token), revision, epoch: epoch.clone(), ..Hello::default() },
        )
        .await;
        let Some(conversation) = self.conversation(nth).await.filter(|_| heard.resumed) else { return };
        let known = epoch.is_none_or(|epoch| epoch == heard.epoch) && revision <= heard.revision;
        let after = if known { revision.max(Revision(0)) } else { Revision(0) };
        let mut expected: Vec<Message> = self.world.thread(conversation.id).await;
        // What was committed since is live, and comes after.
        expected.retain(|m| {
            m.author.is_visible_to_customer() && m.revision > after && m.revision <= heard.caught_up
        });
        expected.sort_by_key(|message| message.revision);
        let expected: Vec<_> = expected.into_iter().map(|m| (m.seq, m.revision, m.text)).collect();
        assert_eq!(heard.messages, expected, "from {revision}, after {after}");
        let promised = heard.revision.max(after)..=conversation.revision;
        assert!(promised.contains(&heard.caught_up), "{} is not in {promised:?}", heard.caught_up);
    }

    /// A token of nobody begins a conversation, and shows nothing of another.
    async fn stranger(&mut self, bytes: &mut Bytes<'_>) {
        let length = bytes.below(64);
        let token: Vec<u8> = (0..length).map(|_| bytes.next().unwrap_or(b'A')).collect();
        let token = String::from_utf8_lossy(&token).into_owned();
        let hello = Hello { token: Some(token), revision: Revision(bytes.number()), ..Hello::default() };
        let heard = history(&self.world.address, hello).await;
        assert!(!heard.resumed && heard.messages.is_empty());
        assert_eq!(heard.caught_up, Revision(0));
    }

    async fn back_up(&mut self) {
        if self.backup.is_none() {
            // Refused while the desk makes its daily one.
            if let Ok(Response::Backups { backups, .. }) = self.world.call(Request::BackUp {}).await {
                self.backup = backups.first().map(|backup| backup.name.clone());
            }
        }
    }

    async fn restore(&mut self) {
        if let Some(name) = self.backup.clone().filter(|_| !self.restored) {
            self.customers.iter_mut().for_each(Customer::cut);
            self.restored = self.world.call(Request::Restore { name }).await.is_ok();
        }
    }

    async fn restart(&mut self) {
        if !self.restarted {
            // Whoever is there would be waited for.
            self.customers.iter_mut().for_each(Customer::cut);
            self.world.restart().await;
            self.restarted = true;
        }
    }

    /// Everyone comes back, and has what the desk has.
    async fn end(mut self) {
        for customer in &mut self.customers {
            customer.check(self.world).await;
            if !self.restored
                && let Some(conversation) = self.world.named(&customer.name).await
            {
                let thread = self.world.thread(conversation.id).await;
                assert_eq!(customer.lost(&thread), 0, "{}", customer.name);
                assert_eq!(seen(&thread), customer.view);
            }
        }
    }
}

enum Act {
    Send,
    Change,
    Control,
}

/// What a client hears after its hello.
struct Heard {
    resumed: bool,
    /// The conversation's revision when the desk welcomed.
    revision: Revision,
    epoch: String,
    messages: Vec<(Seq, Revision, String)>,
    caught_up: Revision,
}

async fn history(address: &str, hello: Hello) -> Heard {
    let mut raw = Raw::open(address, None, V1).await;
    raw.send(&text(&ClientFrame::Hello(hello))).await;
    let mut heard = Heard {
        resumed: false,
        revision: Revision(0),
        epoch: String::new(),
        messages: Vec::new(),
        caught_up: Revision(0),
    };
    loop {
        let (kind, payload) = raw.frame().await.expect("a history");
        assert_eq!(kind, first::TEXT, "{}", String::from_utf8_lossy(&payload));
        match serde_json::from_slice(&payload).unwrap() {
            ServerFrame::Welcome { epoch, resumed, revision, .. } => {
                (heard.epoch, heard.resumed, heard.revision) = (epoch, resumed, revision);
            }
            ServerFrame::Message(message) => {
                heard.messages.push((message.seq, message.revision, message.text))
            }
            ServerFrame::CaughtUp { revision } => {
                heard.caught_up = revision;
                return heard;
            }
            frame => panic!("{frame:?}"),
        }
    }
}
