//! `tidegate policy`: for those who write policy modules, and those who admit them.

use crate::cli::{PolicyCommand, PolicyRunArgs};
use crate::exit::{Coded, NO};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use tidegate_core::ids::{BadId, StackId};
use tidegate_core::limits::INPUT_BYTES;
use tidegate_core::policy::{
    Finding, Judgement, PolicyInput, PolicyOutcome, PolicyStack, Severity,
};
use tidegate_core::settings::PolicySetting;
use tidegate_core::steps::Steps;
use tidegate_sandbox::{Check, Described, Kind, PolicyLimits, PolicySandbox, read_module};

pub(crate) fn run(command: &PolicyCommand, json: bool) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check { module } => check(module, json),
        PolicyCommand::Run(args) => evaluate(args, json),
    }
}

fn check(path: &Path, as_json: bool) -> Result<ExitCode> {
    let bytes = read_module(path)?;
    let check = PolicySandbox::new(PolicyLimits::default())?.check(&bytes);
    if as_json {
        println!("{}", serde_json::to_string_pretty(&told(&check, bytes.len()))?);
    } else {
        print!("{}", shown(&check, bytes.len()));
    }
    match check.module {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            let error = anyhow::Error::new(error).context("it would not be loaded");
            eprintln!("{}", crate::output::failure(&error));
            Ok(ExitCode::from(NO))
        }
    }
}

fn told(check: &Check, bytes: usize) -> Value {
    let (described, problem) = match &check.module {
        Ok(module) => (Some(module.described()), None),
        Err(error) => (None, Some(error.to_string())),
    };
    json!({
        "digest": check.digest,
        "bytes": bytes,
        "imports": check.imports,
        "granted": tidegate_sandbox::granted().collect::<Vec<_>>(),
        "described": described,
        "problem": problem,
    })
}

fn shown(check: &Check, bytes: usize) -> String {
    let Check { digest, imports, module } = check;
    let imports = if imports.is_empty() { "nothing".to_owned() } else { imports.join(", ") };
    let facts = format!("digest:  {digest}\nbytes:   {bytes}\nimports: {imports}\n");
    let Ok(module) = module else { return facts };
    let Described { name, version, summary, settings, wants } = module.described();
    let mut text = format!("{name} {version}: {summary}\n{facts}");
    for want in wants {
        text.push_str(&format!("wants:   {} ({})\n", want.capability, want.reason));
    }
    text.push_str(if settings.is_empty() { "settings: none\n" } else { "settings:\n" });
    for setting in settings {
        let needed = if setting.required { ", needed" } else { "" };
        let kind = kind(setting.kind);
        text.push_str(&format!("  {} ({kind}{needed}): {}\n", setting.key, setting.help));
    }
    text.push_str(&format!(
        "\nIt would be loaded. To try it, in tidegate.toml:\n\n[[policy]]\nname = \"{name}\"\n\
         module = \"sha256:{digest}\"\neffect = \"advise\"\n"
    ));
    text
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "true or false",
        Kind::Number => "a whole number",
        Kind::Text => "a text",
        Kind::Texts => "a list of texts",
        Kind::Json => "a table or list",
    }
}

fn evaluate(args: &PolicyRunArgs, as_json: bool) -> Result<ExitCode> {
    let input = input(args)?;
    let module = PolicySandbox::new(PolicyLimits::default())?
        .load(&read_module(&args.module)?)
        .with_context(|| format!("{} can't be used as a policy module", args.module.display()))?;
    let outcome = module.outcome(&input);
    if as_json {
        let judgement = Judgement { module: module.digest().clone(), outcome: outcome.clone() };
        println!("{}", serde_json::to_string_pretty(&judgement)?);
    }
    match outcome {
        PolicyOutcome::Failed { text } => {
            eprintln!("tidegate: {text}");
            Ok(ExitCode::FAILURE)
        }
        PolicyOutcome::Findings(findings) => {
            if !as_json {
                print!("{}", listed(&findings));
            }
            let is_mandatory = |finding: &Finding| finding.severity() == Severity::Mandatory;
            let no = findings.iter().any(is_mandatory);
            Ok(if no { ExitCode::from(NO) } else { ExitCode::SUCCESS })
        }
    }
}

fn listed(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "it finds nothing\n".to_owned();
    }
    let mut text = String::new();
    for finding in findings {
        let severity = finding.severity().as_str();
        text.push_str(&format!("{severity} {}: {}\n", finding.code(), finding.sentence()));
        if let Some(urn) = finding.urn() {
            text.push_str(&format!("  {urn}\n"));
        }
        if let Some(cure) = finding.cure() {
            text.push_str(&format!("  {cure}\n"));
        }
    }
    text
}

