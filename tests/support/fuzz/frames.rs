//! Any bytes after a handshake: what a socket of the edge makes of them is what RFC 6455 says, as a decoder of the test's
//! own reads it; and the desk itself, whose customer sends them, answers with frames of its protocol and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use deskbell_protocol::customer::{ClientFrame, ServerFrame};
use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use deskbell_server::edge::{Asked, End, Gate, Host, Incoming, Upgraded, accept, bind};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::Target;
use super::world::{World, runtime};
use crate::raw::{Raw, V1, first};
use crate::within;

/// Bytes of a frame and of a message.
const MOST: u32 = 4096;
/// Frames that are no whole messages, and whole messages, which a tight socket takes at once.
const FEW: u32 = 8;
/// How the bytes are cut on their way.
const CUTS: [usize; 7] = [1, 2, 3, 7, 64, 1024, usize::MAX];

/// The target.
pub struct Frames {
    runtime: Runtime,
    world: World,
    roomy: Listener,
    tight: Listener,
}

/// What is done with the bytes; chosen by the first byte of the input.
#[derive(Clone, Copy)]
enum Way {
    Roomy,
    Tight,
    Plain,
    Json,
}

impl Target for Frames {
    const NAME: &'static str = "frames";

    fn new() -> Self {
        let runtime = runtime();
        let limits = Limits {
            frame_bytes: MOST,
            message_bytes: MOST,
            frames_burst: 1_000_000,
            bytes_burst: u32::MAX,
            ..Limits::default()
        };
        let few = Limits { frames_burst: FEW, frames_per_second: 1, ..limits.clone() };
        let (world, roomy, tight) =
            runtime.block_on(async { (World::new().await, Listener::new(limits), Listener::new(few)) });
        Self { runtime, world, roomy, tight }
    }

    fn run(&mut self, input: &[u8]) {
        let Some((choice, bytes)) = input.split_first() else { return };
        let cut = CUTS[usize::from(choice >> 2) % CUTS.len()];
        let way = [Way::Roomy, Way::Tight, Way::Plain, Way::Json][usize::from(choice & 3)];
        let read = read(bytes);
        check_decoding(&read.messages);
        self.runtime.block_on(async {
            self.world.next_input().await;
            match way {
                Way::Roomy => self.roomy.take(bytes, cut).await.check(&read),
                Way::Tight => self.tight.take(bytes, cut).await.check_few(&read),
                Way::Plain => drop(send(&self.world.address, "", bytes, cut).await),
                Way::Json => check_answers(&read.messages, &send(&self.world.address, V1, bytes, cut).await),
            }
        });
    }
}

/// Sends bytes after a handshake, then nothing more; the text frames that come until the end.
async fn send(address: &str, more: &str, bytes: &[u8], cut: usize) -> Vec<String> {
    let mut raw = Raw::open(address, None, more).await;
    for part in bytes.chunks(cut.min(bytes.len().max(1))) {
        raw.send(part).await;
        // The other side gets its turn.
        tokio::task::yield_now().await;
    }
    let _gone = raw.stream.shutdown().await;
    let mut texts = Vec::new();
    while let Some((first, payload)) = raw.frame().await {
        if first == first::TEXT {
            texts.push(String::from_utf8(payload).unwrap());
        }
    }
    texts
}

/// A frame that decodes is the same after a way there and back.
fn check_decoding(messages: &[Heard]) {
    for message in messages {
        if let Heard::Text(text) = message
            && let Ok(frame) = serde_json::from_str::<ClientFrame>(text)
        {
            let again = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<ClientFrame>(&again).unwrap(), frame);
        }
    }
}

/// Every frame of the desk is one of its protocol, and acknowledges only what was sent, once.
fn check_answers(sent: &[Heard], answers: &[String]) {
    let frame = |message: &Heard| match message {
        Heard::Text(text) => serde_json::from_str(text).ok(),
        Heard::Binary(_) => None,
    };
    let sent: Vec<ClientFrame> = sent.iter().filter_map(frame).collect();
    let mut acknowledged = BTreeSet::new();
    for answer in answers {
        let answer: ServerFrame =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        if let ServerFrame::Ack { id, seq, .. } = answer {
            acknowledged.insert((id.clone(), seq));
            let was_sent =
                |frame: &ClientFrame| matches!(frame, ClientFrame::Message { id: own, .. } if *own == id);
            assert!(sent.iter().any(was_sent), "{id} was never sent");
        }
    }
    let ids: BTreeSet<_> = acknowledged.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), acknowledged.len(), "one id at two places: {acknowledged:?}");
}

