//! Whether bytes are UTF-8, as they come.

/// Bytes unmasked at once.
const CHUNK: usize = 1024;

/// A text under way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Utf8 {
    /// The first bytes of a character whose others are to come.
    begun: [u8; 4],
    known: usize,
}

impl Utf8 {
    /// Goes on with bytes of a masked payload; false when the text is none, whatever follows. The mask is turned, so that
    /// its first byte belongs to the next byte to come.
    pub(super) fn take_masked(&mut self, bytes: &[u8], mask: &mut [u8; 4]) -> bool {
        let mut plain = [0; CHUNK];
        bytes.chunks(CHUNK).all(|chunk| {
            for ((plain, byte), mask) in plain.iter_mut().zip(chunk).zip(mask.iter().cycle()) {
                *plain = byte ^ mask;
            }
            mask.rotate_left(chunk.len() % 4);
            self.take(plain.get(..chunk.len()).unwrap_or_default())
        })
    }

    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while self.known > 0 {
            let (Some((byte, rest)), Some(place)) = (bytes.split_first(), self.begun.get_mut(self.known))
            else {
                return true;
            };
            *place = *byte;
            self.known += 1;
            bytes = rest;
            match std::str::from_utf8(self.begun.get(..self.known).unwrap_or_default()) {
                Ok(_whole) => self.known = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_more) => {}
            }
        }
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        if error.error_len().is_some() {
            return false;
        }
        // At most three bytes: a fourth would have made it whole or bad.
        for (place, byte) in self.begun.iter_mut().zip(bytes.get(error.valid_up_to()..).unwrap_or_default()) {
            *place = *byte;
            self.known += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text_however_it_is_cut_and_masked() {
        let text = "a ß € 😀 ".repeat(300);
        for cut in [1, 2, 3, 4, 5, 1023, 1025, text.len()] {
            let key = [7, 0, 255, 128];
            let masked: Vec<u8> =
                text.bytes().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            let (mut utf8, mut mask) = (Utf8::default(), key);
            assert!(masked.chunks(cut).all(|chunk| utf8.take_masked(chunk, &mut mask)), "cut at {cut}");
            assert_eq!(utf8.known, 0);
        }
    }

    #[test]
    fn what_is_no_text_is_known_at_its_first_bad_byte() {
        // Overlong, surrogates, beyond the last character, a byte that none begins with, a character that is cut short.
        for (good, bad) in [
            (&b"\xC3\xA4"[..], 0xC0),
            (b"\xE0", 0x9F),
            (b"\xED", 0xA0),
            (b"\xF0", 0x8F),
            (b"\xF4", 0x90),
            (b"", 0xF5),
            (b"", 0x80),
            (b"\xE2\x82", 0x41),
        ] {
            let mut utf8 = Utf8::default();
            assert!(utf8.take(good), "{good:x?}");
            assert!(!utf8.take(&[bad]), "{good:x?} {bad:x}");
        }
    }
}
