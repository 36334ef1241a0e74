//! What a socket's peer sends, looked at before anyone reads it. Endless fragments and floods of pings never become a
//! message, so they must be counted below the code that puts messages together; and that code sees frames only when they
//! are whole, so what is wrong with one is found here as soon as it has come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use deskbell_protocol::settings::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::utf8::Utf8;
use crate::bucket::{Bucket, Rate};

/// A byte stream of WebSocket frames with a meter on what comes in.
#[derive(Debug)]
pub(super) struct Wire<S> {
    stream: S,
    meter: Meter,
}

impl<S> Wire<S> {
    /// `read` is what was read from the stream already.
    pub(super) fn new(stream: S, read: &[u8], limits: &Limits) -> Self {
        let mut meter = Meter::new(limits);
        meter.count(read);
        Self { stream, meter }
    }

    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Counts a whole message. Those are refused one by one, with their ids, so whoever reads them counts them.
    pub(super) fn count_message(&mut self) -> bool {
        self.meter.frames.take(1, self.meter.frame_rate)
    }
}

/// Why no more is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// More came than the limits allow.
    #[error("{0}")]
    Exceeded(&'static str),
    /// A frame is none that a client may send; the sentence in English and in Chinese.
    #[error("{0}")]
    Broken(&'static str, &'static str),
    /// A text has a byte that is not UTF-8.
    #[error("The client sent text that is not UTF-8.")]
    NotText,
}

impl Fault {
    /// The sentence in Chinese.
    pub(super) fn in_chinese(self) -> &'static str {
        match self {
            Self::Exceeded(_) => "短时间内数据过多。",
            Self::Broken(_, chinese) => chinese,
            Self::NotText => "客户端发送的文本不是 UTF-8。",
        }
    }
}

#[derive(Debug)]
struct Meter {
    frame_rate: Rate,
    frames: Bucket,
    byte_rate: Rate,
    bytes: Bucket,
    place: Place,
    /// The message under way, put together from frames, is a text.
    in_text: bool,
    text: Utf8,
    fault: Option<Fault>,
}

/// Where in the stream of frames the last byte was.
#[derive(Debug)]
enum Place {
    /// In a frame's header, of which so many bytes are known.
    Header { known: usize, bytes: [u8; HEADER_BYTES] },
    /// In a frame's payload, of which so many bytes are to come. When they are text that must be looked at: the mask of
    /// the next byte and those after it.
    Payload { left: u64, text: Option<[u8; 4]> },
}

/// RFC 6455 §5.2: two bytes, eight of length, four of mask.
const HEADER_BYTES: usize = 14;

const NEW_HEADER: Place = Place::Header { known: 0, bytes: [0; HEADER_BYTES] };

/// What a frame's header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// FIN, the reserved bits and the opcode.
    first: u8,
    mask: [u8; 4],
    payload: u64,
}

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;

impl Header {
    /// Reads a header; `Err` is how many bytes it has at least.
    fn parse(bytes: &[u8]) -> Result<Self, usize> {
        const MASKED: u8 = 0x80;
        const LENGTH: u8 = 0x7F;
        let &[first, second, ref rest @ ..] = bytes else { return Err(2) };
        let length_bytes = match second & LENGTH {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_masked = second & MASKED != 0;
        let all = 2 + length_bytes + if is_masked { 4 } else { 0 };
        if bytes.len() < all {
            return Err(all);
        }
        let payload = match length_bytes {
            0 => u64::from(second & LENGTH),
            _ => rest.iter().take(length_bytes).fold(0_u64, |length, byte| (length << 8) | u64::from(*byte)),
        };
        let mask = rest.get(length_bytes..).and_then(|mask| mask.first_chunk()).filter(|_| is_masked);
        Ok(Self { first, mask: mask.copied().unwrap_or_default(), payload })
    }

    fn opcode(&self) -> u8 {
        self.first & OPCODE
    }

    /// A whole message in one frame.
    fn is_whole_message(&self) -> bool {
        self.first & FIN != 0 && matches!(self.opcode(), 1 | 2)
    }

    /// What no client may send, whatever follows (RFC 6455 §5.2, §5.5).
    fn fault(&self) -> Option<Fault> {
        let is_control = self.opcode() >= 8;
        if self.first & RESERVED != 0 {
            Some(Fault::Broken("A frame has a reserved bit.", "帧使用了保留位。"))
        } else if !matches!(self.opcode(), 0..=2 | 8..=10) {
            Some(Fault::Broken("A frame is of a reserved kind.", "帧的类型是保留的。"))
        } else if is_control && (self.first & FIN == 0 || self.payload > 125) {
            Some(Fault::Broken("A control frame is in fragments or too long.", "控制帧被分片或过长。"))
        } else {
            None
        }
    }
}

impl Meter {
    fn new(limits: &Limits) -> Self {
        let frame_rate = Rate::new(limits.frames_burst, limits.frames_per_second);
        let byte_rate = Rate::new(limits.bytes_burst, limits.bytes_per_second);
        Self {
            frame_rate,
            frames: Bucket::full(frame_rate),
            byte_rate,
            bytes: Bucket::full(byte_rate),
            place: NEW_HEADER,
            in_text: false,
            text: Utf8::default(),
            fault: None,
        }
    }

