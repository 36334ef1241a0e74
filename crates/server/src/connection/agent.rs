//! `deskbell.agent.v1`: a console in a browser. The same requests and updates as in the desktop window, behind the
//! agent's secret.

use deskbell_protocol::agent::{AgentClientFrame, AgentServerFrame, Request, Response};
use deskbell_protocol::limits::CONSOLE_FRAME_BYTES;
use deskbell_protocol::settings::Limits;
use deskbell_protocol::{Code, Refusal};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::socket::{End, Incoming, Socket};
use crate::desk::Desk;
use crate::limits::{ANSWER_BYTES, OFFENCES};
use crate::watch::Watch;

/// Calls answered at once for one console; more wait in its socket.
const CALLS: usize = 16;

/// Serves a console.
pub(crate) async fn serve(desk: Desk, stream: TcpStream, read: Vec<u8>) {
    let settings = desk.hub().settings();
    let limits =
        Limits { frame_bytes: CONSOLE_FRAME_BYTES, outbox_bytes: ANSWER_BYTES, ..settings.limits.clone() };
    let mut socket = Socket::new(stream, read, &limits).await;
    let end = match tokio::time::timeout(limits.hello(), authorize(&desk, &mut socket)).await {
        Ok(Ok(watch)) => converse(&desk, &mut socket, watch).await,
        Ok(Err(end)) => end,
        Err(_elapsed) => End::refused(Code::TimedOut, "No hello came in time."),
    };
    if let End::Refused(refusal) = &end {
        let frame = AgentServerFrame::Refusal { id: None, refusal: refusal.clone() };
        let _gone = send(&mut socket, &frame).await;
    }
    socket.close(&end).await;
}

/// The watch of a console that has shown the secret. It begins before the console is told so: nothing falls between.
async fn authorize(desk: &Desk, socket: &mut Socket) -> Result<Watch, End> {
    loop {
        match socket.receive(true).await? {
            Incoming::Alive => {}
            Incoming::Text(text) => match serde_json::from_str(&text) {
                Ok(AgentClientFrame::Hello { secret }) if desk.is_secret(&secret) => {
                    let watch = desk.watch();
                    let epoch = desk.hub().epoch().to_string();
                    return send(socket, &AgentServerFrame::Welcome { epoch }).await.map(|()| watch);
                }
                _ => return Err(unauthorized()),
            },
            Incoming::Binary(_) => return Err(unauthorized()),
        }
    }
}

fn unauthorized() -> End {
    End::refused(Code::Unauthorized, "The secret is missing or wrong. Open the link that the desk printed.")
}

async fn converse(desk: &Desk, socket: &mut Socket, mut watch: Watch) -> End {
    let mut stopping = desk.stopping();
    let mut calls = FuturesUnordered::new();
    let mut offences = 0;
    loop {
        let room = calls.len() < CALLS;
        let step = tokio::select! {
            () = stopping.wait() => Err(End::Stopping),
            Some((id, answer)) = calls.next() => send(socket, &answered(id, answer)).await,
            batch = watch.next() => match batch {
                Some(batch) => send(socket, &AgentServerFrame::Batch { batch }).await,
                None => Err(End::Stopping),
            },
            incoming = socket.receive(room) => match read(incoming) {
                Ok(Some((id, Request::WatchActivity { on }))) => {
                    watch.activity().set(on);
                    send(socket, &answered(id, Ok(Response::Done {}))).await
                }
                Ok(Some((id, request))) => {
                    calls.push(async move { (id, desk.call(request).await) });
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(Rejected::End(end)) => Err(end),
                Err(Rejected::Frame(refusal)) => {
                    offences += 1;
                    if offences >= OFFENCES {
                        Err(End::Refused(refusal))
                    } else {
                        send(socket, &AgentServerFrame::Refusal { id: None, refusal }).await
                    }
                }
            },
        };
        if let Err(end) = step {
            return end;
        }
    }
}

enum Rejected {
    End(End),
    Frame(Refusal),
}

type Call = (i64, Request);

fn read(incoming: Result<Incoming, End>) -> Result<Option<Call>, Rejected> {
    let malformed = |sentence: String| Rejected::Frame(Refusal::new(Code::Malformed, sentence));
    match incoming.map_err(Rejected::End)? {
        Incoming::Alive => Ok(None),
        Incoming::Binary(_) => Err(malformed("Send text frames.".to_owned())),
        Incoming::Text(text) => match serde_json::from_str(&text) {
            Ok(AgentClientFrame::Call { id, request }) => Ok(Some((id, request))),
            Ok(AgentClientFrame::Hello { .. }) => Err(malformed("hello comes once.".to_owned())),
            Err(error) => Err(malformed(format!("This frame is not understood: {error}."))),
        },
    }
}

fn answered(id: i64, answer: Result<Response, Refusal>) -> AgentServerFrame {
    match answer {
        Ok(response) => AgentServerFrame::Response { id, response },
        Err(refusal) => AgentServerFrame::Refusal { id: Some(id), refusal },
    }
}

async fn send(socket: &mut Socket, frame: &AgentServerFrame) -> Result<(), End> {
    match serde_json::to_string(frame) {
        Ok(text) => {
            socket.send(&text).await?;
            socket.flush().await
        }
        Err(error) => {
            tracing::error!(%error, "a frame does not serialize");
            Err(End::refused(Code::Internal, "The desk could not write this; please report it."))
        }
    }
}
