//! The state machine that finds what events missed: it remembers the tips and open changes of one
//! project, and has a change looked at again when one of them moved.

use crate::advance::{Action, Effect, EffectId, Wishes};
use crate::ids::{ChangeNumber, Project, RefName, Revision, ServerId};
use crate::settings::{Floor, Settings, SettingsLayer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is remembered of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The number of this form: [`Watch::SCHEMA`].
    pub schema: u32,
    /// The server.
    pub server: ServerId,
    /// The project.
    pub project: Project,
    /// How many effects were made so far.
    pub made: u64,
    /// The read that is under way.
    pub reading: Option<EffectId>,
    /// Whether something happened since it began.
    pub again: bool,
    /// The commit of each settings file, from the root of the inheritance down.
    pub settings: Vec<(Project, Revision)>,
    /// The tips of the branches that stacks are claimed on.
    pub tips: BTreeMap<RefName, Revision>,
    /// The open changes to those branches.
    pub open: BTreeMap<ChangeNumber, OpenChange>,
}

impl Watch {
    /// The number of the present form.
    pub const SCHEMA: u32 = 1;
}

/// An open change, as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OpenChange {
    /// The branch that it goes to.
    pub branch: RefName,
    /// The tip of its history.
    pub meta: Revision,
}

/// What happens to a watched project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum WatchInput {
    /// It may have changed.
    Hint {
        /// The server.
        server: ServerId,
        /// The project.
        project: Project,
    },
    /// It was read.
    Read {
        /// The effect that read it.
        effect: EffectId,
        /// Its settings.
        settings: Vec<SettingsLayer>,
        /// The tips of all its branches.
        branches: BTreeMap<RefName, Revision>,
        /// All its open changes.
        open: BTreeMap<ChangeNumber, OpenChange>,
    },
    /// It does not exist, or can't be seen.
    Gone {
        /// The effect that tried.
        effect: EffectId,
    },
}

/// Reading a project comes before new previews and after what finishes a look.
const PRIORITY_READ: i64 = 40;
/// A nudge is a write to our own store.
const PRIORITY_NUDGE: i64 = 70;

/// Takes one input.
///
/// # Errors
/// A sentence, if a project that was never hinted at was read.
pub(crate) fn advance(
    state: Option<Watch>,
    input: WatchInput,
    wishes: &mut Wishes,
) -> Result<Watch, String> {
    match (state, input) {
        (None, WatchInput::Hint { server, project }) => {
            let mut watch = Watch {
                schema: Watch::SCHEMA,
                server,
                project,
                made: 0,
                reading: None,
                again: false,
                settings: Vec::new(),
                tips: BTreeMap::new(),
                open: BTreeMap::new(),
            };
            watch.read(wishes);
            Ok(watch)
        }
        (None, WatchInput::Read { .. } | WatchInput::Gone { .. }) => {
            Err("watch: a project was read that nobody asked for".to_owned())
        }
        (Some(mut watch), WatchInput::Hint { .. }) => {
            if watch.reading.is_some() {
                watch.again = true;
            } else {
                watch.read(wishes);
            }
            Ok(watch)
        }
        (Some(mut watch), WatchInput::Read { effect, settings, branches, open }) => {
            if watch.ends(&effect) {
                watch.compare(&settings, &branches, open, wishes);
                watch.read_again(wishes);
            }
            Ok(watch)
        }
        (Some(mut watch), WatchInput::Gone { effect }) => {
            if watch.ends(&effect) {
                watch.read_again(wishes);
            }
            Ok(watch)
        }
    }
}

impl Watch {
    fn effect(&mut self, action: Action, priority: i64) -> Effect {
        self.made += 1;
        let key = format!("{}/{}", self.server, self.project);
        Effect { id: EffectId(format!("{key}#{}", self.made)), priority, lane: None, action }
    }

    fn read(&mut self, wishes: &mut Wishes) {
        let effect =
            self.effect(Action::ReadProject { project: self.project.clone() }, PRIORITY_READ);
        self.reading = Some(effect.id.clone());
        self.again = false;
        wishes.effects.push(effect);
    }

    fn read_again(&mut self, wishes: &mut Wishes) {
        if self.again {
            self.read(wishes);
        }
    }

    /// Whether `effect` is the read that is under way; it is not any more.
    fn ends(&mut self, effect: &EffectId) -> bool {
        let ends = self.reading.as_ref() == Some(effect);
        if ends {
            self.reading = None;
        }
        ends
    }

    /// Has every change looked at again that what was read may matter to.
    #[inline(never)]
    fn compare(
        &mut self,
        layers: &[SettingsLayer],
        branches: &BTreeMap<RefName, Revision>,
        open: BTreeMap<ChangeNumber, OpenChange>,
        wishes: &mut Wishes,
    ) {
        let commits: Vec<_> =
            layers.iter().map(|layer| (layer.project.clone(), layer.commit.clone())).collect();
        let new_settings = commits != self.settings;
        // Settings that can't be read guard every branch: each change is told so.
        let settings = Settings::read(layers, &Floor::default()).ok();
        let ours = |branch: &RefName| {
            settings.as_ref().is_none_or(|settings| settings.on_branch(branch).next().is_some())
        };
        let tips: BTreeMap<_, _> = branches
            .iter()
            .filter(|(branch, _)| ours(branch))
            .map(|(branch, tip)| (branch.clone(), tip.clone()))
            .collect();
        let now: BTreeMap<_, _> = open.iter().filter(|(_, change)| ours(&change.branch)).collect();
        let mut nudged: Vec<ChangeNumber> = Vec::new();
        for (number, change) in &now {
            let moved = tips.get(&change.branch) != self.tips.get(&change.branch);
            if new_settings || moved || self.open.get(number) != Some(*change) {
                nudged.push(**number);
            }
        }
        // One that is no longer open was submitted, abandoned, moved, hidden or deleted.
        nudged.extend(self.open.keys().filter(|number| !now.contains_key(number)));
        let now = now.into_iter().map(|(number, change)| (*number, change.clone())).collect();
        for number in nudged {
            let action = Action::Nudge { project: self.project.clone(), number };
            let effect = self.effect(action, PRIORITY_NUDGE);
            wishes.effects.push(effect);
        }
        for branch in tips.keys().cloned() {
            let action = Action::NudgeBranch { project: self.project.clone(), branch };
            let effect = self.effect(action, PRIORITY_NUDGE);
            wishes.effects.push(effect);
        }
        self.settings = commits;
        self.tips = tips;
        self.open = now;
    }
}
