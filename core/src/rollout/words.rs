//! What operators say about a rollout, on its changes.

use super::judge::Known;
use super::{Branch, Ending, Hold, Next, Progress, StackRollout};
use crate::advance::Wishes;
use crate::change::Message;
use crate::ids::{AccountId, ChangeNumber, StackId};
use crate::settings::Settings;
use std::collections::BTreeMap;

/// Tries a held stack again: `Tidegate-Retry: [STACK] REASON`.
pub const RETRY_LINE: &str = "Tidegate-Retry:";
/// Gives a rollout up, or one stack of it: `Tidegate-Abort: [STACK] REASON`.
pub const ABORT_LINE: &str = "Tidegate-Abort:";
/// Lets a rollout go on past a commit that came past review, or a wave that was not deployed:
/// `Tidegate-Release: REASON`. It replaces no approval.
pub const RELEASE_LINE: &str = "Tidegate-Release:";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Retry,
    Abort,
    Release,
}

struct Word<'a> {
    verb: Verb,
    /// The stack that it names; all of the rollout's otherwise.
    stack: Option<StackId>,
    reason: &'a str,
    account: AccountId,
}

impl Branch {
    /// Acts on what operators have said since the last read.
    #[inline(never)]
    pub(super) fn hear(
        &mut self,
        settings: &Settings,
        known: &BTreeMap<ChangeNumber, Known<'_>>,
        wishes: &mut Wishes,
    ) {
        for at in 0..self.rollouts.len() {
            let Some(rollout) = self.rollouts.get(at).filter(|rollout| !rollout.is_over()) else {
                continue;
            };
            for number in rollout.changes.clone() {
                let Some(known) = known.get(&number) else { continue };
                for message in &known.change.messages {
                    if !self.heard.insert((number, message.place)) {
                        continue;
                    }
                    let Some(account) = operator(message, known, settings) else { continue };
                    for word in self.words(at, &message.text, account) {
                        self.act(at, &word, known, wishes);
                    }
                }
            }
        }
    }

    fn words<'a>(&self, at: usize, text: &'a str, account: AccountId) -> Vec<Word<'a>> {
        let verbs =
            [(RETRY_LINE, Verb::Retry), (ABORT_LINE, Verb::Abort), (RELEASE_LINE, Verb::Release)];
        let mut words = Vec::new();
        for line in text.lines().map(str::trim) {
            let said =
                verbs.iter().find_map(|(key, verb)| Some((*verb, line.strip_prefix(key)?.trim())));
            let Some((verb, said)) = said else { continue };
            let (first, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
            let stack = first.parse().ok().filter(|stack: &StackId| {
                let rollout = self.rollouts.get(at);
                rollout.is_some_and(|rollout| rollout.stacks.contains_key(stack))
            });
            let reason = if stack.is_some() { rest.trim() } else { said };
            // A word without a reason is none: somebody will ask for it later.
            if !reason.is_empty() {
                words.push(Word { verb, stack, reason, account });
            }
        }
        words
    }

    #[inline(never)]
    fn act(&mut self, at: usize, word: &Word<'_>, known: &Known<'_>, wishes: &mut Wishes) {
        let code = match word.verb {
            Verb::Retry => "retry",
            Verb::Abort => "abort",
            Verb::Release => "release",
        };
        let mut entry = self.entry(code);
        entry.account = Some(word.account);
        let Some(rollout) = self.rollouts.get_mut(at) else { return };
        entry.ids.insert("revision".to_owned(), rollout.revision.to_string());
        let all = "all".to_owned();
        entry.ids.insert("stack".to_owned(), word.stack.as_ref().map_or(all, ToString::to_string));
        wishes.log.push(entry);
        if word.verb == Verb::Release {
            rollout.released = true;
        }
        for (stack, open) in &mut rollout.stacks {
            if word.stack.as_ref().is_some_and(|named| named != stack) {
                continue;
            }
            match word.verb {
                Verb::Release => {}
                Verb::Abort => {
                    open.end(Ending::Aborted { reason: word.reason.to_owned() });
                }
                Verb::Retry => retry(stack, open, known),
            }
        }
    }
}

/// Lets a held stack wait for its turn again, with the plan of its review: what stood against it
/// may be gone.
fn retry(stack: &StackId, open: &mut StackRollout, known: &Known<'_>) {
    let Progress::Held { hold: Hold { next, .. } } = &open.progress else { return };
    match next {
        Next::Operator | Next::Approval => {
            if let Some(offer) = known.offer(stack) {
                open.offer = Some(offer);
            }
            open.progress = Progress::Waiting { reasons: Vec::new() };
        }
        Next::Plan | Next::Preview { .. } => {}
    }
}

/// The operator who wrote a message, if one did.
fn operator(message: &Message, known: &Known<'_>, settings: &Settings) -> Option<AccountId> {
    let account = message.author.filter(|_| !message.impersonated)?;
    let facts = known.merged.facts.accounts.get(&account)?;
    let group = settings.operators.as_ref()?;
    (facts.active && !facts.service && facts.groups.contains(group)).then_some(account)
}
