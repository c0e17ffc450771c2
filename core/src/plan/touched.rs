//! Which changed paths touch one stack.

use super::prefixes::{Hits, Prefixes, stack_file};
use super::{REASONS, Reason};
use crate::settings::{Claim, RepoPath};
use std::collections::BTreeSet;

/// The paths that touch one stack, as reasons.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) reasons: Vec<Reason>,
    /// How many paths touch the stack, told or not.
    count: u32,
}

impl Touched {
    /// Finds what touches the stack of `claim`. The work is that of the claim's own prefixes,
    /// however many paths lie below them.
    #[inline(never)]
    pub(super) fn find(claim: &Claim, prefixes: &Prefixes<'_>) -> Self {
        let mut touched = Self::default();
        let own = touched.take_own(claim, prefixes);
        let mut above: BTreeSet<&str> = own.above.into_iter().collect();
        for input in outermost(&claim.inputs) {
            let rest = claim.path.holds(input);
            let is_inside = rest.is_some_and(|rest| !rest.is_empty());
            let foreign = rest.and_then(stack_file).is_some_and(|s| s != claim.stack.as_str());
            if is_inside && !foreign {
                // All below it was taken as the stack's own.
                continue;
            }
            if let Some(path) = prefixes.above(input)
                && claim.path.below(path).is_none()
                && above.insert(path)
            {
                touched.add(1);
                touched.tell(Reason::Input { path: path.to_owned(), prefix: input.clone() });
            }
            touched.take_input(claim, input, prefixes, &own);
        }
        touched
    }

    /// Whether nothing touches the stack.
    pub(super) fn is_nothing(&self) -> bool {
        self.reasons.is_empty()
    }

    /// How many paths there are beside those of the reasons.
    pub(super) fn more_paths(&self) -> u32 {
        self.count.saturating_sub(u32::try_from(self.reasons.len()).unwrap_or(u32::MAX))
    }

    #[inline(never)]
    fn take_own<'p>(&mut self, claim: &Claim, prefixes: &Prefixes<'p>) -> Own<'p> {
        let mut own = Own { above: prefixes.above(&claim.path), count: 0 };
        if let Some(path) = own.above {
            self.add(1);
            self.tell(Reason::Own { path: path.to_owned() });
        }
        let Some(found) = prefixes.below(&claim.path) else { return own };
        if let Some(files) = found.stack_files.get(claim.stack.as_str()) {
            own.count = own.count.saturating_add(files.count);
            self.take(files, |path| Some(Reason::StackFile { path }));
        }
        own.count = own.count.saturating_add(found.plain.count);
        self.take(&found.plain, |path| Some(Reason::Own { path }));
        own
    }

    #[inline(never)]
    fn take_input(
        &mut self,
        claim: &Claim,
        input: &RepoPath,
        prefixes: &Prefixes<'_>,
        own: &Own<'_>,
    ) {
        let Some(found) = prefixes.below(input) else { return };
        let holds_own = input.holds(&claim.path).is_some();
        if holds_own {
            // What was taken as the stack's own is below the input once more.
            let above = own.above.is_some_and(|path| input.below(path).is_some());
            self.count = self.count.saturating_sub(own.count.saturating_add(u32::from(above)));
        }
        self.take(&found.all, |path| {
            let taken = holds_own && (is_own(claim, &path) || own.above == Some(path.as_str()));
            (!taken).then(|| Reason::Input { path, prefix: input.clone() })
        });
    }

    /// Counts all hits, and tells the first ones that make a reason.
    fn take(&mut self, hits: &Hits<'_>, reason: impl Fn(String) -> Option<Reason>) {
        self.add(hits.count);
        for reason in hits.first.iter().filter_map(|path| reason((*path).to_owned())) {
            self.tell(reason);
        }
    }

    fn add(&mut self, paths: u32) {
        self.count = self.count.saturating_add(paths);
    }

    fn tell(&mut self, reason: Reason) {
        if self.reasons.len() < REASONS {
            self.reasons.push(reason);
        }
    }
}

/// What was taken as a stack's own.
struct Own<'p> {
    /// A changed path on the way to its folder.
    above: Option<&'p str>,
    /// How many paths there are in its folder, without other stacks' files.
    count: u32,
}

/// The inputs that no other input holds.
fn outermost(inputs: &BTreeSet<RepoPath>) -> Vec<&RepoPath> {
    let mut sorted: Vec<&RepoPath> = inputs.iter().collect();
    // By parts and not by text, so that each follows the one that holds it: `a`, `a/b`, `a-b`.
    sorted.sort_by(|a, b| a.parts().cmp(b.parts()));
    let mut outermost: Vec<&RepoPath> = Vec::new();
    for input in sorted {
        if outermost.last().is_none_or(|last| last.holds(input).is_none()) {
            outermost.push(input);
        }
    }
    outermost
}

fn is_own(claim: &Claim, path: &str) -> bool {
    let rest = claim.path.below(path);
    rest.is_some_and(|rest| stack_file(rest).is_none_or(|stack| stack == claim.stack.as_str()))
}
