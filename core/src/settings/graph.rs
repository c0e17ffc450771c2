//! The order that references and environments put stacks in.

use super::put;
use crate::ids::StackId;
use std::collections::{BTreeMap, BTreeSet};

/// Which stacks a stack reads the outputs of.
pub type References = BTreeMap<StackId, BTreeSet<StackId>>;

/// Why stacks can't be put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// Each reads the next one, and the last one reads the first. Starts with the smallest id.
    Cycle(Vec<StackId>),
    /// The first stack reads the second, whose environment comes later.
    AgainstEnvironments(StackId, StackId),
}

/// Puts stacks into waves: all of a lower rank before any of a higher one, and within a rank each
/// stack after those that it reads. References to stacks without a rank don't matter. The work is
/// that of sorting stacks and references.
///
/// # Errors
/// When references go round in a circle, or from a lower rank to a higher one.
#[inline(never)]
pub fn waves(
    ranks: &BTreeMap<StackId, u32>,
    reads: &References,
) -> Result<Vec<Vec<StackId>>, Disorder> {
    let nodes = nodes(ranks, reads);
    let mut by_rank: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let read = node.reads.iter().filter_map(|read| nodes.get(*read));
        if let Some(read) = read.into_iter().find(|read| read.rank > node.rank) {
            return Err(Disorder::AgainstEnvironments(node.id.clone(), read.id.clone()));
        }
        match by_rank.get_mut(&node.rank) {
            Some(stacks) => stacks.push(i),
            None => {
                put(&mut by_rank, node.rank, vec![i]);
            }
        }
    }
    let mut waves = Vec::new();
    for stacks in by_rank.into_values() {
        layer(&stacks, &nodes, &mut waves)?;
    }
    Ok(waves)
}

/// A circle as a sentence: `a reads b, b reads a`.
#[must_use]
pub fn circle(cycle: &[StackId]) -> String {
    let next = cycle.iter().cycle().skip(1);
    let steps = cycle.iter().zip(next).map(|(reader, read)| format!("{reader} reads {read}"));
    steps.collect::<Vec<_>>().join(", ")
}

/// A reference against the order of environments as a sentence.
#[must_use]
pub fn against(reader: &StackId, early: &str, read: &StackId, late: &str) -> String {
    format!(
        "{reader} (environment {early}) reads {read} (environment {late}), but {early} is rolled \
         out before {late}: remove the reference, or move a stack or an environment"
    )
}

/// A stack, with the places of what it reads and of who reads it, in the order of ids.
struct Node<'a> {
    id: &'a StackId,
    rank: u32,
    reads: Vec<usize>,
    readers: Vec<usize>,
}

#[inline(never)]
fn nodes<'a>(ranks: &'a BTreeMap<StackId, u32>, reads: &References) -> Vec<Node<'a>> {
    let mut nodes: Vec<Node<'a>> = ranks
        .iter()
        .map(|(id, rank)| Node { id, rank: *rank, reads: Vec::new(), readers: Vec::new() })
        .collect();
    for reader in 0..nodes.len() {
        let Some(ids) = nodes.get(reader).and_then(|node| reads.get(node.id)) else { continue };
        for id in ids {
            let Ok(read) = nodes.binary_search_by(|node| node.id.cmp(id)) else { continue };
            if let Some(node) = nodes.get_mut(reader) {
                node.reads.push(read);
            }
            if let Some(node) = nodes.get_mut(read) {
                node.readers.push(reader);
            }
        }
    }
    nodes
}

/// Takes off, again and again, the stacks of one rank that read none of those that are left.
#[inline(never)]
fn layer(
    stacks: &[usize],
    nodes: &[Node<'_>],
    waves: &mut Vec<Vec<StackId>>,
) -> Result<(), Disorder> {
    // How many stacks of its rank each one still waits for; `None` for those that are done, and for
    // those of other ranks.
    let mut waiting: Vec<Option<usize>> = vec![None; nodes.len()];
    for stack in stacks {
        let is_here = |read: &&usize| stacks.binary_search(*read).is_ok();
        let reads = nodes.get(*stack).map(|node| node.reads.iter().filter(is_here).count());
        if let Some(slot) = waiting.get_mut(*stack) {
            *slot = reads;
        }
    }
    let mut left = stacks.len();
    let mut wave: Vec<usize> =
        stacks.iter().copied().filter(|stack| waiting.get(*stack) == Some(&Some(0))).collect();
    while !wave.is_empty() {
        left = left.saturating_sub(wave.len());
        let next = take_off(&wave, nodes, &mut waiting);
        let ids = wave.iter().filter_map(|stack| nodes.get(*stack));
        waves.push(ids.map(|node| node.id.clone()).collect());
        wave = next;
    }
    if left == 0 { Ok(()) } else { Err(Disorder::Cycle(cycle(nodes, &waiting))) }
}

/// Marks a wave as done, and finds who waits for nobody else.
#[inline(never)]
fn take_off(wave: &[usize], nodes: &[Node<'_>], waiting: &mut [Option<usize>]) -> Vec<usize> {
    let mut next = Vec::new();
    for stack in wave {
        if let Some(slot) = waiting.get_mut(*stack) {
            *slot = None;
        }
        for reader in nodes.get(*stack).into_iter().flat_map(|node| &node.readers) {
            if let Some(Some(count)) = waiting.get_mut(*reader) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    next.push(*reader);
                }
            }
        }
    }
    next.sort_unstable();
    next
}

