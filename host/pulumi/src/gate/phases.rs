//! What the gate has seen of a run, and whether what comes next is what has to come.
//!
//! A run is: one connection configures the pack for a preview, shows resources, and asks once; after
//! a yes another connection configures it for the update. Everything else is somebody else's doing,
//! and from then on nothing passes.

use serde_json::Value;
use std::collections::BTreeMap;

/// A connection to the gate, by its number.
pub(super) type Connection = u64;

/// How far the run is.
#[derive(Debug, Default)]
pub(super) struct Phases {
    phase: Phase,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Start,
    /// Resources by URN, as they were shown.
    Preview { by: Connection, shown: BTreeMap<String, Value> },
    /// The question was asked and isn't answered yet.
    Asked { by: Connection },
    /// The answer was yes.
    Passed { by: Connection },
    /// The update.
    Update { by: Connection },
    /// The answer was no, or something unexpected came. There is no way out.
    Closed { why: &'static str },
}

impl Phases {
    /// A pack is configured.
    pub(super) fn configure(
        &mut self,
        connection: Connection,
        is_preview: bool,
    ) -> Result<(), &'static str> {
        match (&self.phase, is_preview) {
            (Phase::Start, true) => {
                self.phase = Phase::Preview { by: connection, shown: BTreeMap::new() };
                Ok(())
            }
            (Phase::Passed { by }, false) if *by != connection => {
                self.phase = Phase::Update { by: connection };
                Ok(())
            }
            (Phase::Start | Phase::Preview { .. } | Phase::Asked { .. }, false) => {
                Err(self.close("an update began before the gate let it pass"))
            }
            _ => Err(self.close("the gate was configured a second time")),
        }
    }

    /// A resource is shown before its step. `Some` is a question in the update.
    pub(super) fn show(
        &mut self,
        connection: Connection,
        urn: String,
        resource: Value,
    ) -> Result<Option<Value>, &'static str> {
        match &mut self.phase {
            Phase::Preview { by, shown } if *by == connection => {
                match shown.get(&urn) {
                    Some(known) if *known != resource => {
                        return Err(self.close("a resource was shown twice, and differently"));
                    }
                    _ => drop(shown.insert(urn, resource)),
                }
                Ok(None)
            }
            Phase::Update { by } if *by == connection => Ok(Some(resource)),
            _ => Err(self.close("a resource was shown by somebody who had no business to")),
        }
    }

    /// The whole stack is shown. `Some` is the question, with what was shown before; `None` is the
    /// end of the update.
    pub(super) fn ask(
        &mut self,
        connection: Connection,
    ) -> Result<Option<BTreeMap<String, Value>>, &'static str> {
        match &mut self.phase {
            Phase::Preview { by, shown } if *by == connection => {
                let shown = std::mem::take(shown);
                self.phase = Phase::Asked { by: connection };
                Ok(Some(shown))
            }
            Phase::Update { by } if *by == connection => Ok(None),
            _ => Err(self.close("the gate was asked by somebody who had no business to")),
        }
    }

    /// The question is answered. A yes counts only if nothing came in between.
    pub(super) fn answer(&mut self, yes: bool) -> Result<(), &'static str> {
        match self.phase {
            Phase::Asked { by } if yes => {
                self.phase = Phase::Passed { by };
                Ok(())
            }
            Phase::Asked { .. } => Err(self.close("the steps are not the approved ones")),
            _ => Err(self.close("the gate was answered out of turn")),
        }
    }

    /// Nothing passes from here on. The first reason stays.
    pub(super) fn close(&mut self, because: &'static str) -> &'static str {
        if let Phase::Closed { why } = self.phase {
            return why;
        }
        self.phase = Phase::Closed { why: because };
        because
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Do {
        Configure(Connection, bool),
        Show(Connection),
        Ask(Connection),
        Answer(bool),
    }
    use Do::{Answer, Ask, Configure, Show};

    impl Phases {
        fn go(&mut self, what: Do) -> bool {
            match what {
                Configure(by, preview) => self.configure(by, preview).is_ok(),
                Show(by) => self.show(by, "urn:a".to_owned(), Value::Null).is_ok(),
                Ask(by) => self.ask(by).is_ok(),
                Answer(yes) => self.answer(yes).is_ok(),
            }
        }
    }

    const RUN: [Do; 7] =
        [Configure(1, true), Show(1), Ask(1), Answer(true), Configure(2, false), Show(2), Ask(2)];

    #[test]
    fn the_usual_run_passes() {
        let mut phases = Phases::default();
        assert!(RUN.into_iter().all(|what| phases.go(what)));
    }

    #[rstest]
    #[case::second_configuration(1, Configure(2, true))]
    #[case::second_configuration_on_one_connection(1, Configure(1, true))]
    #[case::update_without_a_question(1, Configure(2, false))]
    #[case::stranger_shows(1, Show(2))]
    #[case::stranger_asks(2, Ask(2))]
    #[case::second_question(3, Ask(1))]
    #[case::update_before_the_answer(3, Configure(2, false))]
    #[case::configured_while_it_holds(3, Configure(2, true))]
    #[case::no(3, Answer(false))]
    #[case::second_answer(4, Answer(true))]
    #[case::question_after_the_answer(4, Ask(1))]
    #[case::update_on_the_previews_connection(4, Configure(1, false))]
    #[case::second_update(5, Configure(3, false))]
    #[case::preview_in_the_update(5, Configure(3, true))]
    #[case::stranger_in_the_update(5, Show(1))]
    #[case::update_at_once(0, Configure(1, false))]
    #[case::shown_before_it_is_configured(0, Show(1))]
    fn what_is_unexpected_closes_the_gate_for_good(#[case] after: usize, #[case] what: Do) {
        let mut phases = Phases::default();
        assert!(RUN[..after].iter().all(|what| phases.go(*what)));
        assert!(!phases.go(what));
        for what in RUN {
            assert!(!phases.go(what), "{what:?}");
        }
    }

    #[test]
    fn one_urn_shown_in_two_ways_closes_the_gate() {
        let mut phases = Phases::default();
        phases.configure(1, true).unwrap();
        let mut show = |flag: bool| phases.show(1, "urn:a".to_owned(), Value::Bool(flag));
        assert!(show(true).is_ok() && show(true).is_ok() && show(false).is_err());
        assert!(show(true).is_err());
    }

    fn any_call() -> impl Strategy<Value = Do> {
        prop_oneof![
            (0..3u64, any::<bool>()).prop_map(|(by, preview)| Configure(by, preview)),
            (0..3u64).prop_map(Show),
            (0..3u64).prop_map(Ask),
            any::<bool>().prop_map(Answer),
        ]
    }

    proptest! {
        #[test]
        fn an_update_is_let_begin_at_most_once_and_only_after_a_yes(
            calls in proptest::collection::vec(any_call(), 0..24)
        ) {
            let mut phases = Phases::default();
            let (mut said_yes, mut begun) = (0, 0);
            for call in calls {
                let passed = phases.go(call);
                match call {
                    Answer(true) if passed => said_yes += 1,
                    Configure(_, false) if passed => {
                        begun += 1;
                        prop_assert_eq!(said_yes, 1);
                    }
                    _ => {}
                }
            }
            prop_assert!(said_yes <= 1 && begun <= said_yes);
        }
    }
}
