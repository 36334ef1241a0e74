//! What browsers get: the test customer's page, the console, and the headers that keep both to themselves.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};

/// Finds a file of the browser console by its path, such as `index.html`: its MIME type and bytes. The host of the desk
/// has them embedded.
pub type ConsoleAssets = fn(&str) -> Option<(String, std::borrow::Cow<'static, [u8]>)>;

const CUSTOMER_PAGE: &str = include_str!("../../pages/customer.html");
const CUSTOMER_SCRIPT: &str = include_str!("../../pages/customer.js");
const CUSTOMER_STYLE: &str = include_str!("../../pages/customer.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The answer to GET of a path that is not a socket's.
pub(super) fn page(path: &str, console: ConsoleAssets) -> Response<Full<Bytes>> {
    match path {
        "/" => text("text/html; charset=utf-8", CUSTOMER_PAGE),
        "/customer.js" => text("text/javascript; charset=utf-8", CUSTOMER_SCRIPT),
        "/customer.css" => text("text/css; charset=utf-8", CUSTOMER_STYLE),
        "/healthz" => text("text/plain; charset=utf-8", "ok\n"),
        "/console" => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("/console/"));
            response
        }
        _ => match path.strip_prefix("/console/") {
            Some(file) => console_file(if file.is_empty() { "index.html" } else { file }, console),
            None => plain(StatusCode::NOT_FOUND, "There is nothing here.\n"),
        },
    }
}

fn console_file(file: &str, console: ConsoleAssets) -> Response<Full<Bytes>> {
    let Some((kind, content)) = console(file) else {
        return plain(StatusCode::NOT_FOUND, "There is no such file of the console.\n");
    };
    let mut response = with_headers(StatusCode::OK, &kind, Bytes::from(content.into_owned()));
    // Files with a hash in their name never change; the page that names them does.
    let caching =
        if file.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn text(kind: &str, content: &'static str) -> Response<Full<Bytes>> {
    let mut response = with_headers(StatusCode::OK, kind, Bytes::from_static(content.as_bytes()));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A sentence for who reads answers by eye.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    with_headers(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(sentence.as_bytes()))
}

fn with_headers(status: StatusCode, kind: &str, content: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(content));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