/// A message that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing was wrong, and no goodbye was said.
    Open,
    /// With a goodbye.
    Closed,
    /// Something broke the rules of WebSocket, or was too long.
    Broken,
    /// Too much came.
    TooMany,
    /// The last frame is not complete, and what there is of it breaks the rules already.
    BrokenOrOpen,
}

/// What a stream of frames says.
#[derive(Debug)]
struct Read {
    messages: Vec<Heard>,
    /// Pings and pongs.
    signs: usize,
    /// Frames that are no whole messages, among them.
    parts: usize,
    ending: Ending,
}

/// A frame, unmasked.
struct Frame<'a> {
    last: bool,
    opcode: u8,
    payload: Vec<u8>,
    rest: &'a [u8],
}

/// What RFC 6455 makes of these bytes of a client, with at most [`MOST`] bytes in a message.
fn read(mut bytes: &[u8]) -> Read {
    let mut read = Read { messages: Vec::new(), signs: 0, parts: 0, ending: Ending::Open };
    let mut begun: Option<(u8, Vec<u8>)> = None;
    while read.ending == Ending::Open && !bytes.is_empty() {
        let frame = match next_frame(bytes, begun.as_ref()) {
            Ok(frame) => frame,
            Err(ending) => {
                read.ending = ending;
                break;
            }
        };
        bytes = frame.rest;
        read.parts += usize::from(!(frame.last && matches!(frame.opcode, 1 | 2)));
        read.ending = read.take(frame, &mut begun);
    }
    read
}

impl Read {
    fn take(&mut self, frame: Frame<'_>, begun: &mut Option<(u8, Vec<u8>)>) -> Ending {
        let short = frame.last && frame.payload.len() <= 125;
        let (opcode, payload) = match (frame.opcode, begun.take()) {
            (8, _) if short => return goodbye(&frame.payload),
            (9 | 10, before) if short => {
                self.signs += 1;
                *begun = before;
                return Ending::Open;
            }
            (0, Some((opcode, before))) => (opcode, [before, frame.payload].concat()),
            (opcode @ (1 | 2), None) => (opcode, frame.payload),
            _ => return Ending::Broken,
        };
        if payload.len() > usize::try_from(MOST).unwrap() {
            return Ending::Broken;
        }
        if opcode == 1
            && let Err(error) = std::str::from_utf8(&payload)
            && (frame.last || error.error_len().is_some())
        {
            return Ending::Broken;
        }
        if frame.last {
            self.messages.push(match opcode {
                1 => Heard::Text(String::from_utf8(payload).unwrap()),
                _ => Heard::Binary(payload),
            });
        } else {
            *begun = Some((opcode, payload));
        }
        Ending::Open
    }
}

fn goodbye(payload: &[u8]) -> Ending {
    match payload {
        [_] => Ending::Broken,
        [_, _, reason @ ..] if std::str::from_utf8(reason).is_err() => Ending::Broken,
        _ => Ending::Closed,
    }
}

/// The first frame, or how it ends without a whole one.
fn next_frame<'a>(bytes: &'a [u8], begun: Option<&(u8, Vec<u8>)>) -> Result<Frame<'a>, Ending> {
    let &[first, second, ref rest @ ..] = bytes else { return Err(Ending::Open) };
    let opcode = first & 0x0F;
    let masked = second & 0x80 != 0;
    let bad = first & 0x70 != 0 || !masked || !matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10);
    let incomplete = if bad { Ending::BrokenOrOpen } else { Ending::Open };
    let wide = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let header = wide + if masked { 4 } else { 0 };
    if rest.len() < header {
        return Err(incomplete);
    }
    let length = match wide {
        0 => u64::from(second & 0x7F),
        _ => rest[..wide].iter().fold(0, |length, byte| (length << 8) | u64::from(*byte)),
    };
    if length > u64::from(MOST) {
        return Err(Ending::Broken);
    }
    let (head, rest) = rest.split_at(header);
    let length = usize::try_from(length).unwrap();
    let (payload, rest) = rest.split_at(length.min(rest.len()));
    let mask = &head[wide..];
    let unmask = || payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    if payload.len() < length {
        let out_of_place = match opcode {
            0 => begun.is_none(),
            1 | 2 => begun.is_some(),
            _ => first & 0x80 == 0 || length > 125 || opcode == 8,
        };
        return Err(match begun {
            _ if bad || out_of_place => Ending::BrokenOrOpen,
            None if opcode == 1 => so_far(unmask()),
            Some((1, before)) if opcode == 0 => so_far([before.clone(), unmask()].concat()),
            _ => Ending::Open,
        });
    }
    if bad {
        return Err(Ending::Broken);
    }
    let payload = unmask();
    Ok(Frame { last: first & 0x80 != 0, opcode, payload, rest })
}

