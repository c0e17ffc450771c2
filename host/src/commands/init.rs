//! `tidegate init`: looks at a project and proposes its set-up as a change for review.

mod access;
mod args;
mod claims;
mod environments;
mod found;
mod groups_file;
mod propose;
mod reads;
mod report;
mod rights;
mod settings_file;
mod stack_ids;
mod survey;

pub(crate) use args::{EXAMPLES, InitArgs};

use crate::config::Config;
use crate::exit::NO;
use access::Access;
use anyhow::{Result, bail};
use claims::{Place, short, sort};
use propose::Proposal;
use report::Report;
use settings_file::{First, with_claims, with_mode};
use std::process::ExitCode;
use survey::Survey;
use tidegate_core::settings::Mode;
use tidegate_gerrit::{GROUPS_FILE, SETTINGS_FILE};

/// Gerrit's own file of a project's configuration.
const PROJECT_FILE: &str = "project.config";

pub(crate) fn run(args: &InitArgs, json: bool) -> Result<ExitCode> {
    let config = Config::read(&args.config.config)?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Some(report) = runtime.block_on(set_up(args, &config))? else {
        eprintln!(
            "tidegate: no Pulumi.yaml with a Pulumi.<stack>.yaml beside it on {} of {}, and no claim \
             in its settings; is it another branch (--branch)?",
            args.branch, args.project
        );
        return Ok(ExitCode::from(NO));
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        print!("{}", report.text());
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything; none if there is nothing to claim.
async fn set_up(args: &InitArgs, config: &Config) -> Result<Option<Report>> {
    let survey = Survey::take(args, config).await?;
    let place = Place {
        branch: &survey.branch,
        backends: &survey.backends,
        first: survey.own.text.trim().is_empty(),
        settings: &survey.before,
        elsewhere: &survey.elsewhere,
    };
    let sorted = sort(&survey.found.stacks, &place)?;
    let mut skipped = survey.found.skipped.clone();
    skipped.extend(sorted.skipped);
    if sorted.new.is_empty() && survey.before.stacks.is_empty() {
        if !skipped.is_empty() {
            bail!("nothing in {} can be claimed:\n  {}", args.project, skipped.join("\n  "));
        }
        return Ok(None);
    }

    let mut notes = survey.notes.clone();
    notes.extend(sorted.unread);
    let text = if place.first {
        let first = First {
            mode: args.mode.map_or("observe", |mode| mode.word()),
            branch: short(&survey.branch).to_owned(),
            backend: survey.backends.usual.clone(),
            operators: survey.operators.clone(),
            approvers: survey.approvers.clone(),
            trusted: survey.trusted.clone(),
            environments: sorted.environments,
        };
        if first.trusted.is_empty() {
            notes.push("without --trust, nobody's patch sets are previewed".to_owned());
        }
        first.text(&sorted.new)
    } else {
        for option in args.for_a_new_file() {
            notes.push(format!("{option} is not used: {SETTINGS_FILE} exists, edit it"));
        }
        let text = match args.mode {
            Some(mode) => with_mode(&survey.own.text, mode.word())?,
            None => survey.own.text.clone(),
        };
        with_claims(&text, &sorted.new)
    };

    let (everybody, groups) = groups_file::with_group(&survey.own.groups, &survey.everybody)?;
    let (service, groups) = match config.gerrit.vote {
        Some(_) => groups_file::with_group(&groups, &survey.service)?,
        None => (survey.service.name.clone(), groups),
    };
    let after = survey.after(&text, &groups)?;
    notes.extend(after.notes.iter().cloned());
    let access = Access {
        everybody: &everybody,
        service: &service,
        user: &survey.user,
        branches: after.stacks.values().map(|claim| claim.branch.clone()).collect(),
        label: config.gerrit.vote.as_deref(),
        guarded: after.mode != Mode::Observe,
        plugin: !args.no_plugin,
    };
    let (mut project_config, parents) = survey.project_configs().await?;
    notes.extend(access.apply(&mut project_config, &parents).await?);

    let ids: Vec<&str> = sorted.new.iter().map(|claim| claim.id.as_str()).collect();
    let claimed =
        if ids.is_empty() { String::new() } else { format!("Claims {}.\n\n", ids.join(", ")) };
    let proposal = Proposal {
        client: &survey.client,
        mirror: &survey.mirror,
        base: &survey.own.commit,
        files: vec![
            (SETTINGS_FILE, text.into_bytes()),
            (PROJECT_FILE, project_config.bytes().await?),
            (GROUPS_FILE, groups.into_bytes()),
        ],
        subject: "Set up Tidegate",
        body: &format!("{claimed}Made by `tidegate init` from {}.", survey.branch),
        who: &survey.who,
        url: &config.gerrit.url,
        dry_run: args.dry_run,
    };
    let mut changes = vec![proposal.push().await?];
    if args.all_projects && !survey.missing.is_empty() {
        changes.push(grant(args, config, &survey).await?);
    }
    let mode = match after.mode {
        Mode::Observe => "observe",
        Mode::Gate => "gate",
        Mode::Deploy => "deploy",
    };
    Ok(Some(Report {
        project: args.project.clone(),
        branch: short(&survey.branch).to_owned(),
        mode: mode.to_owned(),
        new: sorted.new,
        already: sorted.already,
        skipped,
        notes,
        missing: survey.missing,
        root: survey.root.project.to_string(),
        changes,
    }))
}

/// Proposes the rights that the service account lacks, in the project that all others inherit from.
async fn grant(args: &InitArgs, config: &Config, survey: &Survey) -> Result<propose::Proposed> {
    let mirror = survey.mirrors.mirror(&survey.root.project).await?;
    let bytes = mirror.file(&survey.root.commit, PROJECT_FILE).await?.unwrap_or_default();
    let mut project_config = mirror.config_file(&bytes).await?;
    let (service, groups) = groups_file::with_group(&survey.root.groups, &survey.service)?;
    for right in &survey.missing {
        let key = format!("capability.{}", right.capability);
        project_config.add(&key, &format!("group {service}")).await?;
    }
    let proposal = Proposal {
        client: &survey.client,
        mirror: &mirror,
        base: &survey.root.commit,
        files: vec![
            (PROJECT_FILE, project_config.bytes().await?),
            (GROUPS_FILE, groups.into_bytes()),
        ],
        subject: "Let Tidegate's host do its work",
        body: "The global capabilities that its account lacks.\n\nMade by `tidegate init`.",
        who: &survey.who,
        url: &config.gerrit.url,
        dry_run: args.dry_run,
    };
    proposal.push().await
}
