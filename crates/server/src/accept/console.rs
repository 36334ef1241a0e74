//! `POST /console/call`: a console's request that is larger than a frame of its socket, such as a file to import. Behind
//! the same secret and the same checks of Host and Origin as the socket.

use deskbell_protocol::limits::CONSOLE_CALL_BYTES;
use deskbell_protocol::{Code, Refusal, agent};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::handshake::{Policy, Speaks};
use super::replies::{answer, status};
use crate::desk::Desk;

/// Where it is.
pub(super) const PATH: &str = "/console/call";

/// Whether a request is a call that shows the agent's secret.
pub(super) fn is_authorized(desk: &Desk, request: &Request<Incoming>) -> bool {
    let secret = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = secret.and_then(|value| value.strip_prefix("Bearer "));
    request.uri().path() == PATH && secret.is_some_and(|secret| desk.is_secret(secret))
}

/// Answers one call with the response, or with the refusal and a status that says so. Whoever drops it has waited as long
/// as [`CONSOLE_CALL`](crate::limits::CONSOLE_CALL).
pub(super) async fn call(
    desk: &Desk,
    request: Request<Incoming>,
    on_loopback: bool,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, &serde_json::json!({}));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    match respond(desk, request, on_loopback).await {
        Ok(response) => answer(StatusCode::OK, &response),
        Err(refusal) if refusal.code == Code::OriginRefused => answer(StatusCode::FORBIDDEN, &refusal),
        Err(refusal) => answer(status(refusal.code), &refusal),
    }
}

async fn respond(
    desk: &Desk,
    request: Request<Incoming>,
    on_loopback: bool,
) -> Result<agent::Response, Refusal> {
    let settings = desk.hub().settings();
    let policy = Policy { allowed_origins: &settings.allowed_origins, on_loopback };
    policy.check(Speaks::Agent, request.headers())?;
    // Before a byte of the body is read: only an agent may ask for so much room.
    if !is_authorized(desk, &request) {
        return Err(Refusal::new(Code::Unauthorized, "The secret is missing or wrong."));
    }
    let stopping = || Refusal::new(Code::ShuttingDown, "The desk is stopping.");
    let too_long = || {
        Refusal::new(Code::TooLong, format!("A call has at most {} MiB.", CONSOLE_CALL_BYTES / 1024 / 1024))
    };
    let said = request.body().size_hint().lower();
    if usize::try_from(said).map_or(true, |said| said > CONSOLE_CALL_BYTES) {
        return Err(too_long());
    }
    let _place = desk.large_calls().acquire().await.map_err(|_| stopping())?;
    let body = Limited::new(request.into_body(), CONSOLE_CALL_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_long()
        } else {
            Refusal::new(Code::Malformed, "The call broke off.")
        }
    })?;
    let asked = serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Refusal::new(Code::Malformed, format!("This call is not understood: {error}.")))?;
    desk.call(asked).await
}
