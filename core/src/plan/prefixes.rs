//! Sorts changed paths under the folders and files that claims name.
//!
//! A tree of path parts, so that each path is walked once whatever the number of claims: the work is
//! that of reading the paths, not paths times stacks.

use super::REASONS;
use crate::settings::{Claim, RepoPath, add, put};
use std::collections::{BTreeMap, BTreeSet};

/// The tree of all prefixes, with what was found below each.
pub(super) struct Prefixes<'a> {
    nodes: Vec<Node<'a>>,
    #[cfg(test)]
    pub(super) visited: usize,
}

/// One part of a prefix.
#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<&'a str, usize>,
    /// The stacks whose program lies in this folder, by their own names.
    programs: BTreeSet<&'a str>,
    /// Whether it is an input of a claim.
    is_input: bool,
    found: Found<'a>,
    /// The changed path that is this very part of a prefix.
    exact: Option<&'a str>,
}

/// The changed paths below one folder.
#[derive(Default)]
pub(super) struct Found<'a> {
    /// All of them.
    pub(super) all: Hits<'a>,
    /// All but stack files directly in the folder.
    pub(super) plain: Hits<'a>,
    /// Stack files directly in the folder, by the stack's own name.
    pub(super) stack_files: BTreeMap<&'a str, Hits<'a>>,
}

/// Some paths, of which only the first are kept.
#[derive(Clone, Default)]
pub(super) struct Hits<'a> {
    pub(super) count: u32,
    pub(super) first: Vec<&'a str>,
}

impl<'a> Hits<'a> {
    pub(super) fn add(&mut self, path: &'a str) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < REASONS {
            self.first.push(path);
        }
    }
}

impl<'a> Found<'a> {
    #[inline(never)]
    fn add_stack_file(&mut self, stack: &'a str, path: &'a str) {
        match self.stack_files.get_mut(stack) {
            Some(hits) => hits.add(path),
            None => {
                let mut hits = Hits::default();
                hits.add(path);
                put(&mut self.stack_files, stack, hits);
            }
        }
    }
}

impl<'a> Prefixes<'a> {
    /// The tree of the paths and inputs of `claims`.
    #[inline(never)]
    pub(super) fn new(claims: &[&'a Claim]) -> Self {
        let mut tree = Self {
            nodes: vec![Node::default()],
            #[cfg(test)]
            visited: 0,
        };
        for claim in claims {
            if let Some(node) = tree.make(&claim.path) {
                add(&mut node.programs, claim.stack.as_str());
            }
            for input in &claim.inputs {
                if let Some(node) = tree.make(input) {
                    node.is_input = true;
                }
            }
        }
        tree
    }

    /// Sorts a changed path in; says whether it touches any stack. Paths come sorted and once.
    #[inline(never)]
    pub(super) fn add(&mut self, path: &'a str) -> bool {
        if !is_tree_path(path) {
            return false;
        }
        let mut touches = false;
        let mut rest = path;
        let mut at = 0;
        loop {
            let Some(node) = self.nodes.get_mut(at) else { return touches };
            #[cfg(test)]
            {
                self.visited += 1;
            }
            touches |= node.take(path, rest);
            if rest.is_empty() {
                return touches;
            }
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            let Some(child) = node.children.get(part) else { return touches };
            (at, rest) = (*child, after);
        }
    }

    /// What was found below a claim's prefix.
    pub(super) fn below(&self, prefix: &RepoPath) -> Option<&Found<'a>> {
        let mut node = self.nodes.first()?;
        for part in prefix.parts() {
            node = self.nodes.get(*node.children.get(part)?)?;
        }
        Some(&node.found)
    }

    /// A changed path that lies on the way to `prefix`: a submodule, or a file or link in the place
    /// of a folder. Git lists that path only, so it stands for all below it.
    pub(super) fn above(&self, prefix: &RepoPath) -> Option<&'a str> {
        let mut node = self.nodes.first()?;
        for part in prefix.parts() {
            if node.exact.is_some() {
                return node.exact;
            }
            node = self.nodes.get(*node.children.get(part)?)?;
        }
        None
    }

    #[inline(never)]
    fn make(&mut self, prefix: &'a RepoPath) -> Option<&mut Node<'a>> {
        let mut at = 0;
        for part in prefix.parts() {
            let next = self.nodes.len();
            let node = self.nodes.get_mut(at)?;
            at = match node.children.get(part) {
                Some(child) => *child,
                None => {
                    put(&mut node.children, part, next);
                    self.nodes.push(Node::default());
                    next
                }
            };
        }
        self.nodes.get_mut(at)
    }
}

impl<'a> Node<'a> {
    /// Takes a path that lies below this node, or is it; says whether it touches any stack.
    fn take(&mut self, path: &'a str, rest: &'a str) -> bool {
        let is_exact = rest.is_empty();
        if is_exact {
            self.exact = Some(path);
        }
        let found = &mut self.found;
        if self.is_input || !self.programs.is_empty() {
            found.all.add(path);
        }
        if self.programs.is_empty() {
            return self.is_input || is_exact;
        }
        match stack_file(rest) {
            Some(stack) => {
                found.add_stack_file(stack, path);
                self.is_input || self.programs.contains(stack)
            }
            None => {
                found.plain.add(path);
                true
            }
        }
    }
}

/// The stack whose file `name` is, by Pulumi's naming (`Pulumi.<stack>.yaml`, and `.yml` or `.json`
/// beside a project file that ends so).
pub(super) fn stack_file(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("Pulumi.")?;
    let stack = [".yaml", ".yml", ".json"].iter().find_map(|end| rest.strip_suffix(end))?;
    (!stack.is_empty() && !stack.contains('/')).then_some(stack)
}

/// Whether git could hold `path` in a tree.
pub(super) fn is_tree_path(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
