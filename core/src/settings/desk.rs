//! Collects the problems of one file while it is read, so that people see all of them at once.

use super::{Fault, PROBLEMS, Place, Problem};
use crate::ids::Project;

/// Problems so far, over all layers.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) kept: Vec<Problem>,
    pub(super) more: usize,
}

/// Takes problems of one layer's file.
pub(super) struct Desk<'a> {
    project: &'a Project,
    text: &'a str,
    problems: &'a mut Problems,
    /// How many problems farther files had.
    before: usize,
}

impl<'a> Desk<'a> {
    pub(super) fn new(project: &'a Project, text: &'a str, problems: &'a mut Problems) -> Self {
        let before = problems.kept.len();
        Self { project, text, problems, before }
    }

    /// Reports what is wrong at a byte offset of the file.
    #[inline(never)]
    pub(super) fn report(&mut self, at: usize, fault: Fault) {
        if self.has_room() {
            let place = Some(self.place(at));
            self.keep(place, fault);
        } else {
            self.problems.more += 1;
        }
    }

    /// Reports what is wrong with the file as a whole.
    #[inline(never)]
    pub(super) fn report_whole(&mut self, fault: Fault) {
        if self.has_room() {
            self.keep(None, fault);
        } else {
            self.problems.more += 1;
        }
    }

    /// Reports that what stands at `at` stood at `first` before.
    #[inline(never)]
    pub(super) fn report_twice(&mut self, at: usize, what: String, first: usize) {
        // Each line number costs a walk through the text.
        let first = if self.has_room() { self.place(first).line } else { 0 };
        self.report(at, Fault::Twice { what, first });
    }

    /// Puts the problems of this file into the order of its text. Without it, they stand in the
    /// order in which they were found.
    #[inline(never)]
    pub(super) fn close(self) {
        if let Some(own) = self.problems.kept.get_mut(self.before..) {
            own.sort_by_key(|problem| problem.place);
        }
    }

    fn has_room(&self) -> bool {
        self.problems.kept.len() < PROBLEMS
    }

    fn keep(&mut self, place: Option<Place>, fault: Fault) {
        let project = self.project.clone();
        self.problems.kept.push(Problem { project, file: "tidegate.toml", place, fault });
    }

    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|b| *b == b'\n').count();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count());
        let one_based = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        Place { line: one_based(line), column: one_based(column) }
    }
}
