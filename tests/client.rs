//! The reference client over bad networks: nothing lost, nothing twice, nothing out of order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use deskbell_client::{Client, Event, Events, Options, Place, Randomness};
use deskbell_protocol::agent::Request;
use deskbell_protocol::customer::CustomerMessage;
use deskbell_protocol::entity::Author;
use deskbell_protocol::{ConversationId, Seq};
use deskbell_tests::agent::Agent;
use deskbell_tests::proxy::{Fate, Proxy};
use deskbell_tests::record::Fault;
use deskbell_tests::server::Server;
use deskbell_tests::{test_name, within};

/// Numbers that are the same in every run (xorshift).
fn randomness(seed: u64) -> Randomness {
    let mut state = seed | 1;
    Box::new(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

fn options(address: &str, seed: u64) -> Options {
    Options { randomness: randomness(seed), pace: (10_000, 10_000), ..Options::to(address) }
}

fn held(fault: &str, promise: &str, test: &str, counts: &[(&str, u64)]) {
    Fault { subject: "Network", fault, promise, test, counts }.record();
}

fn count(number: usize) -> u64 {
    number.try_into().unwrap()
}

/// A customer with everything that it was told.
struct Customer {
    client: Client,
    events: Events,
    /// As it would be on the screen.
    thread: BTreeMap<Seq, CustomerMessage>,
    /// In the order in which they came.
    acknowledged: Vec<(String, Seq)>,
    resets: usize,
    breaks: Vec<String>,
}

impl Customer {
    fn start(options: Options, place: Option<Place>) -> Self {
        let (client, events) = deskbell_client::start(options, place);
        Self {
            client,
            events,
            thread: BTreeMap::new(),
            acknowledged: Vec::new(),
            resets: 0,
            breaks: Vec::new(),
        }
    }

    /// Takes events until `done`.
    async fn until(&mut self, what: &str, mut done: impl FnMut(&Self, &Event) -> bool) {
        within(what, async {
            loop {
                let event = self.events.next().await.expect("the client has ended");
                self.take(&event);
                if done(self, &event) {
                    return;
                }
            }
        })
        .await;
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Message(message) => {
                let before = self.thread.insert(message.seq, message.clone());
                assert!(before.is_none_or(|before| before.revision < message.revision), "told twice");
            }
            Event::Acknowledged { id, seq, .. } => self.acknowledged.push((id.clone(), *seq)),
            Event::Reset => {
                self.thread.clear();
                self.resets += 1;
            }
            Event::Offline { why } => self.breaks.push(why.clone()),
            Event::Refused { message, .. } => panic!("{message}"),
            _ => {}
        }
    }

    async fn until_acknowledged(&mut self, many: usize) {
        self.until("acknowledgements", |customer, _| customer.acknowledged.len() >= many).await;
    }

    async fn until_online(&mut self) {
        self.until("the connection", |_, event| matches!(event, Event::Online { .. })).await;
    }
}

fn told(event: &Event, text: &str) -> bool {
    matches!(event, Event::Message(message) if message.text == text)
}

async fn only_conversation(agent: &mut Agent) -> ConversationId {
    let conversations = agent.snapshot().await.conversations;
    assert_eq!(conversations.len(), 1, "{conversations:?}");
    conversations[0].id
}

async fn send(agent: &mut Agent, conversation: ConversationId, id: &str) {
    let (id, text) = (id.to_owned(), format!("from the agent: {id}"));
    agent.ask(Request::Send { conversation, id, text }).await;
}

/// What the desk has of a conversation, as its customer may see it: place, author and text.
async fn stored(agent: &mut Agent, conversation: ConversationId) -> Vec<(Seq, Author, String)> {
    let mut all = Vec::new();
    let mut before_seq = None;
    loop {
        let request = Request::Thread { conversation, before_seq, limit: 200 };
        let deskbell_protocol::agent::Response::Thread { mut messages, more } = agent.ask(request).await
        else {
            panic!()
        };
        before_seq = messages.first().map(|message| message.seq);
        messages.append(&mut all);
        all = messages;
        if !more {
            break;
        }
    }
    all.into_iter()
        .filter(|message| message.author.is_visible_to_customer())
        .map(|message| (message.seq, message.author, message.text))
        .collect()
}

#[tokio::test]
async fn many_cuts_lose_nothing_repeat_nothing_and_keep_the_order() {
    const MESSAGES: usize = 200;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut random = randomness(7);
    // The handshake takes some 150 bytes down and 250 up: some connections end before it, most in the middle of frames.
    let proxy = Proxy::start(&server.address, move |number| {
        let bytes = usize::try_from(random() % 2000).unwrap();
        if number % 2 == 0 {
            Fate { cut_after: Some(bytes), ..Fate::default() }
        } else {
            Fate { cut_after_sent: Some(bytes), ..Fate::default() }
        }
    })
    .await;
    let mut customer = Customer::start(options(&proxy.address, 3), None);
    let client = customer.client.clone();
    let says = tokio::spawn(async move {
        for number in 0..MESSAGES {
            client.say_as(&format!("m{number}"), &format!("message {number} 你好")).await.unwrap();
        }
    });
    customer.until_acknowledged(MESSAGES / 2).await;
    let conversation = only_conversation(&mut agent).await;
    for number in 0..20 {
        send(&mut agent, conversation, &format!("a{number}")).await;
    }
    customer.until_acknowledged(MESSAGES).await;
    says.await.unwrap();
    send(&mut agent, conversation, "last").await;
    customer.until("the last message", |_, event| told(event, "from the agent: last")).await;

    let ids: Vec<String> = customer.acknowledged.iter().map(|(id, _)| id.clone()).collect();
    let expected: Vec<String> = (0..MESSAGES).map(|number| format!("m{number}")).collect();
    assert_eq!(ids, expected, "each acknowledged once, in the order of sending");
    assert!(customer.acknowledged.is_sorted_by_key(|(_, seq)| *seq));
    let stored = stored(&mut agent, conversation).await;
    let texts: Vec<_> = stored.iter().filter(|(_, author, _)| *author == Author::Customer).collect();
    assert_eq!(texts.len(), MESSAGES, "stored once each");
    // What was acknowledged live is not echoed to its sender: the rest must be there, word for word.
    for (seq, author, text) in &stored {
        match customer.thread.get(seq) {
            Some(message) => assert_eq!((&message.author, &message.text), (author, text)),
            None => assert_eq!(*author, Author::Customer, "{seq} {text} was not told"),
        }
    }
    assert!(customer.breaks.len() >= 10, "the network was not bad enough: {:?}", customer.breaks);
    let ordered: Vec<&String> = texts.iter().map(|(_, _, text)| text).collect();
    let wanted: Vec<String> = (0..MESSAGES).map(|number| format!("message {number} 你好")).collect();
    let lost = wanted.iter().filter(|text| !ordered.contains(text)).count();
    let duplicated = (texts.len() + lost).saturating_sub(MESSAGES);
    let reordered = ordered.iter().zip(&wanted).filter(|(there, wanted)| **there != *wanted).count();
    assert_eq!((lost, duplicated, reordered), (0, 0, 0));
    held(
        "connections cut in the middle of frames, both ways",
        "Every message arrives once and in order, both ways",
        &test_name!(),
        &[
            ("cuts", count(customer.breaks.len())),
            ("acknowledged", count(customer.acknowledged.len())),
            ("lost", count(lost)),
            ("duplicated", count(duplicated)),
            ("reordered", count(reordered)),
        ],
    );
}

#[tokio::test]
async fn a_frame_that_is_lost_is_noticed_by_its_revision_and_told_by_the_next_connection() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    // Frames of the desk: welcome, caught_up, greeting, ack, reply.
    let fate = |number| Fate { lost_frame: (number == 0).then_some(4), ..Fate::default() };
    let proxy = Proxy::start(&server.address, fate).await;
    let mut customer = Customer::start(options(&proxy.address, 5), None);
    customer.client.say("hi").await.unwrap();
    customer.until_acknowledged(1).await;
    let conversation = only_conversation(&mut agent).await;
    send(&mut agent, conversation, "after the gap").await;
    customer.until("the last message", |_, event| told(event, "from the agent: after the gap")).await;
    assert!(customer.breaks[0].contains("lost between revisions 2 and 4"), "{:?}", customer.breaks);
    let revisions: Vec<_> = customer.thread.values().map(|message| message.revision.0).collect();
    assert_eq!(revisions, [1, 3, 4], "2 was acknowledged");
    let lost = [1, 3, 4].iter().filter(|revision| !revisions.contains(revision)).count();
    let noticed = customer.breaks.iter().filter(|reason| reason.contains("lost between revisions")).count();
    held(
        "a frame of the desk is lost",
        "Noticed by the gap, repaired by asking",
        &test_name!(),
        &[("gaps noticed", count(noticed)), ("lost", count(lost))],
    );
}

