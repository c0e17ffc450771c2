//! The event stream, from an `ssh` that is this very executable.
//!
//! Called the way `ssh` is called for the stream, it plays the lines of a script. Where the script
//! is, it knows from the only thing that it is given: the path of the private key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;
use std::future::Future;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tidegate_gerrit::Backoff;
use tidegate_gerrit::intake::{Batch, Gap, Source, SshConfig, ssh};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// No test takes longer; one that does hangs.
const TOO_LONG: Duration = Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.ends_with(&["gerrit".to_owned(), "stream-events".to_owned()]) {
        return play(&arguments);
    }
    run(
        &arguments,
        "lines_are_handed_over_raw_and_in_order",
        lines_are_handed_over_raw_and_in_order,
    );
    run(&arguments, "dropped_output_is_a_gap_and_an_event", dropped_output_is_a_gap_and_an_event);
    run(&arguments, "an_ended_stream_is_connected_again", an_ended_stream_is_connected_again);
    run(&arguments, "a_silent_stream_is_connected_again", a_silent_stream_is_connected_again);
    run(&arguments, "a_huge_line_is_left_out_and_told", a_huge_line_is_left_out_and_told);
    run(&arguments, "lines_are_read_while_others_are_kept", lines_are_read_while_others_are_kept);
    run(&arguments, "nothing_runs_on_after_the_end", nothing_runs_on_after_the_end);
    run(&arguments, "events_that_cannot_be_kept_end_it", events_that_cannot_be_kept_end_it);
    run(&arguments, "a_missing_program_is_tried_again", a_missing_program_is_tried_again);
    run(&arguments, "ssh_is_told_to_trust_nobody_else", ssh_is_told_to_trust_nobody_else);
}

/// Runs one test, if the arguments don't ask for others, and says so as usual tests do.
fn run<F: Future<Output = ()>>(arguments: &[String], name: &str, test: fn() -> F) {
    if arguments.iter().any(|argument| argument == "--list") {
        println!("{name}: test");
        return;
    }
    let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    if filters.peek().is_some() && !filters.any(|filter| name.contains(filter.as_str())) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(TOO_LONG, test()).await });
    assert!(done.is_ok(), "test {name} hangs");
    println!("test {name} ... ok");
}

// --- The `ssh`. ---

/// Plays the script of this call: `KEY.1` for the first one, and so on; no script is a silence.
fn play(arguments: &[String]) {
    let at = arguments.iter().position(|argument| argument == "-i").expect("a key is given");
    let key = arguments.get(at + 1).expect("the key has a path");
    let number = (1..).find(|n| !Path::new(&format!("{key}.{n}.called")).exists()).unwrap();
    let environment: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let called = format!("{}\n{}\n", arguments.join(" "), environment.join(" "));
    std::fs::write(format!("{key}.{number}.called"), called).unwrap();
    let script = std::fs::read_to_string(format!("{key}.{number}")).unwrap_or_default();
    let mut held = Vec::new();
    let mut out = std::io::stdout();
    for line in script.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("say", text) => writeln!(out, "{text}").unwrap(),
            ("part", text) => write!(out, "{text}").unwrap(),
            ("fill", count) => out.write_all(&vec![b'x'; count.parse().unwrap()]).unwrap(),
            // Tells the test that it came this far, by a connection that ends with this process.
            ("call", port) => {
                held.push(TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap())
            }
            ("complain", text) => eprintln!("{text}"),
            ("end", code) => std::process::exit(code.parse().unwrap()),
            other => panic!("{other:?} is no line of a script"),
        }
        out.flush().unwrap();
    }
    loop {
        std::thread::park();
    }
}

// --- The tests. ---

/// A folder with scripts, and what was heard of them.
struct Stream {
    folder: TempDir,
    config: SshConfig,
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl Stream {
    fn of(scripts: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        for (number, script) in (1..).zip(scripts) {
            std::fs::write(format!("{}.{number}", key.display()), script).unwrap();
        }
        let known_hosts = folder.path().join("known_hosts");
        let mut config = SshConfig::new("review.example.com", "tidegate", key, known_hosts);
        config.program = std::env::current_exe().unwrap();
        config.backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
        Self { folder, config, batches: Arc::default() }
    }

    /// Follows until `enough` batches were heard.
    async fn until(&self, enough: impl Fn(&[Batch]) -> bool) -> Vec<Batch> {
        let (stop, stopped) = watch::channel(false);
        let sink = |batch| {
            let mut batches = self.batches.lock().unwrap();
            batches.push(batch);
            if enough(&batches) {
                stop.send(true).unwrap();
            }
            async { Ok::<(), Infallible>(()) }
        };
        ssh::follow(&self.config, stopped, sink).await.unwrap();
        self.batches.lock().unwrap().clone()
    }

    fn called(&self, number: u32) -> Option<String> {
        let path: PathBuf = self.folder.path().join(format!("key.{number}.called"));
        std::fs::read_to_string(path).ok()
    }
}

fn lines(batches: &[Batch]) -> Vec<String> {
    let events = batches.iter().flat_map(|batch| &batch.events);
    events.map(|event| String::from_utf8_lossy(&event.bytes).into_owned()).collect()
}

fn gaps(batches: &[Batch]) -> Vec<Gap> {
    batches.iter().filter_map(|batch| batch.gap.clone()).collect()
}

async fn lines_are_handed_over_raw_and_in_order() {
    let script = "say {\"type\": \"comment-added\",\"n\":1.0}\npart not\npart  json\nsay  at all\nsay \nsay {\"type\":\"last\"}\n";
    let stream = Stream::of(&[script.to_owned()]);
    let batches = stream.until(|batches| lines(batches).len() == 3).await;
    let expected =
        ["{\"type\": \"comment-added\",\"n\":1.0}", "not json at all", "{\"type\":\"last\"}"];
    assert_eq!(lines(&batches), expected);
    assert_eq!(batches.first().unwrap().gap, Some(Gap::Connected));
    assert_eq!(gaps(&batches), [Gap::Connected]);
    assert!(batches.iter().all(|batch| batch.source == Source::Ssh && batch.position.is_none()));
    assert!(batches.iter().flat_map(|batch| &batch.events).all(|event| event.seq.is_none()));
}

async fn dropped_output_is_a_gap_and_an_event() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("call {port}\nsay {{\"type\":\"dropped-output\"}}\n");
    let mut stream = Stream::of(&[script]);
    // The connection is told before the first line, so that the two gaps come one by one.
    stream.config.settle = Duration::from_millis(1);
    let batches = stream.until(|batches| !lines(batches).is_empty()).await;
    assert_eq!(lines(&batches), ["{\"type\":\"dropped-output\"}"]);
    let expected: &[Gap] =
        if batches.len() > 1 { &[Gap::Connected, Gap::Dropped] } else { &[Gap::Connected] };
    assert_eq!(gaps(&batches), expected);
}

