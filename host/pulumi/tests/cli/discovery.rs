//! Finding the CLI.

use crate::fake::Fake;
use crate::lab::Lab;
use rstest::rstest;
use tidegate_pulumi::{Cli, CliVersion, limits};

#[tokio::test]
async fn the_real_cli_is_found_with_its_version_hosts_and_digests() {
    let lab = Lab::new().await;
    assert!(lab.cli.version() >= limits::OLDEST_CLI);
    assert!(lab.cli.languages().contains(&"yaml"), "{:?}", lab.cli.languages());
    assert!(lab.cli.executables().iter().all(|executable| executable.digest.len() == 64));
    assert_eq!(lab.cli.executables()[0].name, "pulumi");
}

#[rstest]
#[case::too_old("v3.226.9\n", "3.227.0 is the oldest")]
#[case::garbage("<html>502 Bad Gateway</html>", "expected something like")]
#[case::empty("", "expected something like")]
#[case::two_lines("v3.259.0\nv3.1.0\n", "expected something like")]
#[tokio::test]
async fn a_cli_that_does_not_say_that_it_is_new_enough_is_refused(
    #[case] version: &str,
    #[case] expected: &str,
) {
    let fake = Fake::new().version(version);
    let error = fake.find().await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(fake.is_clean());
}

#[tokio::test]
async fn a_flood_in_the_place_of_a_version_is_refused() {
    let fake = Fake::new().version(&"3".repeat(1 << 20));
    let error = fake.find().await.unwrap_err().to_string();
    assert!(error.contains("printed more than a version"), "{error}");
}

#[tokio::test]
async fn no_cli_is_an_error_that_says_what_to_install() {
    let fake = Fake::new();
    let empty = fake.root.path().join("project");
    let error = Cli::find(Some(&empty), &[], &fake.scratch).await.unwrap_err().to_string();
    assert!(error.contains("install the Pulumi CLI 3.227.0 or newer"), "{error}");
}

#[tokio::test]
async fn the_oldest_supported_version_is_accepted_and_plugins_on_the_path_are_listed() {
    let fake = Fake::new().version("v3.227.0");
    let tools = fake.root.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    for name in ["pulumi-resource-x", "pulumi-language-go", "unrelated"] {
        std::fs::copy("/proc/self/exe", tools.join(name)).unwrap();
    }
    let bin = fake.root.path().join("bin");
    let cli = Cli::find(Some(&bin), &[tools], &fake.scratch).await.unwrap();
    assert_eq!(cli.version(), CliVersion::new(3, 227, 0));
    let names: Vec<_> = cli.executables().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["pulumi", "pulumi-language-go", "pulumi-resource-x"]);
    assert_eq!(cli.languages(), ["go"]);
    let alone = fake.find().await.unwrap();
    assert_ne!(alone.digest(), cli.digest());
}
