//! How to reach a Gerrit server.

use crate::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What the service account proves itself with.
#[derive(Clone, Debug)]
pub enum Auth {
    /// An HTTP password, or an authentication token that stands in a password's place: Basic.
    Password(Secret),
    /// A token that Gerrit takes as `Authorization: Bearer` (3.13 and newer, where the site allows
    /// it).
    BearerToken(Secret),
}

/// Where Gerrit is, as whom to come, and how patient to be.
#[derive(Clone, Debug)]
pub struct Config {
    /// The canonical web URL, such as `https://review.example.com/` or with a path behind it.
    pub url: Url,
    /// The service account's username.
    pub user: String,
    /// Its credential.
    pub auth: Auth,
    /// A PEM file of certificate authorities to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long Gerrit may keep silent before and within an answer.
    pub read_timeout: Duration,
    /// Most requests at a time, the long poll apart: Gerrit's batch pool has two threads or few
    /// more, and people wait behind ours.
    pub requests_in_flight: usize,
    /// The `User-Agent`, so that Gerrit's administrators know who asks.
    pub user_agent: String,
    /// How often and after which waits a harmless request is repeated.
    pub retry: Retry,
}

/// When to ask again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The first wait; each later one is twice as long.
    pub base: Duration,
    /// The longest wait. A `Retry-After` above it is not waited for.
    pub cap: Duration,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL isn't one of a Gerrit server.
    #[error("the Gerrit URL {url} can't be used: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A user name or a credential that no HTTP header can carry.
    #[error("Gerrit's {what} can't be used: {why}")]
    Credential {
        /// Which of them.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file of certificate authorities can't be read.
    #[error("the certificate file {} can't be read; give a readable PEM file", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file of certificate authorities holds none, or the TLS library refused something.
    #[error("no HTTP client can be made of the Gerrit settings; check the certificate file")]
    Http(#[source] reqwest::Error),
}

impl Config {
    /// A configuration with the usual patience: 10 s to connect, 60 s of silence, 8 requests in
    /// flight, 5 attempts from 250 ms to 10 s.
    #[must_use]
    pub fn new(url: Url, user: impl Into<String>, auth: Auth) -> Self {
        Self {
            url,
            user: user.into(),
            auth,
            ca: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            requests_in_flight: 8,
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
            retry: Retry {
                attempts: 5,
                base: Duration::from_millis(250),
                cap: Duration::from_secs(10),
            },
        }
    }

    /// The URL that all of Gerrit's paths hang below, ending with a slash.
    ///
    /// # Errors
    /// When the URL isn't `http` or `https`, or carries credentials, a query or a fragment.
    pub fn base(&self) -> Result<Url, ConfigError> {
        let bad = |why| Err(ConfigError::Url { url: redacted(&self.url), why });
        if !matches!(self.url.scheme(), "http" | "https") {
            return bad("it must start with http:// or https://");
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return bad("credentials belong into the settings beside it, not into it");
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return bad("it must not have a query or a fragment");
        }
        let mut base = self.url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", self.url.path()));
        }
        Ok(base)
    }

    /// The value of the `Authorization` header, for REST and for git alike.
    ///
    /// # Errors
    /// When user name or credential can't stand in a header.
    pub fn authorization(&self) -> Result<Secret, ConfigError> {
        let bad = |what, why| Err(ConfigError::Credential { what, why });
        if self.user.is_empty()
            || self.user.contains(':')
            || self.user.chars().any(char::is_control)
        {
            return bad("user name", "it must not be empty nor contain ':' or control characters");
        }
        match &self.auth {
            Auth::Password(password) if password.reveal().is_empty() => {
                bad("password", "it is empty")
            }
            Auth::Password(password) if password.reveal().chars().any(char::is_control) => {
                bad("password", "it contains control characters; is there a line end after it?")
            }
            Auth::Password(password) => {
                let pair = format!("{}:{}", self.user, password.reveal());
                Ok(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
            }
            Auth::BearerToken(token)
                if token.reveal().is_empty()
                    || !token.reveal().bytes().all(|b| b.is_ascii_graphic()) =>
            {
                bad("token", "it must consist of visible ASCII characters")
            }
            Auth::BearerToken(token) => Ok(Secret::new(format!("Bearer {}", token.reveal()))),
        }
    }
}

/// The URL without what might be a password.
fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    if shown.set_username("").is_err() || shown.set_password(None).is_err() {
        return format!("{}:…", url.scheme());
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    fn config(url: &str, user: &str, auth: Auth) -> Config {
        Config::new(url.parse().unwrap(), user, auth)
    }

    #[rstest]
    #[case::bare("https://review.example.com", "https://review.example.com/")]
    #[case::path("https://example.com/r", "https://example.com/r/")]
    #[case::slash("http://127.0.0.1:8080/", "http://127.0.0.1:8080/")]
    fn the_base_ends_with_a_slash(#[case] url: &str, #[case] base: &str) {
        let config = config(url, "t", Auth::Password(Secret::new("p")));
        assert_eq!(config.base().unwrap().as_str(), base);
    }

    #[rstest]
    #[case::ssh("ssh://review.example.com")]
    #[case::password("https://u:sesame@review.example.com")]
    #[case::query("https://review.example.com/?a=b")]
    fn other_urls_are_refused_without_showing_a_password(#[case] url: &str) {
        let error =
            config(url, "t", Auth::Password(Secret::new("p"))).base().unwrap_err().to_string();
        assert!(!error.contains("sesame"), "{error}");
    }

    #[rstest]
    #[case::password(
        "tidegate",
        Auth::Password(Secret::new("p:ä")),
        Some("Basic dGlkZWdhdGU6cDrDpA==")
    )]
    #[case::bearer("tidegate", Auth::BearerToken(Secret::new("abc/+=")), Some("Bearer abc/+="))]
    #[case::colon("a:b", Auth::Password(Secret::new("p")), None)]
    #[case::line_end("a", Auth::Password(Secret::new("p\n")), None)]
    #[case::blank_token("a", Auth::BearerToken(Secret::new("a b")), None)]
    #[case::empty("a", Auth::Password(Secret::new("")), None)]
    fn the_header_is_made_or_refused(
        #[case] user: &str,
        #[case] auth: Auth,
        #[case] header: Option<&str>,
    ) {
        let config = config("https://review.example.com", user, auth);
        assert_eq!(config.authorization().ok().as_ref().map(Secret::reveal), header);
    }
}
