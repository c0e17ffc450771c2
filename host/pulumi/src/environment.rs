//! What a run finds in its environment beside what this crate sets.

use crate::Secret;
use std::collections::BTreeMap;

/// Names that this crate sets, or that change what programs are loaded.
const OURS: [&str; 6] = ["HOME", "PATH", "TMPDIR", "USER", "PULUMI_HOME", "LOGNAME"];

/// The environment of a run: nothing is inherited, everything is named.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    passphrase: Option<Secret>,
    secret: BTreeMap<String, Secret>,
    plain: BTreeMap<String, String>,
}

/// Why a variable is not taken.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The name is not one that a variable may have here.
    #[error(
        "cannot set {0:?} for a run: names are letters, digits and underscores, and PULUMI_*, \
         LD_*, PATH, HOME, USER, LOGNAME and TMPDIR are set by the host alone"
    )]
    Name(String),
    /// The value has a NUL byte, which ends a variable.
    #[error("cannot set {0:?} for a run: its value has a NUL byte")]
    Value(String),
    /// Two sources give one variable different values.
    #[error("cannot set {0:?} for a run: the stack and its backend want different values for it")]
    Conflict(String),
}

impl Environment {
    /// An empty environment.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The passphrase of the stack's secrets, handed over as `PULUMI_CONFIG_PASSPHRASE`.
    ///
    /// # Errors
    /// If it has a NUL byte.
    pub fn passphrase(mut self, passphrase: Secret) -> Result<Self, EnvironmentError> {
        check_value("PULUMI_CONFIG_PASSPHRASE", passphrase.expose())?;
        self.passphrase = Some(passphrase);
        Ok(self)
    }

    /// A variable whose value is struck from every text of the run.
    ///
    /// # Errors
    /// If the name is one of ours or no name, or the value has a NUL byte.
    pub fn secret(mut self, name: &str, value: Secret) -> Result<Self, EnvironmentError> {
        check_name(name)?;
        check_value(name, value.expose())?;
        self.secret.insert(name.to_owned(), value);
        Ok(self)
    }

    /// A variable that anybody may read, such as a region.
    ///
    /// # Errors
    /// If the name is one of ours or no name, or the value has a NUL byte.
    pub fn plain(mut self, name: &str, value: &str) -> Result<Self, EnvironmentError> {
        check_name(name)?;
        check_value(name, value)?;
        self.plain.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// What is in either of two environments, for a run that needs both.
    ///
    /// # Errors
    /// If a variable has different values in them.
    pub(crate) fn joined(&self, other: &Self) -> Result<Self, EnvironmentError> {
        let own: BTreeMap<_, _> = self.variables().collect();
        let conflict = other.variables().find(|(n, v)| own.get(n).is_some_and(|own| own != v));
        if let Some((name, _)) = conflict {
            return Err(EnvironmentError::Conflict(name.to_owned()));
        }
        let mut joined = self.clone();
        joined.secret.extend(other.secret.clone());
        joined.plain.extend(other.plain.clone());
        joined.passphrase = joined.passphrase.or_else(|| other.passphrase.clone());
        Ok(joined)
    }

    /// All variables, the passphrase among them.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let plain = self.plain.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let secret = self.secret.iter().map(|(name, value)| (name.as_str(), value.expose()));
        let passphrase =
            self.passphrase.iter().map(|value| ("PULUMI_CONFIG_PASSPHRASE", value.expose()));
        plain.chain(secret).chain(passphrase)
    }

    /// The values that no text may show.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secret.values().chain(&self.passphrase)
    }
}

fn check_name(name: &str) -> Result<(), EnvironmentError> {
    let letters = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let upper = name.to_ascii_uppercase();
    let ours = OURS.contains(&upper.as_str())
        || ["PULUMI_", "LD_"].iter().any(|prefix| upper.starts_with(prefix));
    if letters && !ours { Ok(()) } else { Err(EnvironmentError::Name(name.to_owned())) }
}

fn check_value(name: &str, value: &str) -> Result<(), EnvironmentError> {
    if value.contains('\0') { Err(EnvironmentError::Value(name.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::option_as_variable("PULUMI_OPTION_SKIP_PREVIEW")]
    #[case::backend("PULUMI_BACKEND_URL")]
    #[case::loader("LD_PRELOAD")]
    #[case::path("PATH")]
    #[case::equals_sign("A=B")]
    #[case::empty("")]
    #[case::digit("1A")]
    fn variables_that_steer_the_engine_are_refused(#[case] name: &str) {
        assert!(Environment::new().plain(name, "x").is_err());
        assert!(Environment::new().secret(name, Secret::new("x".to_owned())).is_err());
    }

    #[test]
    fn environments_are_joined_unless_they_disagree() {
        let plain = |value| Environment::new().plain("AWS_REGION", value).unwrap();
        let secret = Environment::new().secret("TOKEN", Secret::new("x".to_owned())).unwrap();
        let joined = plain("eu").joined(&secret).and_then(|e| e.joined(&plain("eu"))).unwrap();
        assert_eq!(joined.variables().count(), 2);
        let error = joined.joined(&plain("us")).unwrap_err();
        assert!(matches!(error, EnvironmentError::Conflict(name) if name == "AWS_REGION"));
    }

    #[test]
    fn only_what_was_named_is_there_and_secrets_are_not_printed() {
        let environment = Environment::new()
            .plain("AWS_REGION", "eu-west-1")
            .and_then(|e| e.secret("AWS_SECRET_ACCESS_KEY", Secret::new("canary".to_owned())))
            .and_then(|e| e.passphrase(Secret::new("open".to_owned())))
            .unwrap();
        let names: Vec<_> = environment.variables().map(|(name, _)| name).collect();
        assert_eq!(names, ["AWS_REGION", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE"]);
        assert_eq!(environment.secrets().count(), 2);
        assert!(!format!("{environment:?}").contains("canary"));
        assert!(Environment::new().plain("A", "a\0b").is_err());
    }
}
