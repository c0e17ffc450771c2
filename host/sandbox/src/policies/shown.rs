//! Steps and settings in the words of the WIT, and findings back. Nothing is decided here.

use super::bindings::exports::tidegate::policy::checks as wit;
use tidegate_core::policy::{self, PolicyChange, PolicyInput, PolicyStack, RawFinding, Severity};
use tidegate_core::settings::PolicySetting;
use tidegate_core::steps::operation::Operation;
use tidegate_core::steps::step::{Change, Read, Step};
use tidegate_core::steps::val::Val;
use tidegate_core::steps::{Counts, Steps};

impl From<&PolicyInput> for wit::Input {
    fn from(input: &PolicyInput) -> Self {
        let setting = |(key, value): (&String, &PolicySetting)| wit::Setting {
            key: key.clone(),
            value: value.into(),
        };
        Self {
            change: input.change.as_ref().map(Into::into),
            stack: (&input.stack).into(),
            plan: (&input.steps).into(),
            settings: input.settings.iter().map(setting).collect(),
        }
    }
}

impl From<&PolicyChange> for wit::Change {
    fn from(change: &PolicyChange) -> Self {
        Self {
            project: change.project.to_string(),
            branch: change.branch.to_string(),
            number: change.number.0,
            patch_set: change.patch_set.0,
            revision: change.revision.to_string(),
        }
    }
}

impl From<&PolicyStack> for wit::Stack {
    fn from(stack: &PolicyStack) -> Self {
        Self {
            id: stack.id.to_string(),
            project: stack.project.to_string(),
            name: stack.stack.to_string(),
            environment: stack.environment.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Steps> for wit::Plan {
    fn from(steps: &Steps) -> Self {
        // Providers that the engine makes by itself are steps too; no program named them.
        let named = steps.steps.iter().filter(|step| !step.is_internal());
        Self {
            steps: named.map(Into::into).collect(),
            reads: steps.reads.iter().map(Into::into).collect(),
            counts: (&steps.counts).into(),
            hidden: wit::Hidden {
                unknown: steps.unknown,
                secrets: steps.secrets,
                opaque: steps.opaque,
            },
            digest: steps.digest.to_string(),
        }
    }
}

impl From<&Counts> for wit::Counts {
    fn from(counts: &Counts) -> Self {
        Self {
            create: counts.create,
            update: counts.update,
            replace: counts.replace,
            delete: counts.delete,
            import: counts.import,
            options: counts.options,
            outputs: counts.outputs,
            same: counts.same,
        }
    }
}

impl From<&Step> for wit::Step {
    fn from(step: &Step) -> Self {
        let before = step.old.iter().flat_map(|old| &old.inputs);
        Self {
            urn: step.urn.to_string(),
            operation: step.operation.into(),
            resource_type: step.resource_type.clone(),
            name: step.urn.name().to_owned(),
            custom: step.custom,
            provider: step.provider.as_ref().map(|provider| wit::Provider {
                urn: provider.urn.to_string(),
                version: provider.version.clone(),
            }),
            protect: policy::is_protected(step),
            options: step.options.iter().map(|(name, to)| change(name.as_str(), to)).collect(),
            old_id: step.old.as_ref().and_then(|old| old.id.clone()),
            before: before.map(|(name, val)| property(name, val)).collect(),
            after: policy::after(step).into_iter().map(|(name, val)| property(name, val)).collect(),
            changes: step.changes.iter().map(|(name, to)| change(name, to)).collect(),
            replace_keys: step.replace_keys.iter().cloned().collect(),
            deletes_first: step.deletes_first,
            hidden: wit::Hidden {
                unknown: step.unknown,
                secrets: step.secrets,
                opaque: step.opaque,
            },
        }
    }
}

impl From<Operation> for wit::Operation {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Import => Self::Import,
            Operation::Create => Self::Create,
            Operation::Update => Self::Update,
            Operation::CreateReplacement => Self::CreateReplacement,
            Operation::DeleteReplaced => Self::DeleteReplaced,
            Operation::Delete => Self::Delete,
            Operation::Options => Self::Options,
            Operation::Outputs => Self::Outputs,
        }
    }
}

impl From<&Read> for wit::Read {
    fn from(read: &Read) -> Self {
        Self {
            urn: read.urn.to_string(),
            resource_type: read.resource_type.clone(),
            id: json(&read.id),
        }
    }
}

impl From<&PolicySetting> for wit::Value {
    fn from(setting: &PolicySetting) -> Self {
        match setting {
            PolicySetting::Flag(flag) => Self::Flag(*flag),
            PolicySetting::Number(number) => Self::Number(*number),
            PolicySetting::Text(text) => Self::Text(text.clone()),
            PolicySetting::List(items) => match items.iter().map(text).collect() {
                Some(texts) => Self::Texts(texts),
                None => Self::Json(setting_json(setting)),
            },
            PolicySetting::Table(_) => Self::Json(setting_json(setting)),
        }
    }
}

impl From<wit::Finding> for RawFinding {
    fn from(finding: wit::Finding) -> Self {
        Self {
            code: finding.code,
            severity: match finding.severity {
                wit::Severity::Mandatory => Severity::Mandatory,
                wit::Severity::Advisory => Severity::Advisory,
                wit::Severity::Note => Severity::Note,
            },
            sentence: finding.sentence,
            cure: finding.cure,
            urn: finding.urn,
        }
    }
}

fn property(name: &str, val: &Val) -> wit::Property {
    wit::Property { name: name.to_owned(), value: json(val) }
}

fn change(name: &str, change: &Change) -> wit::PropertyChange {
    wit::PropertyChange {
        name: name.to_owned(),
        old: change.old.as_ref().map(json),
        new: change.new.as_ref().map(json),
        drift: change.drift,
    }
}

fn json(val: &Val) -> String {
    val.to_json().to_string()
}

fn text(setting: &PolicySetting) -> Option<String> {
    match setting {
        PolicySetting::Text(text) => Some(text.clone()),
        PolicySetting::Flag(_)
        | PolicySetting::Number(_)
        | PolicySetting::List(_)
        | PolicySetting::Table(_) => None,
    }
}

/// Settings are our own type of plain values and always have a text.
fn setting_json(setting: &PolicySetting) -> String {
    serde_json::to_string(setting).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::texts(r#"["a","b"]"#, wit::Value::Texts(vec!["a".to_owned(), "b".to_owned()]))]
    #[case::nothing("[]", wit::Value::Texts(Vec::new()))]
    #[case::mixed(r#"["a",1]"#, wit::Value::Json(r#"["a",1]"#.to_owned()))]
    #[case::table(r#"{"b":{"a":[]}}"#, wit::Value::Json(r#"{"b":{"a":[]}}"#.to_owned()))]
    #[case::number("-3", wit::Value::Number(-3))]
    fn settings_are_typed_where_they_are_flat(#[case] given: &str, #[case] expected: wit::Value) {
        let setting: PolicySetting = serde_json::from_str(given).unwrap();
        assert_eq!(format!("{:?}", wit::Value::from(&setting)), format!("{expected:?}"));
    }
}
