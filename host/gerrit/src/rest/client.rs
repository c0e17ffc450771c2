//! Asking Gerrit.

use crate::Backoff;
use crate::rest::answer::judge;
use crate::rest::{Call, Config, ConfigError, RestError, Retry};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tidegate_core::ids::AccountId;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{sleep, timeout};
use url::Url;

/// A client of one Gerrit server, as one account. Clones share connections and budget.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    read_timeout: Duration,
    retry: Retry,
    budget: Semaphore,
    me: OnceCell<AccountId>,
}

impl Client {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    /// When the configuration can't be used.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let base = config.base()?;
        let bad = ConfigError::Credential { what: "credential", why: "no header can carry it" };
        let mut authorization =
            HeaderValue::from_str(config.authorization()?.reveal()).map_err(|_| bad)?;
        authorization.set_sensitive(true);
        if base.scheme() == "http" && !is_loopback(&base) {
            tracing::warn!(url = %base, "Gerrit's credentials go over the network unencrypted");
        }
        let http = http_client(config)?;
        let inner = Inner {
            http,
            base,
            authorization,
            read_timeout: config.read_timeout,
            retry: config.retry.clone(),
            budget: Semaphore::new(config.requests_in_flight.max(1)),
            me: OnceCell::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn get(&self, segments: &[&str]) -> Call {
        Call::new(Method::GET, &self.inner.base, segments)
    }

    pub(crate) fn post_to(&self, segments: &[&str]) -> Call {
        Call::new(Method::POST, &self.inner.base, segments)
    }

    pub(crate) fn put(&self, segments: &[&str]) -> Call {
        Call::new(Method::PUT, &self.inner.base, segments)
    }

    /// The cell that keeps our own account's number.
    pub(crate) fn me(&self) -> &OnceCell<AccountId> {
        &self.inner.me
    }

    /// Asks, and reads the answer as `T`.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, RestError> {
        let json = self.send(call).await?;
        serde_json::from_slice(&json)
            .map_err(|source| RestError::BadAnswer { asked: call.asked.clone(), source })
    }

    /// Asks, and repeats a harmless question while that may help. Gives the JSON without its prefix.
    pub(crate) async fn send(&self, call: &Call) -> Result<Vec<u8>, RestError> {
        let retry = &self.inner.retry;
        let mut backoff = Backoff::new(retry.base, retry.cap);
        let mut attempt = 1;
        loop {
            let error = match self.attempt(call).await {
                Ok(json) => return Ok(json),
                Err(error) => error,
            };
            let wait = error.retry_after().unwrap_or_else(|| backoff.wait());
            let last = attempt >= retry.attempts || wait > retry.cap;
            if last || !call.repeatable || !error.is_worth_repeating() {
                return Err(error);
            }
            tracing::debug!(asked = %call.asked, %error, ?wait, "asking Gerrit again");
            sleep(wait).await;
            attempt += 1;
        }
    }

    /// One attempt, within the budget.
    async fn attempt(&self, call: &Call) -> Result<Vec<u8>, RestError> {
        // The semaphore is never closed; if it were, the request would go out uncounted.
        let _permit = if call.counted { self.inner.budget.acquire().await.ok() } else { None };
        let mut request = self
            .inner
            .http
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, self.inner.authorization.clone())
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone());
        }
        let asked = &call.asked;
        let patience = self.inner.read_timeout + call.patience;
        let silent = |after| RestError::TimedOut { asked: asked.clone(), after };
        let response = timeout(patience, request.send()).await.map_err(|_| silent(patience))?;
        let mut response = response.map_err(|source| self.not_sent(asked, source))?;

        let mut body = Vec::new();
        let between = self.inner.read_timeout;
        loop {
            let chunk = timeout(between, response.chunk()).await.map_err(|_| silent(between))?;
            let broken = |source| RestError::Interrupted { asked: asked.clone(), source };
            let Some(chunk) = chunk.map_err(broken)? else { break };
            if body.len() + chunk.len() > call.bound {
                return Err(RestError::TooLarge { asked: asked.clone(), limit: call.bound });
            }
            body.extend_from_slice(&chunk);
        }
        judge(asked, response.status(), response.headers(), body)
    }

    /// Tells a connection that never was from one that broke.
    fn not_sent(&self, asked: &str, source: reqwest::Error) -> RestError {
        let asked = asked.to_owned();
        if source.is_connect() || source.is_builder() {
            RestError::Unreachable { asked, source: source.without_url() }
        } else {
            RestError::Interrupted { asked, source: source.without_url() }
        }
    }
}

