//! Makes a preview's result out of what the CLI wrote: checked, and without secrets.

use crate::events::Pass;
use crate::mask::{mask_config, mask_plain};
use crate::process::Finished;
use crate::{Failure, HmacKey, Previewed, Redactor, StackFile, events, mask_secrets, output};
use serde_json::{Map, Value};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the CLI wrote, secrets included.
pub(crate) struct Raw {
    pub(crate) events: Zeroizing<Vec<u8>>,
    pub(crate) plan: Zeroizing<Vec<u8>>,
    pub(crate) scratch: PathBuf,
    pub(crate) finished: Finished,
}

/// What is known of a stack's secrets.
pub(crate) struct Learnt {
    pub(crate) redactor: Redactor,
    pub(crate) key: HmacKey,
    /// Configuration in clear, by key.
    config: Value,
    /// The state, secrets hashed.
    pub(crate) state: Value,
}

impl Learnt {
    pub(crate) fn new(key: HmacKey) -> Self {
        Self { redactor: Redactor::new(), key, config: Value::Null, state: Value::Null }
    }

    /// Takes what `config --show-secrets --json` gave: `{key: {value, objectValue?, secret}}`.
    pub(crate) fn config(&mut self, answer: Value, stack_file: Option<&StackFile>) {
        let encrypted = stack_file.and_then(StackFile::config);
        let Value::Object(entries) = answer else { return };
        let mut plain = Map::new();
        for (name, mut entry) in entries {
            let is_secret = entry.get("secret").and_then(Value::as_bool) != Some(false);
            let mut take = |member: &str| entry.get_mut(member).map(Value::take);
            let value = take("objectValue").or_else(|| take("value")).unwrap_or_default();
            if is_secret {
                match encrypted.and_then(|config| config.get(&name)) {
                    // In an object some values are encrypted and the others ordinary.
                    Some(encrypted) => self.learn_encrypted(encrypted, &value),
                    None => self.redactor.add_value(&value),
                }
            }
            plain.insert(name, value);
        }
        self.config = Value::Object(plain);
    }

    fn learn_encrypted(&mut self, encrypted: &Value, plain: &Value) {
        match (encrypted, plain) {
            (Value::Object(map), _) if map.contains_key("secure") => self.redactor.add_value(plain),
            (Value::Object(map), Value::Object(plain)) => {
                for (name, encrypted) in map {
                    plain.get(name).into_iter().for_each(|v| self.learn_encrypted(encrypted, v));
                }
            }
            (Value::Array(items), Value::Array(plain)) => {
                items.iter().zip(plain).for_each(|(e, v)| self.learn_encrypted(e, v));
            }
            _ => {}
        }
    }

    /// Takes a deployment with its secrets in clear.
    pub(crate) fn state(&mut self, mut deployment: Value) {
        mask_secrets(&mut deployment, &self.key, &mut self.redactor);
        if let Some(Value::Object(provider)) = deployment.get_mut("secrets_providers") {
            // With the salt and its check text a passphrase can be guessed.
            provider.remove("state");
        }
        self.state = deployment;
    }
}

/// Fills `previewed` in.
pub(crate) fn assemble(
    raw: Raw,
    learnt: Learnt,
    mut previewed: Previewed,
) -> Result<Previewed, Failure> {
    let Learnt { mut redactor, key, config, mut state } = learnt;
    let log = events::check(&raw.events, Pass::Preview).map_err(Failure::EventLogBroken)?;
    let mut plan: Value = serde_json::from_slice(&raw.plan).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Failure::ResultBroken(format!("the saved plan is no JSON at {place}"))
    })?;
    if !plan.get("resourcePlans").is_some_and(Value::is_object) {
        return Err(Failure::ResultBroken("the saved plan has no resources".to_owned()));
    }
    // First learn every secret, and only then look for them.
    mask_secrets(&mut plan, &key, &mut redactor);
    if let Some(encrypted) = plan.get_mut("config") {
        mask_config(encrypted, Some(&config), &key);
    }
    let mut unmarked = mask_plain(&mut plan, &key, &mut redactor);
    unmarked += mask_plain(&mut state, &key, &mut redactor);
    let (log, in_log) = events::masked(log, &key, &mut redactor);
    previewed.events = log;
    previewed.unmarked_secrets = unmarked + in_log;
    previewed.plan = plan;
    previewed.state = state;
    previewed.output =
        output::shown(&raw.finished.stdout, &raw.finished.stderr, &raw.scratch, &mut redactor);
    previewed.plan_file = raw.plan;
    Ok(previewed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_encrypted_in_the_stack_file_counts_as_secret() {
        let mut learnt = Learnt::new(HmacKey::new([1; 32]));
        learnt.learn_encrypted(
            &json!({"host": "db.example.com", "l": [{"secure": "v1:x"}, "ordinary"]}),
            &json!({"host": "db.example.com", "l": ["canary-1", "ordinary"]}),
        );
        let text = learnt.redactor.strike("db.example.com canary-1 ordinary");
        assert_eq!(text, "db.example.com [secret] ordinary");
    }

    #[test]
    fn a_secret_without_a_place_in_the_stack_file_is_one_all_the_same() {
        let mut learnt = Learnt::new(HmacKey::new([1; 32]));
        learnt.config(
            json!({
                "app:pw": {"value": "canary-1", "secret": true},
                "app:o": {"value": "{}", "objectValue": {"x": "canary-2"}},
                "app:port": {"value": "8080", "secret": false},
            }),
            None,
        );
        let text = learnt.redactor.strike("canary-1 canary-2 8080");
        assert_eq!(text, "[secret] [secret] 8080");
        assert_eq!(learnt.config["app:o"], json!({"x": "canary-2"}));
    }

    #[test]
    fn the_salt_of_the_passphrase_is_left_out_of_the_state() {
        let mut learnt = Learnt::new(HmacKey::new([1; 32]));
        learnt.state(json!({"secrets_providers": {"type": "passphrase", "state": {"salt": "v1"}}}));
        assert_eq!(learnt.state, json!({"secrets_providers": {"type": "passphrase"}}));
    }
}