    fn count(&mut self, mut bytes: &[u8]) {
        if !self.bytes.take(u32::try_from(bytes.len()).unwrap_or(u32::MAX), self.byte_rate) {
            self.fault = Some(Fault::Exceeded("Too many bytes in a short time."));
        }
        while self.fault.is_none() && !bytes.is_empty() {
            bytes = match self.place {
                Place::Payload { .. } => self.count_payload(bytes),
                Place::Header { .. } => self.count_header(bytes),
            };
        }
    }

    /// Goes on with a payload; what follows what was taken of it.
    fn count_payload<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Place::Payload { left, text } = &mut self.place else { return bytes };
        let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
        *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
        let (taken, rest) = bytes.split_at_checked(here).unwrap_or((bytes, &[]));
        if let Some(mask) = text
            && !self.text.take_masked(taken, mask)
        {
            self.fault = Some(Fault::NotText);
        }
        if *left == 0 {
            self.place = NEW_HEADER;
        }
        rest
    }

    /// Goes on with a header; what follows what was taken of it.
    fn count_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Place::Header { known, bytes: header } = &mut self.place else { return bytes };
        let mut rest = bytes;
        loop {
            match Header::parse(header.get(..*known).unwrap_or_default()) {
                Ok(parsed) => {
                    self.begin_frame(&parsed, rest.len());
                    return rest;
                }
                Err(_more) => {
                    let (Some((byte, after)), Some(place)) = (rest.split_first(), header.get_mut(*known))
                    else {
                        return rest;
                    };
                    *place = *byte;
                    *known = known.saturating_add(1);
                    rest = after;
                }
            }
        }
    }

    /// A frame's header is known, and so many bytes of what follows.
    fn begin_frame(&mut self, header: &Header, here: usize) {
        match header.opcode() {
            1 => (self.in_text, self.text) = (true, Utf8::default()),
            2 => self.in_text = false,
            _ => {}
        }
        // A message that is here whole is read at once, and looked at by whoever reads it.
        let whole = header.is_whole_message() && u64::try_from(here).is_ok_and(|here| header.payload <= here);
        let text = (self.in_text && header.opcode() <= 1 && !whole).then_some(header.mask);
        self.place = match header.payload {
            0 => NEW_HEADER,
            left => Place::Payload { left, text },
        };
        self.fault = header.fault();
        if !header.is_whole_message() && !self.frames.take(1, self.frame_rate) {
            self.fault = Some(Fault::Exceeded("Too many frames in a short time."));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.meter.fault {
            return Poll::Ready(Err(io::Error::other(fault)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.meter.count(buffer.filled().get(before..).unwrap_or_default());
        match self.meter.fault {
            // What came with it is not looked at either: nothing of it was acknowledged.
            Some(fault @ Fault::Exceeded(_)) => Poll::Ready(Err(io::Error::other(fault))),
            // What came before it is good: the fault is told when more is asked for.
            Some(Fault::Broken(..) | Fault::NotText) | None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(frames_burst: u32, bytes_burst: u32) -> Meter {
        Meter::new(&Limits { frames_burst, bytes_burst, ..Limits::default() })
    }

    /// A masked frame of a client.
    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match payload {
            0..126 => frame.push(0x80 | u8::try_from(payload).unwrap()),
            126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(payload).unwrap().to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.resize(frame.len() + payload, 0xAA);
        frame
    }

    #[tokio::test(start_paused = true)]
    async fn frames_are_found_however_the_stream_is_cut() {
        let frames: Vec<u8> = [(0x89, 0), (0x02, 125), (0x00, 126), (0x80, 70_000), (0x82, 5), (0x8A, 3)]
            .into_iter()
            .flat_map(|(first, payload)| frame(first, payload))
            .collect();
        for cut in [1, 2, 3, 7, 1024, frames.len()] {
            // Five of the six are no whole messages.
            for (burst, fits) in [(5, true), (4, false)] {
                let mut meter = meter(burst, 1 << 20);
                frames.chunks(cut).for_each(|chunk| meter.count(chunk));
                assert_eq!(meter.fault.is_none(), fits, "cut at {cut}, burst {burst}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whole_messages_are_left_to_their_reader_and_bytes_are_counted() {
        let mut meter = meter(1, 1000);
        (0..50).for_each(|_| meter.count(&frame(0x81, 10)));
        assert_eq!(meter.fault, None);
        (0..50).for_each(|_| meter.count(&frame(0x81, 10)));
        assert_eq!(meter.fault, Some(Fault::Exceeded("Too many bytes in a short time.")));
    }

    #[test]
    fn an_absurd_length_is_read_as_it_stands() {
        let header = [0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        let parsed = Header { first: 0x82, mask: [1, 2, 3, 4], payload: u64::MAX };
        assert!(parsed.is_whole_message());
        assert_eq!(Header::parse(&header), Ok(parsed));
        assert_eq!(Header::parse(&header[..13]), Err(14));
        assert_eq!(Header::parse(&[0x82]), Err(2));
    }

    /// A masked frame with this payload.
    fn text(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = frame(first, payload.len());
        let at = bytes.len() - payload.len();
        bytes[at..].iter_mut().zip(payload).zip([1, 2, 3, 4].iter().cycle()).for_each(
            |((to, byte), mask)| {
                *to = byte ^ mask;
            },
        );
        bytes
    }

    #[test]
    fn text_is_looked_at_before_its_frame_is_whole() {
        let good = "κόσμε 😀".as_bytes();
        let bad = [good, b"\xF4\x90\x80\x80", good].concat();
        for cut in [1, 2, 3, 5] {
            let mut meter = meter(100, 1 << 20);
            // In fragments, one of nothing, with a ping between.
            let fragments =
                [text(0x01, &good[..7]), text(0x89, b"\xFF"), text(0x00, b""), text(0x80, &good[7..])];
            fragments.concat().chunks(cut).for_each(|chunk| meter.count(chunk));
            assert_eq!(meter.fault, None, "good text, cut at {cut}");
            // Binary is not looked at, and the text after it is another.
            text(0x02, b"\xFF").iter().chain(&text(0x80, b"\xFF")).for_each(|byte| meter.count(&[*byte]));
            assert_eq!(meter.fault, None);
            let frame = text(0x81, &bad);
            let known_at = 6 + good.len() + 2;
            let read = frame.iter().position(|byte| {
                meter.count(&[*byte]);
                meter.fault.is_some()
            });
            assert_eq!((read, meter.fault), (Some(known_at - 1), Some(Fault::NotText)));
        }
    }

    #[test]
    fn frames_that_nobody_may_send_are_known_by_their_headers() {
        for first in [0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0x09, 0x0A, 0x08] {
            let mut meter = meter(100, 1 << 20);
            meter.count(&frame(first, 100)[..6]);
            assert!(matches!(meter.fault, Some(Fault::Broken(..))), "{first:#x}");
        }
        let mut meter = meter(100, 1 << 20);
        meter.count(&frame(0x89, 126)[..8]);
        assert!(matches!(meter.fault, Some(Fault::Broken(..))), "a long ping");
    }
}
