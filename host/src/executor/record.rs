//! Signs a record and writes it beside its change.

use super::{Hands, not_now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_core::advance::EffectId;
use tidegate_core::ids::{ChangeNumber, Project, Revision};
use tidegate_core::review::{RecordOutcome, ReviewInput};
use tidegate_engine::{Done, Problem, SubjectInput};
use tidegate_gerrit::rest::{RecordWritten, RestError};

/// What a record's signature begins with, so that it can't be taken for one of another kind.
const SIGNED_AS: &str = "tidegate record/v1\n";

impl Hands {
    pub(super) async fn write_record(
        &self,
        effect: EffectId,
        project: Project,
        number: ChangeNumber,
        expect: Option<Revision>,
        text: String,
    ) -> Result<Done, Problem> {
        let Some(key) = &self.record_key else {
            return Err(Problem::new("gerrit.record_key_file is not configured"));
        };
        let signature = STANDARD.encode(key.sign(format!("{SIGNED_AS}{text}").as_bytes()));
        let client = self.gerrit.client();
        let written =
            client.write_record(&project, number, expect.as_ref(), &text, &signature).await;
        let outcome = match written {
            Ok(RecordWritten::Written { commit }) => RecordOutcome::Written { commit },
            Ok(RecordWritten::Conflict { found }) => RecordOutcome::Conflict { found },
            Err(RestError::NotFound { .. }) => RecordOutcome::Impossible,
            Err(error) => return Err(not_now(&error)),
        };
        let input = Box::new(ReviewInput::RecordWritten { effect, outcome });
        Ok(Done::new(SubjectInput::Review { project, number, input }))
    }
}
