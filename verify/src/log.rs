//! The verification of a log, and of a proof by itself.

use crate::blame::judge;
use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::finding::{Finding, Kind};
use crate::folder::Folder;
use crate::hash::Hash;
use crate::key::Key;
use crate::proof::Proof;
use crate::report::{LogSummary, ProofSummary, Report, SinceSummary};
use crate::since;
use crate::unreadable::Unreadable;
use crate::walk::Walk;
use std::collections::BTreeMap;
use std::path::Path;

/// What to compare a log with, beside its own files. The first of each pair is a name for the
/// report, the second the text.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Checkpoints saved earlier, alone or in a message.
    pub since: Vec<(String, String)>,
    /// A proof file.
    pub proof: Option<(String, String)>,
}

/// Verifies a log in a folder. `progress` is told how many entries are done, and of how many.
///
/// # Errors
/// When the log can't be read. That something is wrong with it is in the report.
pub fn verify_log(
    dir: &Path,
    key: &Key,
    request: &Request,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Unreadable> {
    let mut report = Report::default();
    let checkpoint = match Checkpoint::verify(&Folder::checkpoint(dir)?, key) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            // Nothing else has a meaning without it.
            report.find(Finding::new(Kind::Checkpoint, error.to_string()).at("checkpoint"));
            return Ok(report);
        }
    };
    let Checkpoint { size, root } = checkpoint;
    report.log = Some(LogSummary { origin: key.name().to_owned(), size, root: root.to_string() });
    let folder = Folder::list(dir, &mut report)?;
    warn_beyond(&folder, size, &mut report);
    let saved = read_since(request, key, &mut report);
    let proved = read_proof(request, key, &folder, size, &mut report)?;

    let wanted = saved.iter().chain(&proved).map(|(_, saved)| saved.size).collect();
    let walk = Walk::new(&folder, size, wanted);
    let walked = walk.run(&mut report, &mut |done| progress(done, size))?;
    judge(&folder, size, root, &walked, &mut report)?;

    let roots = (walked.root == Some(root)).then_some(&walked.roots);
    for (file, saved) in saved {
        let extended = compare(Kind::Since, &file, &saved, size, roots, &mut report);
        report.since.push(SinceSummary { file, size: saved.size, extended });
    }
    if let Some((file, proved)) = proved {
        compare(Kind::Proof, &file, &proved, size, roots, &mut report);
    }
    Ok(report)
}

/// Verifies a proof file that has its entry in it; no log is needed.
///
/// # Errors
/// When it has no entry.
pub fn verify_proof(name: &str, text: &str, key: &Key) -> Result<Report, Unreadable> {
    let mut report = Report::default();
    match Proof::read(text) {
        Ok(proof) if proof.entry.is_none() => return Err(Unreadable::NoEntry(name.to_owned())),
        Ok(proof) => {
            let entry = proof.entry.clone().unwrap_or_default();
            check_proof(name, &proof, &entry, key, &mut report);
        }
        Err(error) => report.find(Finding::new(Kind::Proof, error.to_string()).at(name)),
    }
    Ok(report)
}

fn read_since(request: &Request, key: &Key, report: &mut Report) -> Vec<(String, Checkpoint)> {
    let mut saved = Vec::new();
    for (name, text) in &request.since {
        match since::find(text, key) {
            Ok(checkpoint) => saved.push((name.clone(), checkpoint)),
            Err(error) => report.find(Finding::new(Kind::Since, error.to_string()).at(name)),
        }
    }
    saved
}

/// Checks the proof with its own entry, or with the log's if it has none. Its checkpoint is
/// compared with the log later.
fn read_proof(
    request: &Request,
    key: &Key,
    folder: &Folder,
    size: u64,
    report: &mut Report,
) -> Result<Option<(String, Checkpoint)>, Unreadable> {
    let Some((name, text)) = &request.proof else {
        return Ok(None);
    };
    let proof = match Proof::read(text) {
        Ok(proof) => proof,
        Err(error) => {
            report.find(Finding::new(Kind::Proof, error.to_string()).at(name));
            return Ok(None);
        }
    };
    let entry = match proof.entry.clone() {
        Some(entry) => Some(entry),
        None => folder.entry(proof.index, size)?,
    };
    let Some(entry) = entry else {
        let text = format!("the log has no entry {} that could be read", proof.index);
        report.find(Finding::new(Kind::Proof, text).at(name).entry(proof.index));
        return Ok(None);
    };
    let checked = check_proof(name, &proof, &entry, key, report);
    Ok(checked.map(|checkpoint| (name.clone(), checkpoint)))
}

fn check_proof(
    name: &str,
    proof: &Proof,
    entry: &[u8],
    key: &Key,
    report: &mut Report,
) -> Option<Checkpoint> {
    let index = proof.index;
    let mut summary = ProofSummary { file: name.to_owned(), index, size: 0, entry: None };
    let checked = match proof.check(entry, key) {
        Ok(checkpoint) => {
            summary.size = checkpoint.size;
            summary.entry = Some(String::from_utf8_lossy(entry).into_owned());
            if let Err(error) = Entry::read(entry) {
                let text = format!("entry {index} breaks a rule: {error}");
                report.find(Finding::new(Kind::EntryRule, text).at(name).entry(index));
            }
            Some(checkpoint)
        }
        Err(error) => {
            report.find(Finding::new(Kind::Proof, error.to_string()).at(name).entry(index));
            None
        }
    };
    report.proof = Some(summary);
    checked
}

/// Whether the log extends a checkpoint; `None` when the log itself is wrong and can't tell.
fn compare(
    kind: Kind,
    file: &str,
    saved: &Checkpoint,
    size: u64,
    roots: Option<&BTreeMap<u64, Hash>>,
    report: &mut Report,
) -> Option<bool> {
    if saved.size > size {
        let text = format!(
            "its checkpoint has {} entries, the log has {size}: the log was rolled back, or this copy is older",
            saved.size
        );
        report.find(Finding::new(kind, text).at(file));
        return Some(false);
    }
    let found = roots?.get(&saved.size)?;
    if *found == saved.root {
        return Some(true);
    }
    let text = format!(
        "the log's first {} entries are not those of this checkpoint: the log was rewritten",
        saved.size
    );
    report.find(Finding::new(kind, text).at(file).hashes(saved.root, found));
    Some(false)
}

/// Files of entries after the checkpoint: an append that was interrupted or goes on right now.
fn warn_beyond(folder: &Folder, size: u64, report: &mut Report) {
    for place in folder.places() {
        if place.width > place.row.width_at(place.index, size) {
            let text = "it has entries after the checkpoint, and those were not looked at";
            report.warn(Finding::new(Kind::BeyondCheckpoint, text).at(place));
        }
    }
}