/// Walks from reader to read until a stack comes again. Each one that waits reads another.
#[inline(never)]
fn cycle(nodes: &[Node<'_>], waiting: &[Option<usize>]) -> Vec<StackId> {
    let waits = |stack: &usize| waiting.get(*stack).is_some_and(Option::is_some);
    let mut walked: Vec<usize> = Vec::new();
    let mut seen: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut here = (0..nodes.len()).find(waits);
    while let Some((stack, node)) = here.and_then(|stack| Some((stack, nodes.get(stack)?))) {
        let slot = seen.get_mut(stack);
        if let Some(start) = slot.as_ref().and_then(|slot| **slot) {
            // Ids are in the order of places: the smallest place is the smallest id.
            let mut cycle: Vec<usize> = walked.into_iter().skip(start).collect();
            let smallest = cycle.iter().enumerate().min_by_key(|(_, at)| **at);
            let smallest = smallest.map_or(0, |(i, _)| i);
            cycle.rotate_left(smallest);
            walked = cycle;
            break;
        }
        if let Some(slot) = slot {
            *slot = Some(walked.len());
        }
        walked.push(stack);
        here = node.reads.iter().copied().find(waits);
    }
    walked.iter().filter_map(|stack| nodes.get(*stack)).map(|node| node.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn id(text: &str) -> StackId {
        text.parse().unwrap()
    }

    /// `a:0 b:1>a` are two stacks, of ranks 0 and 1, the second reading the first.
    fn graph(text: &str) -> (BTreeMap<StackId, u32>, References) {
        let mut ranks = BTreeMap::new();
        let mut reads = References::new();
        for word in text.split_whitespace() {
            let (stack, rest) = word.split_once(':').unwrap();
            let mut parts = rest.split('>');
            ranks.insert(id(stack), parts.next().unwrap().parse().unwrap());
            reads.insert(id(stack), parts.map(id).collect());
        }
        (ranks, reads)
    }

    fn told(text: &str) -> String {
        let (ranks, reads) = graph(text);
        match waves(&ranks, &reads) {
            Ok(waves) => {
                let waves = waves
                    .iter()
                    .map(|wave| wave.iter().map(StackId::as_str).collect::<Vec<_>>().join(","));
                waves.collect::<Vec<_>>().join(" | ")
            }
            Err(Disorder::Cycle(cycle)) => {
                let cycle: Vec<_> = cycle.iter().map(StackId::as_str).collect();
                format!("cycle {}", cycle.join(">"))
            }
            Err(Disorder::AgainstEnvironments(reader, read)) => format!("against {reader}>{read}"),
        }
    }

    #[rstest]
    #[case::none("", "")]
    #[case::unrelated("b:0 a:0", "a,b")]
    #[case::chain("a:0>b b:0>c c:0", "c | b | a")]
    #[case::diamond("top:0>l>r l:0>base r:0>base base:0", "base | l,r | top")]
    #[case::ranks_come_first("a:1 b:0", "b | a")]
    #[case::an_earlier_rank_is_there_already("a:1>b b:0", "b | a")]
    #[case::a_deep_chain_holds_the_next_rank("z:0>y y:0 a:1", "y | z | a")]
    #[case::strangers_do_not_matter("a:0>x b:0", "a,b")]
    #[case::two_in_a_circle("b:0>a a:0>b", "cycle a>b")]
    #[case::circle_behind_a_tail("a:0>c c:0>d d:0>b b:0>c", "cycle b>c>d")]
    #[case::reads_itself("a:0>a", "cycle a")]
    #[case::against_the_environments("a:0>b b:1", "against a>b")]
    fn stacks_come_after_what_they_read(#[case] stacks: &str, #[case] expected: &str) {
        assert_eq!(told(stacks), expected);
    }

    proptest! {
        #[test]
        fn every_stack_is_in_one_wave_after_what_it_reads(
            ranks in prop::collection::vec(0_u32..3, 0..20),
            edges in prop::collection::vec((0_usize..20, 0_usize..20), 0..40),
        ) {
            let name = |i: usize| id(&format!("s{i}"));
            let mut reads = References::new();
            for (reader, read) in edges {
                reads.entry(name(reader)).or_default().insert(name(read));
            }
            let ranks: BTreeMap<_, _> =
                ranks.into_iter().enumerate().map(|(i, rank)| (name(i), rank)).collect();
            match waves(&ranks, &reads) {
                Ok(waves) => {
                    let mut place = BTreeMap::new();
                    for (i, stack) in waves.iter().enumerate().flat_map(|(i, w)| w.iter().map(move |s| (i, s))) {
                        prop_assert!(place.insert(stack.clone(), i).is_none());
                    }
                    prop_assert_eq!(place.len(), ranks.len());
                    for (stack, at) in &place {
                        for read in reads.get(stack).into_iter().flatten() {
                            prop_assert!(place.get(read).is_none_or(|read_at| read_at < at));
                        }
                        for (other, other_at) in &place {
                            prop_assert!(ranks[stack] <= ranks[other] || other_at < at);
                        }
                    }
                }
                Err(Disorder::Cycle(cycle)) => {
                    for (i, stack) in cycle.iter().enumerate() {
                        prop_assert!(reads[stack].contains(&cycle[(i + 1) % cycle.len()]));
                    }
                }
                Err(Disorder::AgainstEnvironments(reader, read)) => {
                    prop_assert!(reads[&reader].contains(&read));
                    prop_assert!(ranks[&reader] < ranks[&read]);
                }
            }
        }
    }
}