#[tokio::test]
async fn who_does_not_hear_the_desk_connects_again_and_messages_arrive_once() {
    let counts = lost_one_way(Fate { deaf_after: Some(600), ..Fate::default() }).await;
    held("one-way loss, from the desk", ONE_WAY, &test_name!(), &counts);
}

#[tokio::test]
async fn whom_the_desk_does_not_hear_connects_again_and_messages_arrive_once() {
    let counts = lost_one_way(Fate { mute_after: Some(400), ..Fate::default() }).await;
    held("one-way loss, to the desk", ONE_WAY, &test_name!(), &counts);
}

const ONE_WAY: &str = "Noticed by the missing acknowledgement; messages arrive once";

/// The first connection has this fate, in the middle of its messages.
async fn lost_one_way(fate: Fate) -> [(&'static str, u64); 3] {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let fate = move |number| if number == 0 { fate } else { Fate::default() };
    let proxy = Proxy::start(&server.address, fate).await;
    let mut customer = Customer::start(options(&proxy.address, 9), None);
    customer.until_online().await;
    for number in 0..5 {
        customer.client.say_as(&number.to_string(), "Do you hear me?").await.unwrap();
    }
    customer.until_acknowledged(5).await;
    assert_eq!(customer.breaks, ["A message was not acknowledged."]);
    let conversation = only_conversation(&mut agent).await;
    let stored = stored(&mut agent, conversation).await;
    let there = stored.iter().filter(|(_, author, _)| *author == Author::Customer).count();
    assert_eq!(there, 5);
    let acknowledged = customer.acknowledged.len();
    [
        ("acknowledged", count(acknowledged)),
        ("lost", count(acknowledged.saturating_sub(there))),
        ("duplicated", count(there.saturating_sub(acknowledged))),
    ]
}

#[tokio::test]
async fn a_message_for_who_is_away_waits_and_is_told_on_return() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = Customer::start(options(&server.address, 11), None);
    customer.client.say("I must go.").await.unwrap();
    customer.until_acknowledged(1).await;
    customer.until("the reply", |customer, _| customer.thread.contains_key(&Seq(3))).await;
    let conversation = only_conversation(&mut agent).await;
    let place = customer.client.close().await.unwrap();
    agent.until(|conversation| conversation.connections.is_empty()).await;
    for number in 0..300 {
        send(&mut agent, conversation, &number.to_string()).await;
    }
    // In another process, so to say: the place was kept.
    let kept = serde_json::to_string(&place).unwrap();
    let place = serde_json::from_str(&kept).unwrap();
    let server = Server::start_on(server.kill().await).await;
    let mut customer = Customer::start(options(&server.address, 12), Some(place));
    customer.until_online().await;
    let texts: Vec<&str> = customer.thread.values().map(|message| message.text.as_str()).collect();
    let expected: Vec<String> = (0..300).map(|number| format!("from the agent: {number}")).collect();
    assert_eq!(texts, expected);
    assert_eq!(customer.resets, 0);
    held(
        "the customer is away, and the desk is killed meanwhile",
        "What agents write waits and is told on return, in order",
        &test_name!(),
        &[("messages", count(texts.len())), ("lost", count(expected.len() - texts.len()))],
    );
}

