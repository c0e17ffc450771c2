use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request};

use crate::user::User;

/// Longer than anything that Gerrit does in an answer, a long poll of the plugin included.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What Gerrit puts before JSON so that a browser doesn't run it.
const PREFIX: &str = ")]}'";

/// A server's answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, without Gerrit's prefix.
    pub body: String,
    request: String,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; null where it is empty.
    ///
    /// # Errors
    /// The status isn't 2xx (with what the server said), or the body isn't JSON.
    pub fn json(&self) -> Result<Value> {
        if !self.is_ok() {
            bail!("{} gave {}: {}", self.request, self.status, self.body.trim());
        }
        if self.body.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.body)
            .with_context(|| format!("{} gave no JSON: {}", self.request, self.body))
    }
}

/// A REST client as one user.
#[derive(Clone, Debug)]
pub struct Rest {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl Rest {
    /// As nobody; paths start at `base`, e.g. `http://127.0.0.1:8080`.
    #[must_use]
    pub fn anonymous(base: &str) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build()
            .new_agent();
        Self { agent, base: base.trim_end_matches('/').to_owned(), authorization: None }
    }

    /// As a user of Gerrit at `url`; paths start after `/a`.
    #[must_use]
    pub fn gerrit(url: &str, user: &User) -> Self {
        Self::with_password(url, &user.name, &user.password)
    }

    /// As a user of Gerrit with another password or a token.
    #[must_use]
    pub fn with_password(url: &str, name: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        Self {
            authorization: Some(format!("Basic {credentials}")),
            ..Self::anonymous(&format!("{}/a", url.trim_end_matches('/')))
        }
    }

    /// GETs JSON.
    ///
    /// # Errors
    /// No answer, a status other than 2xx, or no JSON.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None)?.json()
    }

    /// PUTs JSON.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("PUT", path, Some(body))?.json()
    }

    /// POSTs JSON.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, Some(body))?.json()
    }

    /// DELETEs.
    ///
    /// # Errors
    /// As [`Rest::get`].
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.call("DELETE", path, None)?.json()
    }

    /// Makes a request whose answer may well be a refusal.
    ///
    /// # Errors
    /// No answer.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let body = body.map(Value::to_string);
        self.send(method, path, body.map(|body| ("application/json; charset=UTF-8", body)))
    }

    /// Makes a request with a body that isn't JSON, e.g. a public key as `text/plain`.
    ///
    /// # Errors
    /// No answer.
    pub fn call_with_text(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> Result<Answer> {
        self.send(method, path, Some((content_type, body.to_owned())))
    }

    fn send(&self, method: &str, path: &str, body: Option<(&str, String)>) -> Result<Answer> {
        let url = format!("{}/{}", self.base, path.trim_start_matches('/'));
        let request = format!("{method} {url}");
        let method: Method = method.parse().context("not an HTTP method")?;
        let mut builder = Request::builder().method(method).uri(&url);
        if let Some(authorization) = &self.authorization {
            builder = builder.header("Authorization", authorization);
        }
        if let Some((content_type, _)) = &body {
            builder = builder.header("Content-Type", *content_type);
        }
        let built = builder
            .body(body.map(|(_, body)| body).unwrap_or_default())
            .with_context(|| format!("{request} is not a request"))?;
        let mut answer =
            self.agent.run(built).with_context(|| format!("{request} got no answer"))?;
        let status = answer.status().as_u16();
        let text = answer
            .body_mut()
            .read_to_string()
            .with_context(|| format!("{request} got no whole answer"))?;
        let body = text.strip_prefix(PREFIX).unwrap_or(&text).trim_start_matches('\n');
        Ok(Answer { status, body: body.to_owned(), request })
    }
}

/// A name as one segment of a path, e.g. the project `team/infra` as `team%2Finfra`.
#[must_use]
pub fn segment(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_slashes_and_spaces_is_one_segment() {
        assert_eq!(segment("team/infra x+1"), "team%2Finfra%20x%2B1");
    }
}
