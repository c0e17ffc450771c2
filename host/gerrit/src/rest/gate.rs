//! What the plugin's core was given and said, for comparison with our own.

use crate::rest::changes::change_id;
use crate::rest::{Call, Client, RestError};
use tidegate_core::facts::ChangeFacts;
use tidegate_core::ids::{ChangeNumber, Project};
use tidegate_core::limits::INPUT_BYTES;

impl Client {
    /// The facts that the plugin gathers for a change now; none if there is no plugin.
    ///
    /// # Errors
    /// [`RestError::Conflict`] when the plugin can't gather them, with its reason.
    pub async fn gate_facts(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<Option<ChangeFacts>, RestError> {
        found(self.ask(&self.gate_view(project, number, "tidegate~facts")).await)
    }

    /// The verdict of the plugin's core, as its JSON; none if there is no plugin.
    ///
    /// # Errors
    /// When Gerrit can't be asked.
    pub async fn gate_verdict(
        &self,
        project: &Project,
        number: ChangeNumber,
    ) -> Result<Option<Vec<u8>>, RestError> {
        found(self.send(&self.gate_view(project, number, "tidegate~verdict")).await)
    }

    /// The views hang on a revision, and are of the whole change whichever it is.
    fn gate_view(&self, project: &Project, number: ChangeNumber, view: &str) -> Call {
        let change = change_id(project, number);
        self.get(&["changes", &change, "revisions", "current", view]).bound(INPUT_BYTES + 1024)
    }
}

fn found<T>(answer: Result<T, RestError>) -> Result<Option<T>, RestError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
