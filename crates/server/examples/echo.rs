//! Sends back every text and binary message, through the accept and frame path of the desk itself. Conformance suites
//! of others are run against it.
//!
//! `echo [--listen IP:PORT] [--LIMIT NUMBER]...`, where every limit of the settings is a flag: see `--help`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use deskbell_server::edge::{Asked, End, Gate, Host, Incoming, Socket, Upgraded, accept, bind};

#[derive(Clone)]
struct Echo {
    limits: Limits,
    gate: Arc<Gate>,
}

impl Host for Echo {
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
        let end = echo(&mut socket).await;
        socket.close(&end).await;
    }
}

/// Until the socket ends.
async fn echo(socket: &mut Socket) -> End {
    loop {
        match one(socket).await {
            Ok(()) => {}
            Err(end) => return end,
        }
    }
}

async fn one(socket: &mut Socket) -> Result<(), End> {
    let incoming = socket.receive(true).await?;
    if !matches!(incoming, Incoming::Alive) && !socket.count_message() {
        let refusal = Refusal::new(Code::RateLimited, "Too many messages in a short time.");
        return Err(End::Refused(refusal));
    }
    match incoming {
        Incoming::Text(text) => socket.send(&text).await?,
        Incoming::Binary(bytes) => socket.send_binary(bytes).await?,
        Incoming::Alive => return Ok(()),
    }
    socket.flush().await
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let Some((address, limits)) = parse(arguments)? else {
        println!("{}", help());
        return Ok(());
    };
    let listener = bind(address).map_err(|error| format!("{address} cannot be listened on: {error}."))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("listening on {address}");
    accept(Echo { limits, gate: Arc::default() }, listener).await;
    Ok(())
}

/// Where to listen and within which limits; `None` when help is asked for.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<(SocketAddr, Limits)>, String> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 9001));
    let mut limits = as_json(&Limits::default());
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        if name == "--help" {
            return Ok(None);
        }
        let value = inline.or_else(|| arguments.next()).ok_or_else(|| format!("{name} needs a value."))?;
        let limit = name.strip_prefix("--").map(|name| name.replace('-', "_")).unwrap_or_default();
        if name == "--listen" {
            address =
                value.parse().map_err(|_| format!("“{value}” is not an address such as 127.0.0.1:9001."))?;
        } else if let Some(place) = limits.get_mut(&limit) {
            let number: u32 = value.parse().map_err(|_| format!("{name} takes a number, not “{value}”."))?;
            *place = number.into();
        } else {
            return Err(format!("There is no argument “{name}”. See --help."));
        }
    }
    let limits = serde_json::from_value(limits.into()).map_err(|error| error.to_string())?;
    Ok(Some((address, limits)))
}

fn as_json(limits: &Limits) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(limits) {
        Ok(serde_json::Value::Object(limits)) => limits,
        _ => serde_json::Map::new(),
    }
}

fn help() -> String {
    let limits: String = as_json(&Limits::default())
        .iter()
        .map(|(name, value)| format!("  --{} {value}\n", name.replace('_', "-")))
        .collect();
    format!(
        "Sends back what it gets. Usage: echo [--listen 127.0.0.1:9001] [--LIMIT NUMBER]...\n\n\
         Limits, with their defaults (crates/protocol/src/settings/edge.rs says what they mean; here they may be any \
         number):\n{limits}\n\
         For suites that send what no customer would, such as 16 MiB in fragments of 64 bytes:\n  \
         --frame-bytes 67108864 --message-bytes 67108864 --outbox-bytes 67108864 --frames-burst 4000000000 \
         --bytes-burst 4000000000 --frames-per-second 4000000000 --bytes-per-second 4000000000"
    )
}
