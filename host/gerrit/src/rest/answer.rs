//! Telling Gerrit's answers from everything else that may answer in its place.

use crate::rest::RestError;
use crate::text::{html_title, said};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use std::time::Duration;

/// What stands before every JSON answer of Gerrit, so that a browser can't be tricked into running
/// it as a script (`Documentation/rest-api.txt`, "Output Format").
const PREFIX: &[u8] = b")]}'";

/// The JSON of a good answer without its prefix; empty for "no content".
///
/// # Errors
/// The variant that fits status and body.
pub(crate) fn judge(
    asked: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> Result<Vec<u8>, RestError> {
    let asked = asked.to_owned();
    let html = is_html(headers, &body);
    let text = if html { page(&body) } else { said(&body) };
    let not_gerrit =
        |found| RestError::NotGerrit { asked: asked.clone(), status: status.as_u16(), found };
    let error = match status.as_u16() {
        204 => return Ok(Vec::new()),
        200..=299 if html => not_gerrit(text),
        200..=299 => match body.strip_prefix(PREFIX) {
            Some(json) => return Ok(json.trim_ascii_start().to_vec()),
            None => not_gerrit(format!("{} without Gerrit's prefix", content_type(headers))),
        },
        300..=399 => not_gerrit(redirect(headers)),
        401 => RestError::Unauthorized { asked, said: text },
        403 => RestError::Forbidden { asked, said: text },
        429 => RestError::TooManyRequests { asked, said: text, retry_after: retry_after(headers) },
        // Proxies say 502 and 503 in HTML, and Gerrit behind them may be back in a moment.
        code @ 500..=599 => {
            RestError::Status { asked, status: code, said: text, retry_after: retry_after(headers) }
        }
        _ if html => not_gerrit(text),
        404 => RestError::NotFound { asked, said: text },
        409 => RestError::Conflict { asked, said: text },
        412 => RestError::PreconditionFailed { asked, said: text, body },
        code => RestError::Status { asked, status: code, said: text, retry_after: None },
    };
    Err(error)
}

/// `body` without Gerrit's prefix, if it has it.
pub(crate) fn without_prefix(body: &[u8]) -> &[u8] {
    body.strip_prefix(PREFIX).unwrap_or(body)
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let start = start.get(..15).unwrap_or(start).to_ascii_lowercase();
    content_type(headers).starts_with("text/html")
        || start.starts_with(b"<!doctype html")
        || start.starts_with(b"<html")
}

fn page(body: &[u8]) -> String {
    html_title(body)
        .map_or_else(|| "an HTML page".to_owned(), |title| format!("an HTML page, {title:?}"))
}

fn redirect(headers: &HeaderMap) -> String {
    let to = headers.get(LOCATION).map_or_else(String::new, |value| said(value.as_bytes()));
    // What is behind the question mark may be a login's state.
    format!("a redirect to {}", to.split('?').next().unwrap_or_default())
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).map_or_else(
        || "bytes of no type".to_owned(),
        |value| said(value.as_bytes()).to_ascii_lowercase(),
    )
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use rstest::rstest;

    fn judged(status: u16, content_type: &'static str, body: &str) -> Result<Vec<u8>, RestError> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        judge("GET x", StatusCode::from_u16(status).unwrap(), &headers, body.into())
    }

    #[test]
    fn the_prefix_is_taken_off() {
        let json = judged(200, "application/json;charset=utf-8", ")]}'\n{\"a\":1}\n").unwrap();
        assert_eq!(json, b"{\"a\":1}\n");
    }

    #[rstest]
    #[case::login_page(
        200,
        "text/html",
        "<html><title>Sign in</title>",
        "an HTML page, \"Sign in\""
    )]
    #[case::untyped_page(
        200,
        "application/json",
        "\n<!DOCTYPE html><title>x</title>",
        "an HTML page, \"x\""
    )]
    #[case::no_prefix(200, "application/json", "{}", "application/json without Gerrit's prefix")]
    #[case::page_404(404, "text/html", "<html>nope", "an HTML page")]
    #[case::redirect(302, "text/plain", "", "a redirect to ")]
    fn other_answers_are_not_taken_for_gerrits(
        #[case] status: u16,
        #[case] content_type: &'static str,
        #[case] body: &str,
        #[case] expected: &str,
    ) {
        match judged(status, content_type, body).unwrap_err() {
            RestError::NotGerrit { found, .. } => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case(401, "GET x: Gerrit doesn't accept the credentials (401: Unauthorized)")]
    #[case(403, "GET x: Gerrit doesn't permit it (403: Unauthorized)")]
    #[case(
        404,
        "GET x: Gerrit has no such thing, or doesn't show it to this account (404: Unauthorized)"
    )]
    #[case(409, "GET x: refused in the present state (409: Unauthorized)")]
    #[case(412, "GET x: a precondition doesn't hold (412: Unauthorized)")]
    #[case(429, "GET x: Gerrit asks us to slow down (429: Unauthorized)")]
    #[case(500, "GET x: Gerrit answered 500: Unauthorized")]
    #[case(400, "GET x: Gerrit answered 400: Unauthorized")]
    fn a_refusal_says_what_was_asked_and_what_gerrit_said(#[case] status: u16, #[case] text: &str) {
        let error = judged(status, "text/plain", "Unauthorized\n").unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }

    #[test]
    fn a_wait_is_read_from_its_header() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        let error =
            judge("GET x", StatusCode::TOO_MANY_REQUESTS, &headers, Vec::new()).unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
}
