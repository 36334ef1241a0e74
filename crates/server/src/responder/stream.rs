//! Server-sent events (WHATWG HTML §9.2) as chat endpoints send them: each `data` line is an event of its own.

/// Bytes of one line. A token takes some hundred; a reply that comes in one piece may take this.
const LINE_BYTES: usize = 256 * 1024;
/// Bytes of one stream. The longest reply that is allowed, 4,096 tokens, takes about one of four.
const STREAM_BYTES: usize = 4 * 1024 * 1024;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    taken: usize,
}

/// The stream or one of its lines is longer than any reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Events {
    /// Takes the next bytes and gives the events that they complete.
    ///
    /// # Errors
    /// [`TooMuch`]
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooMuch> {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.taken > STREAM_BYTES {
            return Err(TooMuch);
        }
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.line.len().saturating_add(part.len()) > LINE_BYTES {
                return Err(TooMuch);
            }
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                events.extend(data(&self.line));
                self.line.clear();
            }
        }
        Ok(events)
    }

    /// The event of a last line without an end.
    pub(super) fn rest(self) -> Option<String> {
        data(&self.line)
    }
}

/// The value of a `data` field; comments, other fields and empty lines are none.
fn data(line: &[u8]) -> Option<String> {
    let value = String::from_utf8_lossy(line.strip_prefix(b"data:")?).trim().to_owned();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let stream = ": hi\r\nevent: x\r\ndata: {\"a\":\"é\"}\r\n\r\ndata:[DONE]\n\nid: 7\n".as_bytes();
        for size in 1..stream.len() {
            let mut events = Events::default();
            let found: Vec<String> =
                stream.chunks(size).flat_map(|chunk| events.take(chunk).unwrap()).collect();
            assert_eq!(found, ["{\"a\":\"é\"}", "[DONE]"], "cut every {size} bytes");
            assert_eq!(events.rest(), None);
        }
    }

    #[test]
    fn a_last_line_without_an_end_counts() {
        let mut events = Events::default();
        assert_eq!(events.take(b"data: [DONE]"), Ok(vec![]));
        assert_eq!(events.rest().as_deref(), Some("[DONE]"));
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut events = Events::default();
        let megabyte = vec![b'x'; 64 * 1024];
        let refused = (0..16).find(|_| events.take(&megabyte).is_err());
        assert_eq!(refused, Some(4));
        assert!(events.line.len() <= LINE_BYTES);
    }

    #[test]
    fn a_stream_without_end_is_given_up() {
        let mut events = Events::default();
        let lines = b"data: {}\n".repeat(1000);
        assert!((0..1000).any(|_| events.take(&lines) == Err(TooMuch)));
    }
}
