//! The key from which each stack's key for hashes of secrets is made.

use anyhow::{Context as _, Result, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::fs::{Mode, OFlags};
use sha2::Sha256;
use std::io::{Read as _, Write as _};
use std::path::Path;
use tidegate_core::ids::StackId;
use tidegate_pulumi::HmacKey;

/// 256 bits, as long as the hash.
const BYTES: usize = 32;

/// The installation's secret. While it is the same, equal secrets have equal hashes.
pub(crate) struct Seal([u8; BYTES]);

impl Seal {
    /// Reads the secret at `path`, or makes it the first time.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        match std::fs::File::open(path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).context("the sealing key can't be read")?;
                match bytes.try_into() {
                    Ok(bytes) => Ok(Self(bytes)),
                    Err(_) => {
                        bail!("{} is no sealing key: {BYTES} bytes were expected", path.display())
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
        }
    }

    fn make(path: &Path) -> Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).context("the machine gives no randomness")?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)
            .with_context(|| format!("{} can't be made", path.display()))?;
        let mut file = std::fs::File::from(file);
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .context("the sealing key can't be written")?;
        Ok(Self(bytes))
    }

    /// The key of one stack.
    pub(crate) fn key_of(&self, stack: &StackId) -> HmacKey {
        let mut mac: Hmac<Sha256> = match Hmac::new_from_slice(&self.0) {
            Ok(mac) => mac,
            // HMAC takes keys of any length.
            Err(never) => unreachable!("{never}"),
        };
        mac.update(b"tidegate stack/v1\n");
        mac.update(stack.as_str().as_bytes());
        HmacKey::new(mac.finalize().into_bytes().into())
    }
}
