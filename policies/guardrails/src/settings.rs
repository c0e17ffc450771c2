//! What the module is told.

use crate::bindings::exports::tidegate::policy::checks::{Kind, Setting, Value};
use crate::pattern::Pattern;

const PROTECTED: &str = "protected-types";
const CHANGES: &str = "max-changes";
const DELETES: &str = "max-deletes";

/// Every setting, what it must be, and what it does.
pub(crate) const HELP: [(&str, Kind, &str); 3] = [
    (
        PROTECTED,
        Kind::Texts,
        "Resource types that must not be deleted, replaced or left unprotected; * stands for any \
         characters. None unless given.",
    ),
    (CHANGES, Kind::Number, "Most resources that one plan may touch. No limit unless given."),
    (
        DELETES,
        Kind::Number,
        "Most resources that one plan may delete or replace. No limit unless given.",
    ),
];

/// The settings, checked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) protected: Vec<Pattern>,
    pub(crate) max_changes: Option<u64>,
    pub(crate) max_deletes: Option<u64>,
}

impl Settings {
    /// Reads all settings, or says everything that is wrong with them.
    pub(crate) fn read(given: &[Setting]) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut wrong = Vec::new();
        for setting in given {
            let read = match setting.key.as_str() {
                PROTECTED => patterns(&setting.value).map(|read| settings.protected = read),
                CHANGES => number(&setting.value).map(|read| settings.max_changes = Some(read)),
                DELETES => number(&setting.value).map(|read| settings.max_deletes = Some(read)),
                _ => Err("there is no such setting".to_owned()),
            };
            if let Err(problem) = read {
                wrong.push(format!("setting {:?}: {problem}", setting.key));
            }
        }
        if !wrong.is_empty() {
            let known: Vec<_> = HELP.iter().map(|(key, ..)| *key).collect();
            return Err(format!("{} (settings are {})", wrong.join("; "), known.join(", ")));
        }
        if settings == Self::default() {
            return Err(format!(
                "nothing to look for: give at least one of {PROTECTED}, {CHANGES}, {DELETES}"
            ));
        }
        Ok(settings)
    }
}

fn patterns(value: &Value) -> Result<Vec<Pattern>, String> {
    match value {
        Value::Texts(texts) => texts.iter().map(|text| Pattern::parse(text)).collect(),
        other => {
            Err(format!("found {}; expected a list of texts such as [\"aws:rds/*\"]", shown(other)))
        }
    }
}

fn number(value: &Value) -> Result<u64, String> {
    let expected = "expected a whole number, 0 or more";
    match value {
        Value::Number(number) => {
            u64::try_from(*number).map_err(|_| format!("found {number}; {expected}"))
        }
        other => Err(format!("found {}; {expected}", shown(other))),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("the text {text:?}"),
        Value::Texts(_) => "a list of texts".to_owned(),
        Value::Json(_) => "a table or a mixed list".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn setting(key: &str, value: Value) -> Setting {
        Setting { key: key.to_owned(), value }
    }

    #[test]
    fn all_settings_are_read() {
        let settings = Settings::read(&[
            setting(CHANGES, Value::Number(50)),
            setting(DELETES, Value::Number(0)),
            setting(PROTECTED, Value::Texts(vec!["aws:rds/*".to_owned()])),
        ])
        .unwrap();
        assert_eq!(settings.protected, [Pattern::parse("aws:rds/*").unwrap()]);
        assert_eq!((settings.max_changes, settings.max_deletes), (Some(50), Some(0)));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let error = Settings::read(&[
            setting(CHANGES, Value::Number(-1)),
            setting(DELETES, Value::Text("3".to_owned())),
            setting("max-delete", Value::Number(3)),
            setting(PROTECTED, Value::Text("aws:rds/*".to_owned())),
        ])
        .unwrap_err();
        for expected in [
            "setting \"max-changes\": found -1; expected a whole number, 0 or more",
            "setting \"max-deletes\": found the text \"3\"",
            "setting \"max-delete\": there is no such setting",
            "setting \"protected-types\": found the text \"aws:rds/*\"; expected a list of texts",
            "(settings are protected-types, max-changes, max-deletes)",
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_use_that_looks_for_nothing_is_refused() {
        assert!(Settings::read(&[]).unwrap_err().starts_with("nothing to look for"));
    }
}