async fn an_ended_stream_is_connected_again() {
    let scripts =
        ["say 1\ncomplain Connection closed by remote host\nend 255\n", "end 1\n", "say 2\n"];
    let stream = Stream::of(&scripts.map(str::to_owned));
    let batches = stream.until(|batches| lines(batches).len() == 2).await;
    assert_eq!(lines(&batches), ["1", "2"]);
    assert_eq!(gaps(&batches), [Gap::Connected, Gap::Connected]);
    assert!(stream.called(3).is_some());
}

async fn a_silent_stream_is_connected_again() {
    let mut stream = Stream::of(&["say 1\n".to_owned(), "say 2\n".to_owned()]);
    stream.config.silence = Duration::from_millis(20);
    let batches = stream.until(|batches| lines(batches).len() >= 2).await;
    assert_eq!(lines(&batches), ["1", "2"]);
    assert_eq!(gaps(&batches), [Gap::Connected, Gap::Connected]);
}

async fn a_huge_line_is_left_out_and_told() {
    let script = format!("say 1\nfill {}\nsay \nsay 2\n", tidegate_core::limits::EVENT_BYTES + 1);
    let stream = Stream::of(&[script]);
    let batches = stream.until(|batches| lines(batches).len() == 2).await;
    assert_eq!(lines(&batches), ["1", "2"]);
    let last = gaps(&batches).pop();
    assert!(matches!(last, Some(Gap::TooLarge | Gap::Connected)), "{last:?}");
}

async fn lines_are_read_while_others_are_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Far more than a pipe holds: the script only gets to its call if somebody reads.
    let many = format!("say {}\n", "y".repeat(1000)).repeat(1000);
    let stream = Stream::of(&[format!("say 1\n{many}call {port}\n")]);
    let (_stop, stopped) = watch::channel(false);
    let sink = |_: Batch| async {
        listener.accept().await.unwrap();
        Err("that was all")
    };
    assert_eq!(ssh::follow(&stream.config, stopped, sink).await, Err("that was all"));
}

async fn nothing_runs_on_after_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = Stream::of(&[format!("call {port}\nsay 1\n")]);
    stream.until(|batches| lines(batches).len() == 1).await;
    let (mut connection, _) = listener.accept().await.unwrap();
    // It ends when the process does.
    let left = connection.read(&mut [0; 1]).await;
    assert!(matches!(left, Ok(0) | Err(_)), "{left:?}");
}

async fn events_that_cannot_be_kept_end_it() {
    let stream = Stream::of(&["say 1\n".to_owned()]);
    let (_stop, stopped) = watch::channel(false);
    let sink = |_: Batch| async { Err("disk full") };
    assert_eq!(ssh::follow(&stream.config, stopped, sink).await, Err("disk full"));
}

async fn a_missing_program_is_tried_again() {
    let mut stream = Stream::of(&["say 1\n".to_owned()]);
    let program = stream.folder.path().join("ssh");
    let executable = std::mem::replace(&mut stream.config.program, program.clone());
    let appear = async {
        tokio::task::yield_now().await;
        std::os::unix::fs::symlink(executable, program).unwrap();
    };
    let (batches, ()) = tokio::join!(stream.until(|batches| !lines(batches).is_empty()), appear);
    assert_eq!(lines(&batches), ["1"]);
}

async fn ssh_is_told_to_trust_nobody_else() {
    let stream = Stream::of(&["say 1\n".to_owned()]);
    stream.until(|batches| lines(batches).len() == 1).await;
    let called = stream.called(1).unwrap();
    let (arguments, environment) = called.split_once('\n').unwrap();
    for expected in [
        "-F none",
        "-p 29418",
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        "ServerAliveInterval=30",
        "-l tidegate -- review.example.com gerrit stream-events",
    ] {
        assert!(arguments.contains(expected), "{arguments}");
    }
    let known_hosts = format!("UserKnownHostsFile={}", stream.config.known_hosts.display());
    assert!(arguments.contains(&known_hosts), "{arguments}");
    assert_eq!(environment.trim(), "LC_ALL");
}