#[tokio::test]
async fn another_database_brings_a_reset_and_what_waits_is_sent_to_it() {
    let first = Server::start().await;
    let proxy = Proxy::start(&first.address, |_| Fate::default()).await;
    let mut customer = Customer::start(options(&proxy.address, 13), None);
    customer.client.say_as("before", "To the first.").await.unwrap();
    customer.until_acknowledged(1).await;
    let second = Server::start().await;
    proxy.point_to(&second.address);
    drop(first.kill().await);
    customer.client.say_as("after", "To the second.").await.unwrap();
    customer.until_acknowledged(2).await;
    assert_eq!(customer.resets, 1);
    let mut agent = second.agent().await;
    let conversation = only_conversation(&mut agent).await;
    let stored = stored(&mut agent, conversation).await;
    let own: Vec<_> = stored.iter().filter(|(_, author, _)| *author == Author::Customer).collect();
    assert_eq!(own.len(), 1, "{stored:?}");
    assert_eq!(own[0].2, "To the second.");
    held(
        "the database is replaced by another",
        "The client begins anew; what waits is sent to it",
        &test_name!(),
        &[("acknowledged", count(customer.acknowledged.len())), ("duplicated", count(own.len() - 1))],
    );
}

/// Goes on writing until a second place has its history, and a little longer: so what is new falls into the history, at its
/// end, and after it. How many messages there are then, with those that were acknowledged before.
async fn writes_until(writer: &mut Customer, before: usize, online: Arc<AtomicBool>) -> usize {
    let client = writer.client.clone();
    let mut says = tokio::spawn(async move {
        let (mut said, mut more) = (0, 50_usize);
        while more > 0 {
            client.say(&format!("live {said}")).await.unwrap();
            said += 1;
            more -= usize::from(online.load(Ordering::SeqCst));
        }
        client.say("the last").await.unwrap();
        before + said + 1
    });
    let all = loop {
        tokio::select! {
            all = &mut says => break all.unwrap(),
            event = writer.events.next() => writer.take(&event.expect("the client has ended")),
        }
    };
    while writer.acknowledged.len() < all {
        let event = within("an acknowledgement", writer.events.next()).await;
        writer.take(&event.expect("the client has ended"));
    }
    all
}

