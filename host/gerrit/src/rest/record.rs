//! The host's record of a change, kept by the plugin in a ref that nobody else may touch.

use crate::rest::answer::without_prefix;
use crate::rest::changes::change_id;
use crate::rest::{Client, RestError};
use serde::{Deserialize, Serialize};
use tidegate_core::facts::RecordFact;
use tidegate_core::ids::{ChangeNumber, Project, Revision};

/// The plugin's view of a change.
const VIEW: &str = "tidegate~record";

/// A record as the plugin keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// The commit that holds it.
    pub commit: Revision,
    /// Its text.
    pub text: String,
    /// Our signature of it, where the plugin hands it back.
    pub signature: Option<String>,
}

impl From<Record> for RecordFact {
    fn from(record: Record) -> Self {
        Self { commit: record.commit, text: record.text }
    }
}

/// What became of a record that was to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordWritten {
    /// It is there, as this commit.
    Written {
        /// The commit.
        commit: Revision,
    },
    /// Another one is there than the one that was to be replaced; nothing was written.
    Conflict {
        /// Which one; none if there is no record.
        found: Option<Revision>,
    },
}

#[derive(Serialize)]
struct Input<'a> {
    expect: Option<&'a Revision>,
    text: &'a str,
    signature: &'a str,
}

#[derive(Deserialize)]
struct Written {
    commit: Revision,
}

#[derive(Deserialize)]
struct Refused {
    found: Option<Revision>,
}

impl Client {
    /// The record of a change; none if there is none, or no plugin.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn record(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<Option<Record>, RestError> {
        match self.ask(&self.get(&["changes", &change_id(project, number), VIEW])).await {
            Ok(record) => Ok(Some(record)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the record `expect` (none: writes the first one) by `text`, signed by us.
    ///
    /// May be repeated after any error: a record with this very text that is already there counts as
    /// written.
    ///
    /// # Errors
    /// When Gerrit can't be asked, or the plugin refuses the signature.
    pub async fn write_record(
        &self,
        project: &Project,
        number: ChangeNumber,
        expect: Option<&Revision>,
        text: &str,
        signature: &str,
    ) -> Result<RecordWritten, RestError> {
        let call = self.put(&["changes", &change_id(project, number), VIEW]).json(&Input {
            expect,
            text,
            signature,
        });
        let refusal = match self.ask::<Written>(&call).await {
            Ok(written) => return Ok(RecordWritten::Written { commit: written.commit }),
            Err(RestError::PreconditionFailed { body, .. }) => body,
            Err(error) => return Err(error),
        };
        // A writing whose answer was lost looks, from here, like a stranger's.
        let present = self.record(project, number).await?;
        if let Some(record) = present.as_ref().filter(|record| record.text == text) {
            return Ok(RecordWritten::Written { commit: record.commit.clone() });
        }
        let said = serde_json::from_slice(without_prefix(&refusal)).ok();
        let found = said.and_then(|refused: Refused| refused.found);
        Ok(RecordWritten::Conflict { found: found.or(present.map(|record| record.commit)) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{Fake, Reply, Request};
    use rstest::rstest;

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";

    async fn write(get: Reply, put: Reply) -> (Fake, Result<RecordWritten, RestError>) {
        let fake = Fake::start(move |request: &Request| match request.method.as_str() {
            "PUT" => put.clone(),
            _ => get.clone(),
        })
        .await;
        let (project, old) = ("infra".parse().unwrap(), OLD.parse().unwrap());
        let written =
            fake.client().write_record(&project, ChangeNumber(1), Some(&old), "text", "sig").await;
        (fake, written)
    }

    fn record(commit: &str, text: &str) -> Reply {
        Reply::Json(format!("{{\"commit\":\"{commit}\",\"text\":\"{text}\"}}"))
    }

    fn conflict(found: Option<&str>) -> RecordWritten {
        RecordWritten::Conflict { found: found.map(|found| found.parse().unwrap()) }
    }

    #[tokio::test]
    async fn a_record_is_written_over_the_one_expected() {
        let (fake, written) =
            write(Reply::Silence, Reply::Json(format!("{{\"commit\":\"{NEW}\"}}"))).await;
        assert_eq!(written.unwrap(), RecordWritten::Written { commit: NEW.parse().unwrap() });
        assert_eq!(fake.asked(), ["PUT /a/changes/infra~1/tidegate~record"]);
        let body = fake.seen().first().unwrap().body.clone();
        assert_eq!(
            body,
            format!("{{\"expect\":\"{OLD}\",\"text\":\"text\",\"signature\":\"sig\"}}")
        );
    }

    #[rstest]
    #[case::json(")]}'\n{\"found\":\"2222222222222222222222222222222222222222\"}")]
    #[case::bare_json("{\"found\":\"2222222222222222222222222222222222222222\"}")]
    #[case::text("another record is there")]
    #[tokio::test]
    async fn somebody_elses_record_is_a_conflict(#[case] refusal: &'static str) {
        let (_, written) = write(record(NEW, "theirs"), Reply::Text(412, refusal)).await;
        assert_eq!(written.unwrap(), conflict(Some(NEW)));
    }

    #[tokio::test]
    async fn a_vanished_record_is_a_conflict_too() {
        let (_, written) = write(Reply::Text(404, "Not found"), Reply::Text(412, "none")).await;
        assert_eq!(written.unwrap(), conflict(None));
    }

    #[tokio::test]
    async fn a_record_whose_writing_got_no_answer_counts_as_written() {
        let (_, written) = write(record(NEW, "text"), Reply::Text(412, "x")).await;
        assert_eq!(written.unwrap(), RecordWritten::Written { commit: NEW.parse().unwrap() });
    }

    #[tokio::test]
    async fn no_plugin_is_no_record() {
        let fake = Fake::start(|_| Reply::Text(404, "Not found: tidegate~record")).await;
        let project = "infra".parse().unwrap();
        assert_eq!(fake.client().record(&project, ChangeNumber(1)).await.unwrap(), None);
    }
}
