//! Stopping runs, and what is left of them.

use crate::fake::{Fake, processes, program};
use crate::lab::Lab;
use rstest::rstest;
use std::os::unix::fs::symlink;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;
use tidegate_pulumi::{Cli, Failure, Limits, Progress, cancel_pair, preview};
use tokio::sync::watch;

/// Long enough that only a broken interrupt would let a test reach it.
const LONG: Duration = Duration::from_secs(60);

fn limits(time: Duration, patience: Duration) -> Limits {
    Limits { time, patience, ..Limits::default() }
}

#[rstest]
#[case::interrupted("hangs", LONG)]
#[case::killed_with_its_plugin("hangs-on", Duration::ZERO)]
#[tokio::test]
async fn a_run_beyond_its_time_is_stopped(#[case] word: &str, #[case] patience: Duration) {
    let fake = Fake::new();
    let limits = limits(Duration::from_secs(1), patience);
    let failure = fake.preview(word, limits).await.unwrap_err();
    assert!(matches!(failure, Failure::TimedOut { seconds: 1 }), "{failure}");
    assert!(fake.is_clean(), "{:?}", fake.processes());
}

#[rstest]
#[case::interrupted("hangs", LONG)]
#[case::killed_with_its_plugin("hangs-on", Duration::ZERO)]
#[tokio::test]
async fn a_cancelled_run_ends_and_leaves_nothing(#[case] word: &str, #[case] patience: Duration) {
    let fake = Fake::new();
    let cli = fake.find().await.unwrap();
    let state = fake.state(&cli).await;
    let folder = fake.folder();
    let (canceller, cancel) = cancel_pair();
    let (report, mut progress) = watch::channel(Progress::default());
    let mut request = fake.request(word, &cli, &folder, &state, limits(LONG, patience));
    request.cancel = cancel;
    request.progress = Some(report);
    let started = async {
        progress.wait_for(|progress| progress.events == 2).await.unwrap();
        assert_eq!(progress.borrow().steps.get("create"), Some(&1));
        assert!(!fake.processes().is_empty());
        canceller.cancel();
    };
    let (result, ()) = tokio::join!(preview(request), started);
    assert!(matches!(result, Err(Failure::Cancelled)));
    assert_eq!(fake.processes(), Vec::<String>::new());
    drop(state);
    assert!(fake.is_clean());
}

#[tokio::test]
async fn a_dropped_run_takes_its_processes_along() {
    let fake = Fake::new();
    let cli = fake.find().await.unwrap();
    let state = fake.state(&cli).await;
    let folder = fake.folder();
    let (report, mut progress) = watch::channel(Progress::default());
    let mut request = fake.request("hangs-on", &cli, &folder, &state, limits(LONG, LONG));
    request.progress = Some(report);
    tokio::select! {
        result = preview(request) => panic!("it ended: {result:?}"),
        seen = progress.wait_for(|progress| progress.events == 2) => assert!(seen.is_ok()),
    }
    assert_eq!(fake.processes(), Vec::<String>::new());
    drop(state);
    assert!(fake.is_clean());
}

#[tokio::test]
async fn a_plugin_that_outlives_the_cli_is_killed() {
    let fake = Fake::new();
    fake.preview("leaves-a-plugin", limits(LONG, LONG)).await.unwrap();
    assert!(fake.is_clean(), "{:?}", fake.processes());
}

/// The real CLI waits for a language host that never answers, in a process group of its own.
#[tokio::test]
async fn plugins_of_the_real_cli_end_with_it() {
    let mut lab = Lab::new().await;
    lab.project("app", "");
    let tools = lab.root.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    symlink(program(), tools.join("pulumi-language-silent")).unwrap();
    let bin = lab.cli.program().parent().unwrap().to_owned();
    lab.cli = Cli::find(Some(&bin), std::slice::from_ref(&tools), &lab.scratch).await.unwrap();
    assert!(lab.cli.languages().contains(&"silent"));
    let folder = lab.folder("app");
    std::fs::write(folder.join("Pulumi.yaml"), "name: app\nruntime: silent\n").unwrap();
    let state = lab.copy("app", &[]).await;
    let (canceller, cancel) = cancel_pair();
    let mut request = lab.request(&folder, &state);
    request.limits = limits(LONG, Duration::from_secs(1));
    request.cancel = cancel;
    let mut run = pin!(preview(request));
    let both_started = async {
        // The CLI and its host; there is no event yet to wait for.
        while processes(lab.root.path()).len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        result = &mut run => panic!("it ended: {result:?}"),
        () = both_started => canceller.cancel(),
    }
    let result = run.await;
    assert!(matches!(result, Err(Failure::Cancelled)), "{result:?}");
    assert_eq!(processes(lab.root.path()), Vec::<String>::new());
}

#[tokio::test]
async fn leftovers_of_a_killed_host_are_swept_with_their_processes() {
    let fake = Fake::new();
    let run = fake.root.path().join("scratch/tidegate-run-left/home-0");
    std::fs::create_dir_all(&run).unwrap();
    let mut left = Command::new(program()).arg("stay").env("PULUMI_HOME", &run).spawn().unwrap();
    // Between its start and its first instruction a program has no environment to be known by.
    let environment = format!("/proc/{}/environ", left.id());
    while !std::fs::read(&environment).unwrap().windows(11).any(|name| name == b"PULUMI_HOME") {
        std::thread::yield_now();
    }
    assert_eq!(fake.scratch.sweep().unwrap(), 1);
    assert!(!left.wait().unwrap().success());
    assert!(fake.is_clean());
}

#[tokio::test]
async fn a_run_sees_only_what_was_named() {
    let fake = Fake::new();
    let output = fake.preview("shows-itself", limits(LONG, LONG)).await.unwrap().output;
    let mut names: Vec<_> = output
        .lines()
        .filter_map(|line| line.strip_prefix("variable ")?.split_once('=').map(|pair| pair.0))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "HOME",
            "PATH",
            "PULUMI_BACKEND_URL",
            "PULUMI_CONFIG_PASSPHRASE",
            "PULUMI_DEBUG_COMMANDS",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
            "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING",
            "PULUMI_HOME",
            "PULUMI_SKIP_UPDATE_CHECK",
            "PULUMI_SUPPRESS_NEO_LINK",
            "TMPDIR",
            "USER",
        ]
    );
    assert!(output.contains("variable PULUMI_CONFIG_PASSPHRASE=[secret]\n"), "{output}");
    assert!(output.contains("variable HOME=(scratch)/home-"), "{output}");
    assert!(output.contains("folder (scratch)/home-"), "{output}");
}

/// The inner half of the next test; by itself it checks the usual case.
#[tokio::test]
async fn children_can_be_interrupted() {
    let output = Fake::new().preview("shows-itself", limits(LONG, LONG)).await.unwrap().output;
    let ignored = output.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    // Interrupt, quit and terminate.
    assert_eq!(ignored & 0b100_0000_0000_0110, 0, "{ignored:x}");
}

#[test]
fn children_can_be_interrupted_also_where_the_host_ignores_the_signals() {
    let output = Command::new("env")
        .arg("--ignore-signal=INT,QUIT,TERM")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "supervision::children_can_be_interrupted"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
