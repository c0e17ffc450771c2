//! An HTTP server that answers whatever a test says, or breaks off in the middle of it.

use crate::Secret;
use crate::rest::{Auth, Client, Config};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// What is sent back. Every connection serves one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// 200 with Gerrit's prefix before this JSON.
    Json(String),
    /// A status with plain text, as Gerrit's refusals are.
    Text(u16, &'static str),
    /// Status, additional headers, body.
    Full(u16, &'static str, String),
    /// These bytes, then the end of the connection.
    Raw(String),
    /// Nothing, ever.
    Silence,
}

/// The server; gone when dropped.
pub(crate) struct Fake {
    url: url::Url,
    seen: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Fake {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted) = (Arc::new(answer), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, noted) = (Arc::clone(&answer), Arc::clone(&noted));
                tokio::spawn(async move { serve(stream, &*answer, &noted).await });
            }
        });
        Self { url, seen, task }
    }

    /// A configuration that leads here and doesn't wait long.
    pub(crate) fn config(&self) -> Config {
        let auth = Auth::Password(Secret::new("sesame"));
        let mut config = Config::new(self.url.clone(), "tidegate", auth);
        config.retry.base = Duration::from_millis(1);
        config.retry.cap = Duration::from_millis(2);
        config
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.config()).unwrap()
    }

    /// The requests so far, as `METHOD path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
    seen: &Mutex<Vec<Request>>,
) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request.clone());
    let text = match answer(&request) {
        Reply::Json(json) => full(
            200,
            "Content-Type: application/json;charset=utf-8\r\n",
            &format!(")]}}'\n{json}\n"),
        ),
        Reply::Text(204, _) => full(204, "", ""),
        Reply::Text(status, text) => {
            full(status, "Content-Type: text/plain;charset=utf-8\r\n", text)
        }
        Reply::Full(status, headers, body) => full(status, headers, &body),
        Reply::Raw(text) => text,
        Reply::Silence => std::future::pending().await,
    };
    // The client may have had enough already.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn full(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
                let mut words = first.split(' ');
                return Some(Request {
                    method: words.next()?.to_owned(),
                    path: words.next()?.to_owned(),
                    headers: headers.to_owned(),
                    body: body.to_owned(),
                });
            }
        }
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    }
}