/// Text whose end is to come: it ends the connection at its first bad byte.
fn so_far(text: Vec<u8>) -> Ending {
    match std::str::from_utf8(&text) {
        Err(error) if error.error_len().is_some() => Ending::Broken,
        _ => Ending::Open,
    }
}

/// What a socket of the edge heard.
#[derive(Debug)]
struct Told {
    messages: Vec<Heard>,
    signs: usize,
    ending: Ending,
}

impl Told {
    /// Exactly what the bytes say.
    fn check(&self, read: &Read) {
        assert_eq!((&self.messages, self.signs), (&read.messages, read.signs), "{self:?}");
        let fits = match read.ending {
            Ending::BrokenOrOpen => matches!(self.ending, Ending::Broken | Ending::Open),
            ending => self.ending == ending,
        };
        assert!(fits, "{self:?}, and the bytes say {:?}", read.ending);
    }

    /// What the bytes say, up to where there were too many; and never too many when they are few.
    fn check_few(&self, read: &Read) {
        if self.ending != Ending::TooMany {
            return self.check(read);
        }
        assert!(read.messages.starts_with(&self.messages), "{self:?}");
        let few = usize::try_from(FEW).unwrap();
        // Whole messages and other frames share one allowance.
        // What comes behind a breach is counted, too, before anybody reads it.
        let all_was_read = matches!(read.ending, Ending::Open);
        assert!(!all_was_read || read.messages.len() + read.parts > few, "{self:?}, but only {read:?} came");
    }
}

/// A port of the edge, whose sockets say what they heard.
struct Listener {
    address: String,
    told: mpsc::Receiver<Told>,
}

impl Listener {
    fn new(limits: Limits) -> Self {
        let (tells, told) = mpsc::channel(1);
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(accept(Hears { limits, gate: Arc::default(), tells }, listener));
        Self { address, told }
    }

    async fn take(&mut self, bytes: &[u8], cut: usize) -> Told {
        let (_echo, told) =
            tokio::join!(send(&self.address, "", bytes, cut), within("what was heard", self.told.recv()));
        told.unwrap()
    }
}

#[derive(Clone)]
struct Hears {
    limits: Limits,
    gate: Arc<Gate>,
    tells: mpsc::Sender<Told>,
}

impl Host for Hears {
    type Speaks = ();

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    fn choose(&self, _asked: Asked<'_>) -> Result<((), Option<&'static str>), Refusal> {
        Ok(((), None))
    }

    async fn serve(self, socket: Upgraded<()>) {
        let mut socket = socket.into_socket(&self.limits).await;
        let mut told = Told { messages: Vec::new(), signs: 0, ending: Ending::Open };
        let end = loop {
            match socket.receive(true).await {
                Ok(Incoming::Alive) => {
                    told.signs += 1;
                    continue;
                }
                Ok(_) if !socket.count_message() => {
                    break End::Refused(Refusal::new(Code::RateLimited, "Too many."));
                }
                Ok(Incoming::Text(text)) => told.messages.push(Heard::Text(text)),
                Ok(Incoming::Binary(bytes)) => told.messages.push(Heard::Binary(bytes)),
                Err(end) => break end,
            }
        };
        told.ending = match &end {
            End::Failed { .. } | End::Closed { code: 1006, .. } => Ending::Open,
            End::Closed { .. } => Ending::Closed,
            End::Refused(refusal) if refusal.code == Code::RateLimited => Ending::TooMany,
            _ => Ending::Broken,
        };
        socket.close(&end).await;
        self.tells.send(told).await.unwrap();
    }
}
