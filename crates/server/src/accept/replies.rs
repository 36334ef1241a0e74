//! `POST /api/replies`: where a webhook bot's later replies come in.

use std::time::Duration;

use deskbell_protocol::{Code, Refusal};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};

use crate::clock::now;
use crate::desk::Desk;
use crate::responder::verify_late_reply;

/// Where it is.
pub(super) const PATH: &str = "/api/replies";
/// Bytes of a request's body.
const BODY_BYTES: usize = 64 * 1024;
/// From the headers to the end of the body.
const BODY: Duration = Duration::from_secs(10);

/// Takes one late reply.
pub(super) async fn take(desk: &Desk, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, &serde_json::json!({}));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    match reply(desk, request).await {
        Ok(()) => answer(StatusCode::OK, &serde_json::json!({})),
        Err(refusal) => {
            let status = status(refusal.code);
            let mut response = answer(status, &refusal);
            if status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            response
        }
    }
}

async fn reply(desk: &Desk, request: Request<Incoming>) -> Result<(), Refusal> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY, Limited::new(body, BODY_BYTES).collect())
        .await
        .map_err(|_| Refusal::new(Code::TimedOut, "The body did not come in time."))?
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refusal::new(Code::TooLong, "A body has at most 65,536 bytes.")
            } else {
                Refusal::new(Code::Malformed, "The body broke off.")
            }
        })?;
    let secret = desk.webhook_secret().await;
    let secret = secret.map_err(|failure| Refusal::new(Code::StoreFailed, failure.message))?;
    let reply = verify_late_reply(secret.as_ref(), &head.headers, &body.to_bytes(), now())?;
    desk.take_late_reply(reply).await
}

pub(super) fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::NoSuchConversation => StatusCode::NOT_FOUND,
        Code::StaleReply => StatusCode::CONFLICT,
        Code::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Code::TimedOut => StatusCode::REQUEST_TIMEOUT,
        Code::StoreFailed | Code::Overloaded | Code::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// JSON, for programs.
pub(super) fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