// On several threads, so that the writer does not wait for the reader.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_resumed_in_order_while_new_messages_come() {
    const MESSAGES: usize = 5_000;
    let server = Server::start().await;
    let mut agent = server.agent().await;
    agent
        .set(|settings| {
            settings.limits.frames_burst = 100_000;
            settings.limits.frames_per_second = 100_000;
        })
        .await;
    // A console that nobody reads would only be told to resync.
    drop(agent);
    let mut writer = Customer::start(options(&server.address, 15), None);
    let client = writer.client.clone();
    let says = tokio::spawn(async move {
        for number in 0..MESSAGES {
            client.say(&format!("message {number}")).await.unwrap();
        }
    });
    writer.until_acknowledged(MESSAGES).await;
    says.await.unwrap();
    let place = writer.client.place().await.unwrap();
    // The same customer in a second place, with nothing yet, while the first goes on writing.
    let everything = Place { token: place.token, ..Place::default() };
    let mut reader = Customer::start(options(&server.address, 16), Some(everything));
    let online = Arc::new(AtomicBool::new(false));
    let (all, ()) = tokio::join!(writes_until(&mut writer, MESSAGES, Arc::clone(&online)), async {
        reader.until_online().await;
        online.store(true, Ordering::SeqCst);
        reader.until("the last message", |_, event| told(event, "the last")).await;
    });
    reader.until("its answer", |reader, _| reader.thread.len() > all * 2).await;
    let mut agent = server.agent().await;
    let conversation = only_conversation(&mut agent).await;
    let stored = stored(&mut agent, conversation).await;
    let read: Vec<_> =
        reader.thread.into_values().map(|message| (message.seq, message.author, message.text)).collect();
    let lost = stored.len().abs_diff(read.len());
    let reordered = read.iter().zip(&stored).filter(|(read, stored)| read != stored).count();
    assert_eq!((lost, reordered), (0, 0));
    assert!(read == stored, "the thread differs");
    assert_eq!(reader.breaks, Vec::<String>::new(), "without a break");
    held(
        "a long history is resumed while new messages come",
        "Told in order and without a break, whatever its length",
        &test_name!(),
        &[("messages", count(read.len())), ("lost", count(lost)), ("reordered", count(reordered))],
    );
}

#[tokio::test]
async fn an_agent_sees_what_is_stored_delivered_and_read_also_after_a_restart() {
    let server = Server::start().await;
    let mut agent = server.agent().await;
    let mut customer = Customer::start(options(&server.address, 17), None);
    customer.client.say("Are you there?").await.unwrap();
    customer.until_acknowledged(1).await;
    let id = only_conversation(&mut agent).await;
    send(&mut agent, id, "here").await;
    let delivered = agent
        .until(|conversation| {
            conversation.last.as_ref().is_some_and(|last| last.text.contains("here"))
                && conversation.delivered_seq == conversation.last_seq
        })
        .await;
    assert!(delivered.customer_read_seq < delivered.delivered_seq, "not read yet");
    customer.until("the answer", |_, event| told(event, "from the agent: here")).await;
    customer.client.read(delivered.last_seq).await.unwrap();
    agent.until(|conversation| conversation.customer_read_seq == delivered.last_seq).await;
    // What was read was delivered, of course: one more is only delivered.
    send(&mut agent, id, "unread").await;
    customer.until("the second answer", |_, event| told(event, "from the agent: unread")).await;
    let unread = delivered.last_seq.next();
    let delivered = agent.until(|conversation| conversation.delivered_seq == unread).await;
    assert!(delivered.customer_read_seq < unread);

    let place = customer.client.close().await.unwrap();
    agent.until(|conversation| conversation.connections.is_empty()).await;
    send(&mut agent, id, "later").await;
    let stored = agent.conversation(id).await;
    assert_eq!((stored.delivered_seq, stored.last_seq), (delivered.last_seq, delivered.last_seq.next()));
    let server = Server::start_on(server.stop().await).await;
    let mut agent = server.agent().await;
    assert_eq!(agent.conversation(id).await.delivered_seq, delivered.last_seq, "kept");
    let mut customer = Customer::start(options(&server.address, 18), Some(place));
    customer.until("the message", |_, event| told(event, "from the agent: later")).await;
    agent.until(|conversation| conversation.delivered_seq == stored.last_seq).await;
    let thread = agent.thread(id).await;
    let messages = thread.iter().filter(|message| message.author == Author::Agent).count();
    held(
        "an agent writes to who is away",
        "Shown as stored, as delivered on return, as read when read; kept over a restart",
        &test_name!(),
        &[("messages", count(messages))],
    );
}
