//! Clearing away what no checkpoint covers.
//!
//! A crash leaves files of an append that never got its checkpoint. They would stand in the way
//! of the next append or contradict it, so they go before it. It also removes partial tiles
//! whose full tile is covered, which the specification allows.

use crate::disk::{Disk, TEMP_PREFIX};
use crate::layout::TilePath;
use crate::log_error::LogError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// `tile/<row>/x<nnn>/…/<nnn>.p/<w>`: an index of 20 digits has seven parts.
const MAX_DEPTH: usize = 12;

/// Removes files in the making, tiles beyond `size` entries, and partial tiles with a full one.
/// Files that aren't the log's stay.
pub(crate) fn sweep(dir: &Path, size: u64, disk: &mut dyn Disk) -> Result<(), LogError> {
    let mut removed = remove_temporary(dir, disk)?;
    if removed {
        disk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
    }
    let tiles = dir.join("tile");
    if tiles.is_dir() {
        removed = sweep_dir(&tiles, "tile", size, MAX_DEPTH, disk)?;
    }
    if removed {
        disk.sync_dir(&tiles).map_err(LogError::io("sync", tiles))?;
    }
    Ok(())
}

/// Removes the partial tiles beside `tile`, which is full and covered.
pub(crate) fn remove_partials(dir: &Path, tile: TilePath, disk: &mut dyn Disk) -> io::Result<()> {
    let partials = dir.join(tile.partials_dir());
    match fs::read_dir(&partials) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(files) => {
            for file in files {
                disk.remove_file(&file?.path())?;
            }
        }
    }
    disk.remove_dir(&partials)
}

/// Whether something was removed in this very folder.
fn sweep_dir(
    dir: &Path,
    name: &str,
    size: u64,
    depth: usize,
    disk: &mut dyn Disk,
) -> Result<bool, LogError> {
    let mut removed = remove_temporary(dir, disk)?;
    for (path, file_name, is_dir) in list(dir)? {
        let name = format!("{name}/{file_name}");
        if is_dir && depth > 0 {
            if sweep_dir(&path, &name, size, depth - 1, disk)? {
                disk.sync_dir(&path).map_err(LogError::io("sync", &path))?;
            }
            if name.ends_with(".p") && list(&path)?.is_empty() {
                disk.remove_dir(&path).map_err(LogError::io("remove", &path))?;
                removed = true;
            }
        } else if TilePath::parse(&name)
            .is_some_and(|t| !t.is_within(size) || t.is_superseded(size))
        {
            disk.remove_file(&path).map_err(LogError::io("remove", &path))?;
            removed = true;
        }
    }
    Ok(removed)
}

fn remove_temporary(dir: &Path, disk: &mut dyn Disk) -> Result<bool, LogError> {
    let mut removed = false;
    for (path, name, is_dir) in list(dir)? {
        if !is_dir && name.starts_with(TEMP_PREFIX) {
            disk.remove_file(&path).map_err(LogError::io("remove", &path))?;
            removed = true;
        }
    }
    Ok(removed)
}

/// Path, name and whether it is a folder (not a link to one), of all in a folder. Names that are
/// no UTF-8 are not the log's.
fn list(dir: &Path) -> Result<Vec<(PathBuf, String, bool)>, LogError> {
    let failed = |source| LogError::Io { what: "list", path: dir.to_owned(), source };
    let mut found = Vec::new();
    for item in fs::read_dir(dir).map_err(failed)? {
        let item = item.map_err(failed)?;
        if let Ok(name) = item.file_name().into_string() {
            found.push((item.path(), name, item.file_type().map_err(failed)?.is_dir()));
        }
    }
    Ok(found)
}
