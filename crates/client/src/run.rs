//! The client's one task: connects, resumes, sends, tells; and again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::customer::{ClientFrame, Hello};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::connection::{Connection, Target};
use crate::conversation::{Conversation, Next};
use crate::pace::Pace;
use crate::{Ended, Event, Options, Place, Randomness, Request, Tell, Unacknowledged};

/// An acknowledgement that takes longer will not come.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);
/// `caught_up` must come in this time after the last frame of the history.
const HISTORY: Duration = Duration::from_secs(20);

struct Task {
    target: Target,
    who: Hello,
    randomness: Randomness,
    conversation: Conversation,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    room: Arc<Semaphore>,
    pace: Pace,
    backoff: Backoff,
    /// Distinguishes the ids of this run from those of others.
    run: u64,
    last_id: u64,
}

/// Why a connection is over.
enum Over {
    /// It broke, or is not as it should be; the next one repairs it.
    Broken(String),
    /// The client is.
    Ended,
}

/// What the connection owes, and when.
struct UnderWay {
    /// The next frame of the history.
    frame_due: Instant,
    /// The acknowledgement of the message that was sent; `None` when none was.
    ack_due: Option<Instant>,
}

impl UnderWay {
    fn put_off(&mut self, time: Duration) {
        self.frame_due += time;
        self.ack_due = self.ack_due.map(|due| due + time);
    }
}

pub(crate) async fn run(
    options: Options,
    place: Place,
    room: Arc<Semaphore>,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
) {
    let Options { address, path, hello: who, from, outbox: _, pace, mut randomness } = options;
    let task = Task {
        target: Target { address, path, from },
        who,
        run: randomness(),
        randomness,
        conversation: Conversation::new(place),
        requests,
        events,
        room,
        pace: Pace::new(pace),
        backoff: Backoff::default(),
        last_id: 0,
    };
    task.run().await;
}

impl Task {
    async fn run(mut self) {
        let Err(Ended) = self.go_on().await;
        self.room.close();
    }

    async fn go_on(&mut self) -> Result<Infallible, Ended> {
        loop {
            let why = match self.connect().await? {
                Ok(connection) => self.converse(connection).await?,
                Err(why) => why,
            };
            self.tell(Event::Offline { why }).await?;
            let wait = self.backoff.next(&mut self.randomness);
            self.meanwhile(tokio::time::sleep(wait)).await?;
        }
    }

    async fn connect(&mut self) -> Result<Result<Connection, String>, Ended> {
        let opening = Connection::open(self.target.clone());
        self.meanwhile(opening).await
    }

    /// Awaits while requests are answered. What is to be told once without a connection is forgotten.
    async fn meanwhile<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::pin!(future);
        loop {
            tokio::select! {
                done = &mut future => return Ok(done),
                () = self.events.closed() => return Err(Ended),
                Some(request) = self.requests.recv() => {
                    let _untold = self.answer(request)?;
                }
            }
        }
    }

    /// Requests are answered while nobody takes events: whoever takes them may be the one who waits for an answer.
    async fn tell(&mut self, event: Event) -> Result<(), Ended> {
        let events = self.events.clone();
        match self.meanwhile(events.reserve()).await? {
            Ok(place) => {
                place.send(event);
                Ok(())
            }
            Err(_closed) => Err(Ended),
        }
    }

    /// Until the connection is over; why, in a sentence.
    async fn converse(&mut self, mut connection: Connection) -> Result<String, Ended> {
        match self.exchange(&mut connection).await {
            Err(Over::Ended) => {
                connection.close().await;
                Err(Ended)
            }
            Err(Over::Broken(why)) => Ok(why),
        }
    }

    async fn exchange(&mut self, connection: &mut Connection) -> Result<Infallible, Over> {
        let hello = self.conversation.hello(&self.who);
        connection.send(&hello).await.map_err(Over::Broken)?;
        let mut under_way = UnderWay { frame_due: Instant::now() + HISTORY, ack_due: None };
        loop {
            let mut told = Vec::new();
            let waiting = self.conversation.waiting();
            let next = self.step(connection, &mut under_way, &mut told).await?;
            self.room.add_permits(waiting.saturating_sub(self.conversation.waiting()));
            let told_from = Instant::now();
            for event in told {
                self.tell(event).await.map_err(|Ended| Over::Ended)?;
            }
            // Who takes events slowly is not the desk's fault.
            under_way.put_off(told_from.elapsed());
            match next {
                Next::Go => {}
                Next::Send => {
                    under_way.ack_due = None;
                    if self.conversation.is_live() {
                        self.backoff.reset();
                    }
                }
                Next::Pause(pause) => {
                    self.pace.pause(pause);
                    under_way.ack_due = None;
                }
                Next::Repair(why) => return Err(Over::Broken(why)),
            }
        }
    }

    async fn step(
        &mut self,
        connection: &mut Connection,
        under_way: &mut UnderWay,
        told: &mut Vec<Event>,
    ) -> Result<Next, Over> {
        let live = self.conversation.is_live();
        let sends = live && under_way.ack_due.is_none() && self.conversation.waiting() > 0;
        tokio::select! {
            () = self.events.closed() => Err(Over::Ended),
            frame = connection.receive() => {
                under_way.frame_due = Instant::now() + HISTORY;
                Ok(self.conversation.take(frame.map_err(Over::Broken)?, told))
            }
            () = tokio::time::sleep_until(self.pace.next()), if sends => {
                if let Some(message) = self.conversation.first() {
                    connection.send(&message).await.map_err(Over::Broken)?;
                    self.pace.count();
                    under_way.ack_due = Some(Instant::now() + ACKNOWLEDGED);
                }
                Ok(Next::Go)
            }
            () = sleep_until(under_way.ack_due) => {
                Ok(Next::Repair("A message was not acknowledged.".to_owned()))
            }
            () = tokio::time::sleep_until(under_way.frame_due), if !live => {
                Ok(Next::Repair("The history did not come.".to_owned()))
            }
            Some(request) = self.requests.recv() => {
                let frame = self.answer(request).map_err(|Ended| Over::Ended)?;
                if let Some(frame) = frame.filter(|_| live) {
                    connection.send(&frame).await.map_err(Over::Broken)?;
                }
                Ok(Next::Go)
            }
        }
    }

    /// The frame that a request wants to be sent, if any.
    fn answer(&mut self, request: Request) -> Result<Option<ClientFrame>, Ended> {
        match request {
            Request::Say { id, text, queued } => {
                let id = id.unwrap_or_else(|| {
                    self.last_id = self.last_id.saturating_add(1);
                    format!("{:016x}-{}", self.run, self.last_id)
                });
                self.conversation.queue(Unacknowledged { id: id.clone(), text });
                let _gone = queued.send(id);
                Ok(None)
            }
            Request::Tell(tell) => Ok(Some(match tell {
                Tell::Typing => ClientFrame::Typing {},
                Tell::Read(seq) => ClientFrame::Read { seq },
                Tell::RequestHuman => ClientFrame::RequestHuman {},
            })),
            Request::Place(answer) => {
                let _gone = answer.send(self.conversation.place());
                Ok(None)
            }
            Request::Close(answer) => {
                let _gone = answer.send(self.conversation.place());
                Err(Ended)
            }
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
