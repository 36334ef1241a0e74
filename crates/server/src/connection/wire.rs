//! What a socket's peer sends, counted before anyone reads it. Endless fragments and floods of pings never become a
//! message, so they must be counted below the code that puts messages together.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use deskbell_protocol::settings::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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

/// More came than the limits allow.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Exceeded(pub(super) &'static str);

#[derive(Debug)]
struct Meter {
    frame_rate: Rate,
    frames: Bucket,
    byte_rate: Rate,
    bytes: Bucket,
    place: Place,
    exceeded: Option<&'static str>,
}

/// Where in the stream of frames the last byte was.
#[derive(Debug)]
enum Place {
    /// In a frame's header, of which so many bytes are known.
    Header { known: usize, bytes: [u8; HEADER_BYTES] },
    /// In a frame's payload, of which so many bytes are to come.
    Payload { left: u64 },
}

/// RFC 6455 §5.2: two bytes, eight of length, four of mask.
const HEADER_BYTES: usize = 14;

const NEW_HEADER: Place = Place::Header { known: 0, bytes: [0; HEADER_BYTES] };

/// What a frame's header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    /// A whole message in one frame.
    is_whole_message: bool,
    payload: u64,
}

impl Header {
    /// Reads a header; `Err` is how many bytes it has at least.
    fn parse(bytes: &[u8]) -> Result<Self, usize> {
        const FIN: u8 = 0x80;
        const OPCODE: u8 = 0x0F;
        const MASKED: u8 = 0x80;
        const LENGTH: u8 = 0x7F;
        let &[first, second, ref rest @ ..] = bytes else { return Err(2) };
        let length_bytes = match second & LENGTH {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let all = 2 + length_bytes + if second & MASKED == 0 { 0 } else { 4 };
        if bytes.len() < all {
            return Err(all);
        }
        let payload = match length_bytes {
            0 => u64::from(second & LENGTH),
            _ => rest.iter().take(length_bytes).fold(0_u64, |length, byte| (length << 8) | u64::from(*byte)),
        };
        let is_whole_message = first & FIN != 0 && matches!(first & OPCODE, 1 | 2);
        Ok(Self { is_whole_message, payload })
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
            exceeded: None,
        }
    }

    fn count(&mut self, mut bytes: &[u8]) {
        if !self.bytes.take(u32::try_from(bytes.len()).unwrap_or(u32::MAX), self.byte_rate) {
            self.exceeded = Some("Too many bytes in a short time.");
        }
        while self.exceeded.is_none() && !bytes.is_empty() {
            bytes = match &mut self.place {
                Place::Payload { left } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left = left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                    if *left == 0 {
                        self.place = NEW_HEADER;
                    }
                    bytes.get(here..).unwrap_or_default()
                }
                Place::Header { .. } => self.count_header(bytes),
            };
        }
    }

    /// Goes on with a header; what follows what was taken of it.
    fn count_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Place::Header { known, bytes: header } = &mut self.place else { return bytes };
        let mut rest = bytes;
        loop {
            match Header::parse(header.get(..*known).unwrap_or_default()) {
                Ok(parsed) => {
                    self.place = match parsed.payload {
                        0 => NEW_HEADER,
                        left => Place::Payload { left },
                    };
                    if !parsed.is_whole_message && !self.frames.take(1, self.frame_rate) {
                        self.exceeded = Some("Too many frames in a short time.");
                    }
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
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.exceeded.is_none() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            self.meter.count(buffer.filled().get(before..).unwrap_or_default());
        }
        // What came with it is not looked at either: nothing of it was acknowledged.
        match self.meter.exceeded {
            Some(sentence) => Poll::Ready(Err(io::Error::other(Exceeded(sentence)))),
            None => Poll::Ready(Ok(())),
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
        let frames: Vec<u8> = [(0x89, 0), (0x01, 125), (0x00, 126), (0x80, 70_000), (0x81, 5), (0x8A, 3)]
            .into_iter()
            .flat_map(|(first, payload)| frame(first, payload))
            .collect();
        for cut in [1, 2, 3, 7, 1024, frames.len()] {
            // Five of the six are no whole messages.
            for (burst, fits) in [(5, true), (4, false)] {
                let mut meter = meter(burst, 1 << 20);
                frames.chunks(cut).for_each(|chunk| meter.count(chunk));
                assert_eq!(meter.exceeded.is_none(), fits, "cut at {cut}, burst {burst}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whole_messages_are_left_to_their_reader_and_bytes_are_counted() {
        let mut meter = meter(1, 1000);
        (0..50).for_each(|_| meter.count(&frame(0x81, 10)));
        assert_eq!(meter.exceeded, None);
        (0..50).for_each(|_| meter.count(&frame(0x81, 10)));
        assert!(meter.exceeded.unwrap().contains("bytes"));
    }

    #[test]
    fn an_absurd_length_is_read_as_it_stands() {
        let header = [0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
        assert_eq!(Header::parse(&header), Ok(Header { is_whole_message: true, payload: u64::MAX }));
        assert_eq!(Header::parse(&header[..13]), Err(14));
        assert_eq!(Header::parse(&[0x82]), Err(2));
    }
}
