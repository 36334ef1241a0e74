//! What an outside suite would try on a WebSocket server, by its usual sections: 1 sizes, 2 pings, 3 reserved bits, 4
//! reserved kinds, 5 fragments, 6 UTF-8, 7 closing, 9 long messages, 10 the rest. Against an echo.

use std::slice::from_ref;

use deskbell_tests::raw::{first, masked};

/// One connection: what is sent, and what must come back, frame by frame.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) sends: Vec<u8>,
    /// Bytes of one write; 0 for all in one.
    pub(crate) piece: usize,
    /// First bytes and payloads.
    pub(crate) answers: Vec<(u8, Vec<u8>)>,
    pub(crate) end: End,
}

/// How the connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing is wrong: the client says goodbye with 1000 and hears that again.
    WithGoodbye,
    /// The server fails the connection with this code.
    Failed(u16),
    /// The server answers the client's close frame with this payload.
    Answered(Vec<u8>),
}

pub(crate) const PONG: u8 = 0x8A;

fn case(name: impl Into<String>, sends: &[Vec<u8>], answers: Vec<(u8, Vec<u8>)>, end: End) -> Case {
    Case { name: name.into(), sends: sends.concat(), piece: 0, answers, end }
}

impl Case {
    fn in_pieces(mut self, piece: usize) -> Self {
        self.name = format!("{}, in pieces of {piece}", self.name);
        self.piece = piece;
        self
    }
}

fn text(text: &str) -> (u8, Vec<u8>) {
    (first::TEXT, text.as_bytes().to_vec())
}

fn send((first, payload): &(u8, Vec<u8>)) -> Vec<u8> {
    masked(*first, payload)
}

/// A message in frames of this many bytes, the last one with FIN.
fn fragments(first: u8, payload: &[u8], size: usize) -> Vec<u8> {
    let last = payload.len().div_ceil(size).max(1) - 1;
    let mut frames = Vec::new();
    for number in 0..=last {
        let part = &payload[number * size..payload.len().min((number + 1) * size)];
        let opcode = if number == 0 { first & 0x0F } else { 0 };
        let fin = if number == last { 0x80 } else { 0 };
        frames.extend(masked(fin | opcode, part));
    }
    frames
}

pub(crate) fn sizes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, first) in [("text", first::TEXT), ("binary", first::BINARY)] {
        for size in [0, 1, 125, 126, 127, 128, 65_535, 65_536] {
            let message = (first, vec![b'*'; size]);
            let echo = |name: &str| {
                case(
                    format!("1 {kind} {size}{name}"),
                    &[send(&message)],
                    vec![message.clone()],
                    End::WithGoodbye,
                )
            };
            cases.push(echo(""));
            cases.push(echo("").in_pieces(if size > 1000 { 997 } else { 1 }));
        }
        let binary: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let message = if first == first::TEXT {
            text("Ελληνικά 汉字 🙂 \0 \u{10FFFF}")
        } else {
            (first, binary)
        };
        cases.push(case(
            format!("1 {kind} of all kinds"),
            &[send(&message)],
            vec![message.clone()],
            End::WithGoodbye,
        ));
    }
    cases
}

pub(crate) fn pings() -> Vec<Case> {
    let pong = |payload: &[u8]| (PONG, payload.to_vec());
    let ping = |payload: &[u8]| masked(first::PING, payload);
    let mut cases = Vec::new();
    for payload in [&b""[..], b"Hello, world!", b"\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF", &[0xFE; 125]] {
        let name = format!("2 ping of {}", payload.len());
        cases.push(case(&name, &[ping(payload)], vec![pong(payload)], End::WithGoodbye));
        cases.push(case(name, &[ping(payload)], vec![pong(payload)], End::WithGoodbye).in_pieces(1));
    }
    cases.push(case("2 ping of 126", &[ping(&[0xFE; 126])], vec![], End::Failed(1002)));
    cases.push(case("2 pong nobody asked for", &[masked(PONG, b"")], vec![], End::WithGoodbye));
    cases.push(case(
        "2 pong nobody asked for, then a ping",
        &[masked(PONG, b"unsolicited"), ping(b"ping")],
        vec![pong(b"ping")],
        End::WithGoodbye,
    ));
    for many in [10, 100] {
        let payloads: Vec<_> = (0..many).map(|n| format!("payload {n}").into_bytes()).collect();
        let pings: Vec<_> = payloads.iter().map(|payload| ping(payload)).collect();
        let pongs: Vec<_> = payloads.iter().map(|payload| pong(payload)).collect();
        let name = format!("2 {many} pings at once");
        cases.push(case(&name, &pings, pongs.clone(), End::WithGoodbye));
        if many == 10 {
            cases.push(case(name, &pings, pongs, End::WithGoodbye).in_pieces(1));
        }
    }
    cases
}

