//! Less is never more: what takes something away from a decision never makes a change submittable.

use crate::cases::all;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::FileFailurePersistence;
use std::sync::LazyLock;
use tidegate_core::decide::{Case, DecideInput, decide};
use tidegate_core::facts::ChangeFacts;
use tidegate_core::ids::{AccountId, Revision};
use tidegate_core::meta_log::MetaCommit;
use tidegate_core::record::{Look, Record, StackLook};
use tidegate_core::verdict::{Code, Reason};

/// Something that is taken away, or that speaks against the change. An index picks one of many.
#[derive(Clone, Debug)]
enum Loss {
    Vote(Index),
    Reviewer(Index),
    Account(Index),
    AccountIsInactive(Index),
    AccountIsAService(Index),
    Group(Index, Index),
    Label(Index),
    PatchSet(Index),
    Record,
    Contributor(Index, Index),
    Finding,
    Look(WorseLook),
    Stack(Index, Option<WorseStack>),
    Footer(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum WorseLook {
    AffectsNothing,
    NotPreviewed,
}

#[derive(Clone, Copy, Debug)]
enum WorseStack {
    Running,
    Failed,
    Unpublished,
}

fn losses() -> impl Strategy<Value = Loss> {
    let index = any::<Index>;
    let worse = prop::sample::select(vec![
        None,
        Some(WorseStack::Running),
        Some(WorseStack::Failed),
        Some(WorseStack::Unpublished),
    ]);
    let footers = vec!["Work-in-progress: true", "Private: true", "Status: abandoned"];
    prop_oneof![
        index().prop_map(Loss::Vote),
        index().prop_map(Loss::Reviewer),
        index().prop_map(Loss::Account),
        index().prop_map(Loss::AccountIsInactive),
        index().prop_map(Loss::AccountIsAService),
        (index(), index()).prop_map(|(account, group)| Loss::Group(account, group)),
        index().prop_map(Loss::Label),
        index().prop_map(Loss::PatchSet),
        Just(Loss::Record),
        (index(), index()).prop_map(|(patch_set, account)| Loss::Contributor(patch_set, account)),
        Just(Loss::Finding),
        prop::sample::select(vec![WorseLook::AffectsNothing, WorseLook::NotPreviewed])
            .prop_map(Loss::Look),
        (index(), worse).prop_map(|(stack, worse)| Loss::Stack(stack, worse)),
        prop::sample::select(footers).prop_map(Loss::Footer),
    ]
}

/// The committed changes that can be read.
static CHANGES: LazyLock<Vec<DecideInput>> = LazyLock::new(|| {
    let inputs = all().into_iter().filter(|case| case.verb == "decide");
    inputs
        .filter_map(|case| serde_json::from_slice::<DecideInput>(&case.input).ok())
        .filter(|input| matches!(input.case, Case::Change(_)))
        .collect()
});

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_that_is_lost_makes_a_change_submittable(
        change in any::<Index>(),
        losses in prop::collection::vec(losses(), 1..5),
    ) {
        let mut input = change.get(&CHANGES).clone();
        let mut before = decide(&input);
        for loss in &losses {
            let Case::Change(facts) = &mut input.case else { unreachable!("only changes") };
            lose(facts, loss);
            let after = decide(&input);
            prop_assert!(
                before.submittable || !after.submittable,
                "{loss:?} turned {before:#?} into {after:#?}",
            );
            before = after;
        }
    }
}

#[test]
fn the_corpus_has_changes_that_can_be_submitted_and_others() {
    let passing = CHANGES.iter().filter(|input| decide(input).submittable).count();
    assert!(passing >= 5 && CHANGES.len() - passing >= 20, "{passing} of {}", CHANGES.len());
}

fn lose(facts: &mut ChangeFacts, loss: &Loss) {
    match loss {
        Loss::Vote(index) => take_back(facts, index),
        Loss::Reviewer(index) => {
            if let Some(account) = pick(facts.accounts.keys(), index) {
                say(facts, None, &format!("Removed: Somebody <{account}@{}>", facts.server));
            }
        }
        Loss::Account(index) => {
            if let Some(account) = pick(facts.accounts.keys(), index) {
                facts.accounts.remove(&account);
            }
        }
        Loss::AccountIsInactive(index) => {
            if let Some(account) = pick_mut(facts.accounts.values_mut(), index) {
                account.active = false;
            }
        }
        Loss::AccountIsAService(index) => {
            if let Some(account) = pick_mut(facts.accounts.values_mut(), index) {
                account.service = true;
            }
        }
        Loss::Group(account, group) => {
            if let Some(account) = pick_mut(facts.accounts.values_mut(), account)
                && let Some(group) = pick(account.groups.iter(), group)
            {
                account.groups.remove(&group);
            }
        }
        Loss::Label(index) => {
            if let Some(label) = pick(facts.labels.keys(), index) {
                facts.labels.remove(&label);
            }
        }
        Loss::PatchSet(index) => {
            if let Some(patch_set) = pick(facts.patch_sets.keys(), index) {
                facts.patch_sets.remove(&patch_set);
            }
        }
        Loss::Record => facts.record = None,
        Loss::Contributor(patch_set, account) => {
            let account = pick(facts.accounts.keys(), account).unwrap_or(AccountId(1));
            if let Some(patch_set) = pick_mut(facts.patch_sets.values_mut(), patch_set) {
                patch_set.contributors.insert(account);
            }
        }
        Loss::Footer(footer) => say(facts, None, footer),
        Loss::Finding => worsen(facts, |look| {
            if let Look::Previewed { findings, .. } = look {
                findings.push(Reason::new(Code::PolicyFinding, "a policy objects", "mend it"));
            }
        }),
        Loss::Look(worse) => worsen(facts, |look| {
            *look = match worse {
                WorseLook::AffectsNothing => Look::AffectsNothing,
                WorseLook::NotPreviewed => Look::NotPreviewed { reasons: Vec::new() },
            };
        }),
        Loss::Stack(index, worse) => worsen(facts, |look| {
            let Look::Previewed { stacks, .. } = look else { return };
            let Some(stack) = pick(stacks.keys(), index) else { return };
            let reason = Reason::new(Code::PreviewFailed, "the program failed", "mend it");
            match worse {
                None => stacks.remove(&stack),
                Some(WorseStack::Running) => stacks.insert(stack, StackLook::Running),
                Some(WorseStack::Failed) => stacks.insert(stack, StackLook::Failed { reason }),
                Some(WorseStack::Unpublished) => stacks.insert(stack, StackLook::Unpublished),
            };
        }),
    }
}

/// Takes a vote of the history back, as Gerrit writes it down.
fn take_back(facts: &mut ChangeFacts, index: &Index) {
    let votes = facts.meta.commits.iter().flat_map(|commit| {
        let lines = commit.message.lines().filter_map(|line| line.strip_prefix("Label: "));
        lines.filter_map(|line| Some((commit.author.clone(), line.split_once("=+")?.0.to_owned())))
    });
    let votes: Vec<_> = votes.collect();
    if let Some((author, label)) = pick(votes.iter(), index) {
        say(facts, Some(author), &format!("Label: -{label}"));
    }
}

/// Appends an entry with a footer to the history.
fn say(facts: &mut ChangeFacts, author: Option<String>, footer: &str) {
    let Some(last) = facts.meta.commits.last() else { return };
    let number = facts.meta.commits.iter().rev().find_map(|commit| {
        commit.message.lines().find_map(|line| line.strip_prefix("Patch-set: "))
    });
    let message = format!("Update\n\nPatch-set: {}\n{footer}\n", number.unwrap_or("1"));
    let id: Revision = format!("{:040x}", 0xf000 + facts.meta.commits.len()).parse().unwrap();
    let author = author.unwrap_or_else(|| last.author.clone());
    facts.meta.tip = id.clone();
    facts.meta.commits.push(MetaCommit { id, author, time: 0, message });
}

fn worsen(facts: &mut ChangeFacts, how: impl FnOnce(&mut Look)) {
    let Some(found) = &mut facts.record else { return };
    // A record that can't be read is refused before and after.
    let Ok(mut record) = serde_json::from_str::<Record>(&found.text) else { return };
    how(&mut record.look);
    found.text = serde_json::to_string(&record).unwrap();
}

fn pick<'a, T: Clone + 'a>(all: impl ExactSizeIterator<Item = &'a T>, index: &Index) -> Option<T> {
    let mut all = all;
    (all.len() > 0).then(|| all.nth(index.index(all.len())).cloned()).flatten()
}

fn pick_mut<'a, T: 'a>(
    mut all: impl ExactSizeIterator<Item = &'a mut T>,
    index: &Index,
) -> Option<&'a mut T> {
    if all.len() == 0 {
        return None;
    }
    let place = index.index(all.len());
    all.nth(place)
}