fn http_client(config: &Config) -> Result<reqwest::Client, ConfigError> {
    // A program that chose its own provider keeps it; the error only says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(config.connect_timeout)
        // A redirect of a REST call leads to a login page, and would carry the credentials along.
        .redirect(reqwest::redirect::Policy::none())
        // Git gets no proxy either: both go the same way or none.
        .no_proxy();
    if let Some(path) = &config.ca {
        let unreadable = |source| ConfigError::CaFile { path: path.clone(), source };
        let pem = std::fs::read(path).map_err(unreadable)?;
        let certificates =
            reqwest::Certificate::from_pem_bundle(&pem).map_err(ConfigError::Http)?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(ConfigError::Http)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::testing::{Fake, Reply};
    use rstest::rstest;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn version(client: &Client) -> Call {
        client.get(&["config", "server", "version"])
    }

    async fn ask(client: &Client) -> Result<String, RestError> {
        client.ask(&version(client)).await
    }

    /// Replies of `first`, then a good one.
    async fn after(first: Vec<Reply>) -> Fake {
        let first = Mutex::new(first.into_iter());
        Fake::start(move |_| {
            first.lock().unwrap().next().unwrap_or(Reply::Json("\"3.13.5\"".to_owned()))
        })
        .await
    }

    #[tokio::test]
    async fn a_question_goes_below_a_with_credentials() {
        let fake = after(Vec::new()).await;
        assert_eq!(ask(&fake.client()).await.unwrap(), "3.13.5");
        let seen = fake.seen();
        assert_eq!(fake.asked(), ["GET /a/config/server/version"]);
        let headers = seen.first().unwrap().headers.to_ascii_lowercase();
        assert!(headers.contains("authorization: basic dglkzwdhdgu6c2vzyw1l"), "{headers}");
        assert!(headers.contains("user-agent: tidegate/"), "{headers}");
    }

    #[rstest]
    #[case::unavailable(Reply::Text(503, "busy"))]
    #[case::bad_gateway(Reply::Full(502, "Content-Type: text/html\r\n", "<html>".to_owned()))]
    #[case::too_many(Reply::Full(429, "Retry-After: 0\r\n", String::new()))]
    #[case::cut_off(Reply::Raw("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n)]}'".to_owned()))]
    #[case::closed(Reply::Raw(String::new()))]
    #[tokio::test]
    async fn a_harmless_question_is_asked_again(#[case] failure: Reply) {
        let fake = after(vec![failure.clone(), failure]).await;
        assert_eq!(ask(&fake.client()).await.unwrap(), "3.13.5");
        assert_eq!(fake.asked().len(), 3);
    }

    #[tokio::test]
    async fn it_is_not_asked_for_ever() {
        let fake = Fake::start(|_| Reply::Text(503, "busy")).await;
        let error = ask(&fake.client()).await.unwrap_err().to_string();
        assert_eq!(error, "GET config/server/version: Gerrit answered 503: busy");
        assert_eq!(fake.asked().len(), 5);
    }

    #[tokio::test]
    async fn a_wait_longer_than_ours_is_handed_to_who_asked() {
        let fake = Fake::start(|_| Reply::Full(429, "Retry-After: 3600\r\n", String::new())).await;
        let error = ask(&fake.client()).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
        assert_eq!(fake.asked().len(), 1);
    }

    #[rstest]
    #[case::bad_request(Reply::Text(400, "x"))]
    #[case::unauthorized(Reply::Text(401, "x"))]
    #[case::conflict(Reply::Text(409, "x"))]
    #[case::broken(Reply::Text(500, "x"))]
    #[case::login_page(Reply::Full(200, "Content-Type: text/html\r\n", "<html>".to_owned()))]
    #[case::redirect(Reply::Full(
        302,
        "Location: https://sso.example.com/?state=1\r\n",
        String::new()
    ))]
    #[case::cut_json(Reply::Json("{\"a\": ".to_owned()))]
    #[tokio::test]
    async fn what_repeating_cannot_cure_is_asked_once(#[case] failure: Reply) {
        let fake = Fake::start(move |_| failure.clone()).await;
        assert!(ask(&fake.client()).await.is_err());
        assert_eq!(fake.asked().len(), 1);
    }

    #[rstest]
    #[case::unavailable(Reply::Text(503, "busy"))]
    #[case::too_many(Reply::Full(429, "Retry-After: 0\r\n", String::new()))]
    #[case::closed(Reply::Raw(String::new()))]
    #[tokio::test]
    async fn a_post_is_sent_once(#[case] failure: Reply) {
        let fake = after(vec![failure]).await;
        let client = fake.client();
        let call = client.post_to(&["changes", "infra~1", "review"]).json(&"x");
        assert!(client.ask::<String>(&call).await.is_err());
        assert_eq!(fake.asked().len(), 1);
    }

    #[tokio::test]
    async fn silence_ends_with_an_error() {
        let fake = Fake::start(|_| Reply::Silence).await;
        let mut config = fake.config();
        config.read_timeout = Duration::from_millis(20);
        let error = ask(&Client::new(&config).unwrap()).await.unwrap_err();
        assert!(matches!(error, RestError::TimedOut { .. }), "{error:?}");
        assert!(error.may_have_acted());
    }

    #[tokio::test]
    async fn a_huge_answer_is_cut() {
        let huge = format!("\"{}\"", "x".repeat(17 << 20));
        let fake = Fake::start(move |_| Reply::Json(huge.clone())).await;
        let error = ask(&fake.client()).await.unwrap_err();
        assert!(matches!(error, RestError::TooLarge { limit: 0x0100_0000, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable() {
        let fake = Fake::start(|_| Reply::Silence).await;
        let client = fake.client();
        drop(fake);
        tokio::task::yield_now().await;
        let error = ask(&client).await.unwrap_err();
        assert!(matches!(error, RestError::Unreachable { .. }), "{error:?}");
        assert!(!error.may_have_acted());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_requests_are_in_flight_than_the_budget_allows() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, highest) = (Arc::clone(&now), Arc::clone(&most));
        let fake = Fake::start(move |_| {
            highest.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            count.fetch_sub(1, Ordering::SeqCst);
            Reply::Json("\"x\"".to_owned())
        })
        .await;
        let mut config = fake.config();
        config.requests_in_flight = 1;
        let client = Client::new(&config).unwrap();
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let client = client.clone();
            asked.spawn(async move { ask(&client).await.unwrap() });
        }
        asked.join_all().await;
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_certificate_file_that_is_none_is_named() {
        let fake = Fake::start(|_| Reply::Silence).await;
        let mut config = fake.config();
        config.ca = Some("no/such/file.pem".into());
        let error = Client::new(&config).unwrap_err().to_string();
        assert!(error.contains("no/such/file.pem"), "{error}");
    }
}