pub(crate) fn reserved() -> Vec<Case> {
    let hello = text("Hello, world!");
    let mut cases = Vec::new();
    for bits in 1..8_u8 {
        for kind in [first::TEXT, first::BINARY, first::PING, PONG, first::CLOSE] {
            let wrong = masked(kind | bits << 4, if kind == first::CLOSE { b"\x03\xE8" } else { b"small" });
            let name = format!("3 bits {bits} on {kind:#x}");
            cases.push(case(&name, from_ref(&wrong), vec![], End::Failed(1002)));
            // What came before is answered, what comes after is not.
            cases.push(case(
                format!("{name} between others"),
                &[send(&hello), wrong, masked(first::PING, b"")],
                vec![hello.clone()],
                End::Failed(1002),
            ));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for payload in [&b""[..], b"reserved"] {
            let wrong = masked(0x80 | opcode, payload);
            let name = format!("4 kind {opcode} with {}", payload.len());
            cases.push(case(&name, from_ref(&wrong), vec![], End::Failed(1002)));
            cases.push(
                case(
                    format!("{name} between others, octet by octet"),
                    &[send(&hello), wrong, masked(first::PING, b"")],
                    vec![hello.clone()],
                    End::Failed(1002),
                )
                .in_pieces(1),
            );
        }
    }
    let unmasked = vec![first::TEXT, 2, b'h', b'i'];
    cases.push(case("3 not masked", &[unmasked], vec![], End::Failed(1002)));
    cases
}

pub(crate) fn fragmented() -> Vec<Case> {
    let begins = |payload: &[u8]| masked(first::TEXT_BEGINS, payload);
    let continues = |payload: &[u8]| masked(first::CONTINUES, payload);
    let ends = |payload: &[u8]| masked(first::ENDS, payload);
    let ping = || masked(first::PING, b"between");
    let pong = || (PONG, b"between".to_vec());
    let (one, two) = (text("fragment1fragment2"), text("second"));
    let mut cases = vec![
        case("5 ping in fragments", &[masked(0x09, b"a"), ends(b"b")], vec![], End::Failed(1002)),
        case("5 pong in fragments", &[masked(0x0A, b"a"), ends(b"b")], vec![], End::Failed(1002)),
        case("5 close in fragments", &[masked(0x08, b"\x03\xE8")], vec![], End::Failed(1002)),
        case(
            "5 two fragments",
            &[begins(b"fragment1"), ends(b"fragment2")],
            vec![one.clone()],
            End::WithGoodbye,
        ),
        case(
            "5 a ping between fragments",
            &[begins(b"fragment1"), ping(), ends(b"fragment2")],
            vec![pong(), one.clone()],
            End::WithGoodbye,
        ),
        case(
            "5 pings between many fragments",
            &[
                begins(b"frag"),
                ping(),
                continues(b"ment1"),
                ping(),
                continues(b""),
                ping(),
                ends(b"fragment2"),
            ],
            vec![pong(), pong(), pong(), one.clone()],
            End::WithGoodbye,
        ),
        case(
            "5 fragments of nothing",
            &[begins(b""), continues(b""), ends(b"")],
            vec![text("")],
            End::WithGoodbye,
        ),
        case(
            "5 only the middle one has something",
            &[begins(b""), continues(b"middle"), ends(b"")],
            vec![text("middle")],
            End::WithGoodbye,
        ),
        case("5 the end of nothing", &[ends(b"non-continuation"), send(&two)], vec![], End::Failed(1002)),
        case("5 more of nothing", &[continues(b"non-continuation"), send(&two)], vec![], End::Failed(1002)),
        case(
            "5 the end of nothing after a message in fragments",
            &[begins(b"fragment1"), ends(b"fragment2"), ends(b"more"), send(&two)],
            vec![one.clone()],
            End::Failed(1002),
        ),
        case(
            "5 a message in a message",
            &[begins(b"fragment1"), masked(first::TEXT, b"fragment2")],
            vec![],
            End::Failed(1002),
        ),
        case(
            "5 a binary message in a text",
            &[begins(b"fragment1"), masked(0x02, b"fragment2")],
            vec![],
            End::Failed(1002),
        ),
        case(
            "5 two messages in fragments, with pings",
            &[begins(b"fragment1"), ping(), ends(b"fragment2"), begins(b"sec"), ping(), ends(b"ond")],
            vec![pong(), one, pong(), two],
            End::WithGoodbye,
        ),
    ];
    for at in 0..cases.len() {
        let Case { name, sends, answers, end, .. } = &cases[at];
        let again = case(name.clone(), from_ref(sends), answers.clone(), end.clone()).in_pieces(1);
        cases.push(again);
    }
    cases
}

/// Texts that are UTF-8, by the usual list: first and last of each length, what nobody has given a meaning, private ones.
const GOOD: &[&str] = &[
    "Hello-µ@ßöäüàá-UTF-8!!",
    "κόσμε",
    "\0",
    "\u{7F}",
    "\u{80}",
    "\u{7FF}",
    "\u{800}",
    "\u{D7FF}",
    "\u{E000}",
    "\u{FFFD}",
    "\u{FFFE}",
    "\u{FFFF}",
    "\u{10000}",
    "\u{1FFFE}",
    "\u{10FFFE}",
    "\u{10FFFF}",
    "\u{FEFF}with a mark",
    "👩‍👩‍👧‍👦 e\u{301}\u{302}\u{303}",
];

/// What is not, with where that is known: at this byte.
const BAD: &[(&[u8], usize)] = &[
    (b"\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80edited", 13),
    (b"\x80", 1),
    (b"\xBF", 1),
    (b"\x80\xBF\x80", 1),
    (b"\xC0\xAF", 1),
    (b"\xC1\xBF", 1),
    (b"\xE0\x80\xAF", 2),
    (b"\xE0\x9F\xBF", 2),
    (b"\xF0\x80\x80\xAF", 2),
    (b"\xF0\x8F\xBF\xBF", 2),
    (b"\xF8\x88\x80\x80\x80", 1),
    (b"\xFC\x84\x80\x80\x80\x80", 1),
    (b"\xF4\x90\x80\x80", 2),
    (b"\xED\xA0\x80", 2),
    (b"\xED\xBF\xBF", 2),
    (b"\xED\xA0\x80\xED\xB0\x80", 2),
    (b"\xFE", 1),
    (b"\xFF", 1),
    (b"ok \xC3 ", 5),
    (b"ok \xE2\x82 ", 6),
    (b"ok \xF0\x9F\x98 ", 7),
];

/// A character that is cut short by the end of the message.
const CUT: &[&[u8]] = &[b"\xCE", b"\xCE\xBA\xE1", b"\xCE\xBA\xE1\xBD", b"a\xF0", b"a\xF0\x9F\x98"];

pub(crate) fn utf8() -> Vec<Case> {
    let mut cases = Vec::new();
    for good in GOOD {
        let message = text(good);
        let name = format!("6 {good:?}");
        cases.push(case(&name, &[send(&message)], vec![message.clone()], End::WithGoodbye));
        cases.push(case(&name, &[send(&message)], vec![message.clone()], End::WithGoodbye).in_pieces(1));
        let fragments = [fragments(first::TEXT, good.as_bytes(), 1)];
        cases.push(case(format!("{name} in fragments"), &fragments, vec![message], End::WithGoodbye));
    }
    for (bad, known_at) in BAD {
        let name = format!("6 bad {bad:x?}");
        cases.push(case(&name, &[masked(first::TEXT, bad)], vec![], End::Failed(1007)));
        let in_fragments = fragments(first::TEXT, bad, 1);
        cases.push(case(format!("{name} in fragments"), &[in_fragments], vec![], End::Failed(1007)));
        // Known at once: what follows, of the frame or of the message, is never sent.
        let mut cut_short = masked(first::TEXT, &[*bad, b" and so on".repeat(100).as_slice()].concat());
        cut_short.truncate(8 + known_at);
        cases.push(case(format!("{name} before the frame's end"), &[cut_short], vec![], End::Failed(1007)));
        let begun = masked(first::TEXT_BEGINS, &bad[..*known_at]);
        cases.push(case(format!("{name} before the last fragment"), &[begun], vec![], End::Failed(1007)));
    }
    for cut in CUT {
        let name = format!("6 cut {cut:x?}");
        cases.push(case(&name, &[masked(first::TEXT, cut)], vec![], End::Failed(1007)));
        let in_fragments = [fragments(first::TEXT, cut, 1)];
        cases.push(case(format!("{name} in fragments"), &in_fragments, vec![], End::Failed(1007)));
        let binary = (first::BINARY, cut.to_vec());
        cases.push(case(
            format!("{name} as binary"),
            &[send(&binary)],
            vec![binary.clone()],
            End::WithGoodbye,
        ));
    }
    cases
}

fn closing(payload: &[u8]) -> Vec<u8> {
    masked(first::CLOSE, payload)
}

fn coded(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

pub(crate) fn closes() -> Vec<Case> {
    let hello = text("Hello, world!");
    let normal = || End::Answered(coded(1000, b""));
    let mut cases = vec![
        case("7 after a message", &[send(&hello), closing(&coded(1000, b""))], vec![hello.clone()], normal()),
        case("7 twice", &[closing(&coded(1000, b"")), closing(&coded(1000, b""))], vec![], normal()),
        case("7 then a ping", &[closing(&coded(1000, b"")), masked(first::PING, b"")], vec![], normal()),
        case("7 then a message", &[closing(&coded(1000, b"")), send(&hello)], vec![], normal()),
        case(
            "7 in a message",
            &[masked(first::TEXT_BEGINS, b"a"), closing(&coded(1000, b"")), masked(first::ENDS, b"b")],
            vec![],
            normal(),
        ),
        case("7 without a payload", &[closing(b"")], vec![], End::Answered(Vec::new())),
        case("7 with half a code", &[closing(b"a")], vec![], End::Failed(1002)),
        case(
            "7 with a reason",
            &[closing(&coded(1000, b"Done."))],
            vec![],
            End::Answered(coded(1000, b"Done.")),
        ),
        case(
            "7 with the longest reason",
            &[closing(&coded(1000, &[b'*'; 123]))],
            vec![],
            End::Answered(coded(1000, &[b'*'; 123])),
        ),
        case(
            "7 with a reason that is too long",
            &[closing(&coded(1000, &[b'*'; 124]))],
            vec![],
            End::Failed(1002),
        ),
        case(
            "7 with a reason that is not UTF-8",
            &[closing(&coded(1000, b"\xCE\xBA\xED\xA0\x80"))],
            vec![],
            End::Failed(1007),
        ),
    ];
    let long = (first::TEXT, vec![b'*'; 256 * 1024]);
    let after_long = [send(&long), closing(&coded(1000, b"")), masked(first::PING, b"")];
    cases.push(case("7 after a long message", &after_long, vec![long], normal()));
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        let closes = closing(&coded(code, b""));
        cases.push(case(format!("7 with {code}"), &[closes], vec![], End::Answered(coded(code, b""))));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(case(format!("7 with {code}"), &[closing(&coded(code, b""))], vec![], End::Failed(1002)));
        let closes = [closing(&coded(code, b"why"))];
        cases.push(case(format!("7 with {code} and a reason"), &closes, vec![], End::Failed(1002)));
    }
    cases
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

pub(crate) fn long() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, first) in [("text", first::TEXT), ("binary", first::BINARY)] {
        let message =
            |size: usize| (first, b"BAsd7&jh".iter().copied().cycle().take(size).collect::<Vec<u8>>());
        let echo = |name: String, sends: Vec<u8>, size: usize| {
            case(name, &[sends], vec![message(size)], End::WithGoodbye)
        };
        for size in [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB, 64 * MIB] {
            cases.push(echo(format!("9 {kind} of {size}"), send(&message(size)), size));
        }
        for part in [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] {
            let sends = fragments(first, &message(4 * MIB).1, part);
            cases.push(echo(format!("9 {kind} of 4 MiB in fragments of {part}"), sends, 4 * MIB));
        }
        for piece in [64, 128, 256, 512, KIB, 2 * KIB] {
            let one = echo(format!("9 {kind} of 1 MiB"), send(&message(MIB)), MIB);
            cases.push(one.in_pieces(piece));
        }
        for size in [0, 16, 64, 256, KIB, 4 * KIB, 16 * KIB] {
            let all: Vec<_> = vec![message(size); 1000];
            let sends: Vec<_> = all.iter().map(send).collect();
            cases.push(case(format!("9 1,000 of {kind} of {size}"), &sends, all, End::WithGoodbye));
        }
        let sends = fragments(first, &message(64 * KIB).1, 1300);
        cases.push(echo(format!("10 {kind} in fragments of 1,300"), sends, 64 * KIB));
    }
    cases
}
