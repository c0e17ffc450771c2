//! Posts a message, a vote, or both.

use super::{Hands, not_now};
use tidegate_core::advance::{EffectId, Post};
use tidegate_core::decide::PUBLISH_TAG;
use tidegate_core::review::ReviewInput;
use tidegate_core::rollout::BranchInput;
use tidegate_engine::{Done, Problem, SubjectInput};
use tidegate_gerrit::rest::{Notify, Posted, Review};

impl Hands {
    pub(super) async fn post(&self, effect: EffectId, post: Post) -> Result<Done, Problem> {
        let message = post.message.strip_suffix(&post.marker).unwrap_or(&post.message);
        let rollout_of = post.rollout_of;
        let review = Review {
            project: post.project.clone(),
            number: post.number,
            revision: post.revision,
            message: message.trim_end().to_owned(),
            notify: notify(&post.tag, message),
            tag: post.tag,
            labels: post.labels,
            marker: post.marker,
        };
        let client = self.gerrit.client();
        let posted = if review.message.is_empty() {
            client.vote_only(&review).await
        } else {
            client.post(&review).await
        };
        let done = match posted.map_err(|error| not_now(&error))? {
            Posted::Now | Posted::Already => true,
            Posted::WithoutVotes { labels } => {
                let labels = labels.join(", ");
                tracing::warn!(project = %post.project, labels, "the project has no such label");
                true
            }
            Posted::NoChange | Posted::NoPatchSet => false,
            Posted::Closed { status, said } => {
                tracing::info!(number = %post.number, ?status, said, "the change is closed");
                false
            }
        };
        let project = post.project;
        Ok(Done::new(match rollout_of {
            Some(branch) => {
                let input = Box::new(BranchInput::Posted { effect });
                SubjectInput::Branch { project, branch, input }
            }
            None => {
                let input = Box::new(ReviewInput::Posted { effect, done });
                SubjectInput::Review { project, number: post.number, input }
            }
        }))
    }
}

/// A plan is for everybody who reviews; what only concerns the patch set, for its owner.
fn notify(tag: &str, message: &str) -> Notify {
    if message.is_empty() {
        Notify::None
    } else if tag == PUBLISH_TAG {
        Notify::OwnerReviewers
    } else {
        Notify::Owner
    }
}
