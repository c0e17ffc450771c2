//! `tidegate doctor`: what is in order, what is not, and what to do.

use crate::config::{Config, secret};
use crate::exit::NO;
use crate::serve::connect;
use anyhow::Result;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;
use tidegate_gerrit::Gerrit;
use tidegate_ledger::LogKey;
use tidegate_pulumi::{Cli, Scratch};
use tidegate_sandbox::Rules;

/// One check.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    said: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    Warning,
    Bad,
}

pub(crate) fn run(path: &Path, json: bool) -> Result<ExitCode> {
    let config = Config::read(path)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(examine(&config));
    if json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            let mark = match finding.state {
                State::Good => "ok  ",
                State::Warning => "warn",
                State::Bad => "BAD ",
            };
            println!("{mark} {}: {}", finding.what, finding.said);
        }
    }
    let bad = findings.iter().any(|finding| finding.state == State::Bad);
    Ok(if bad { ExitCode::from(NO) } else { ExitCode::SUCCESS })
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![core(), keys(config)];
    findings.push(pulumi(config).await);
    findings.extend(gerrit(config).await);
    findings.push(Finding {
        what: "directory",
        state: State::Warning,
        said: "none is configured: an active Gerrit account stands for a person in it".to_owned(),
    });
    findings.push(Finding {
        what: "previews",
        state: State::Warning,
        said: "programs run as this user, without isolation: only uploaders of the groups in \
               [trust] are previewed"
            .to_owned(),
    });
    findings
}

fn finding<T>(what: &'static str, result: Result<T>, good: impl FnOnce(T) -> String) -> Finding {
    match result {
        Ok(found) => Finding { what, state: State::Good, said: good(found) },
        Err(error) => Finding { what, state: State::Bad, said: format!("{error:#}") },
    }
}

fn core() -> Finding {
    let rules = Rules::embedded().map_err(anyhow::Error::from);
    finding("core", rules, |rules| format!("{} {}", env!("CARGO_PKG_VERSION"), rules.digest()))
}

fn keys(config: &Config) -> Finding {
    let key = LogKey::read(&config.log.key_file).map_err(anyhow::Error::from);
    finding("log key", key, |key| key.verifier().to_string())
}

async fn pulumi(config: &Config) -> Finding {
    let found = async {
        let scratch = Scratch::open(&config.state.join("scratch"))?;
        Ok(Cli::find(config.pulumi.bin.as_deref(), &[], &scratch).await?)
    };
    finding("pulumi", found.await, |cli: Cli| {
        format!("{} with {}", cli.version(), cli.languages().join(", "))
    })
}

async fn gerrit(config: &Config) -> Vec<Finding> {
    let connected = async {
        let password = secret(&config.gerrit.password_file)?;
        connect::connect(config, &password).await
    };
    match connected.await {
        Err(error) => vec![finding::<()>("gerrit", Err(error), |()| String::new())],
        Ok((gerrit, account)) => {
            let mut findings = vec![Finding {
                what: "gerrit",
                state: State::Good,
                said: format!("server {}, as account {account}", gerrit.server()),
            }];
            findings.extend(same_server(config, &gerrit).await);
            for project in &config.gerrit.projects {
                let settings = gerrit.settings(project).await.map_err(anyhow::Error::from);
                let read = settings.and_then(|layers| {
                    let floor = config.floor.clone().unwrap_or_default();
                    Ok(tidegate_core::settings::Settings::read(&layers, &floor)?)
                });
                findings.push(finding("settings", read, |settings| {
                    let stacks = settings.stacks.len();
                    format!("{project}: {stacks} claimed stack(s), mode {:?}", settings.mode)
                }));
            }
            findings
        }
    }
}

/// Whether the server that answers is the configured one, where the plugin tells and the
/// configuration says.
async fn same_server(config: &Config, gerrit: &Gerrit) -> Option<Finding> {
    let configured = config.gerrit.server_id.as_ref()?;
    let told = gerrit.client().plugin_status().await.ok()??.server_id?;
    let (state, said) = if told == *configured {
        (State::Good, format!("{told}, as configured"))
    } else {
        let said = format!(
            "the plugin says {told}, gerrit.server_id says {configured}: records and approvals of \
             one server mean nothing on another, so correct or remove that line"
        );
        (State::Bad, said)
    };
    Some(Finding { what: "server id", state, said })
}