fn input(args: &PolicyRunArgs) -> Result<PolicyInput> {
    let mut input = match (&args.input, &args.steps) {
        (Some(path), _) => {
            let input: PolicyInput = parsed(path, "an input of a policy module")?;
            if input.schema != PolicyInput::SCHEMA {
                let (found, expected) = (input.schema, PolicyInput::SCHEMA);
                let text = format!("the input has schema {found}; expected {expected}");
                return Err(Coded::NotUnderstood(text).into());
            }
            input
        }
        (None, Some(path)) => of_steps(parsed(path, "steps")?, args)?,
        (None, None) => anyhow::bail!("give --input or --steps"),
    };
    for set in &args.set {
        let (key, value) = setting(set).map_err(Coded::Config)?;
        input.settings.insert(key, value);
    }
    Ok(input)
}

/// An input around bare steps: the stack's names are in every URN.
fn of_steps(steps: Steps, args: &PolicyRunArgs) -> Result<PolicyInput> {
    let urns = steps.steps.iter().map(|step| &step.urn);
    let urn = urns.chain(steps.reads.iter().map(|read| &read.urn)).next();
    let unusable = |error: BadId| Coded::NotUnderstood(error.to_string());
    let (project, stack) = urn.map_or(("none", "none"), |urn| (urn.project(), urn.stack()));
    let id = args.stack.clone().map_or_else(|| an_id(stack), Ok);
    Ok(PolicyInput {
        schema: PolicyInput::SCHEMA,
        change: None,
        stack: PolicyStack {
            id: id.map_err(unusable)?,
            project: project.parse().map_err(unusable)?,
            stack: stack.parse().map_err(unusable)?,
            environment: args.environment.clone(),
        },
        settings: BTreeMap::new(),
        steps,
    })
}

/// The id that a claim of a stack could have.
fn an_id(stack: &str) -> Result<StackId, BadId> {
    stack.to_ascii_lowercase().parse()
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path, what: &str) -> Result<T> {
    let mut text = Vec::new();
    let most = INPUT_BYTES as u64 + 1;
    let reader: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(
            std::fs::File::open(path)
                .with_context(|| format!("{} can't be read", path.display()))?,
        )
    };
    reader
        .take(most)
        .read_to_end(&mut text)
        .with_context(|| format!("{} can't be read", path.display()))?;
    tidegate_core::json::read(what, &text).map_err(|text| Coded::NotUnderstood(text).into())
}

/// `key=value`: the value is JSON where it can be read as such, and else a text.
fn setting(text: &str) -> Result<(String, PolicySetting), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("--set {text:?}: expected key=value, such as max-deletes=0"))?;
    let setting = match serde_json::from_str::<Value>(value) {
        Ok(value) => PolicySetting::try_from(value).map_err(|error| error.to_string())?,
        Err(_) => PolicySetting::Text(value.to_owned()),
    };
    Ok((key.to_owned(), setting))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;
    use rstest::rstest;
    use tidegate_core::ids::Digest;

    #[rstest]
    #[case::number("max=3", PolicySetting::Number(3))]
    #[case::flag("max=true", PolicySetting::Flag(true))]
    #[case::text("max=aws:rds/*", PolicySetting::Text("aws:rds/*".to_owned()))]
    #[case::quoted("max=\"3\"", PolicySetting::Text("3".to_owned()))]
    #[case::empty("max=", PolicySetting::Text(String::new()))]
    #[case::list("max=[\"a=b\"]", PolicySetting::List(vec![PolicySetting::Text("a=b".to_owned())]))]
    fn a_setting_is_json_or_a_text(#[case] text: &str, #[case] expected: PolicySetting) {
        assert_eq!(setting(text).unwrap(), ("max".to_owned(), expected));
    }

    #[rstest]
    #[case::no_value("max", "expected key=value")]
    #[case::a_fraction("max=1.5", "found 1.5")]
    fn a_setting_that_is_none_is_refused(#[case] text: &str, #[case] expected: &str) {
        let error = setting(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[rstest]
    #[case::of_steps(
        "m.wasm --steps s.json --set a=1 --set b=2 --stack net --environment prod",
        true
    )]
    #[case::of_an_input("m.wasm --input i.json --set a=1", true)]
    #[case::of_nothing("m.wasm", false)]
    #[case::of_both("m.wasm --input i.json --steps s.json", false)]
    #[case::no_module("--steps s.json", false)]
    fn a_module_is_asked_about_an_input_or_steps(#[case] line: &str, #[case] good: bool) {
        let words = ["tidegate", "policy", "run"].into_iter().chain(line.split(' '));
        assert_eq!(Cli::try_parse_from(words).is_ok(), good);
    }

    #[test]
    fn what_can_not_be_loaded_is_told_with_its_digest() {
        let check = PolicySandbox::new(PolicyLimits::default()).unwrap().check(b"no wasm");
        let digest = Digest::of(b"no wasm");
        assert!(shown(&check, 7).starts_with(&format!("digest:  {digest}\n")));
        let told = told(&check, 7);
        assert_eq!(told["digest"], digest.as_str());
        assert!(told["described"].is_null());
        assert!(told["problem"].as_str().unwrap().starts_with("it is no component"));
    }
}
