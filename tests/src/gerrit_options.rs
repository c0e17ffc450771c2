use std::path::{Path, PathBuf};

/// How a Gerrit of the harness differs from a fresh one.
#[derive(Clone, Debug, Default)]
pub struct GerritOptions {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) plugins: Vec<PathBuf>,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) jvm_options: Vec<String>,
    pub(crate) full_compiler: bool,
}

impl GerritOptions {
    /// A fresh Gerrit without plugins, in a folder that is removed at the end.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps site and log in `folder`, which is made if need be and stays when all is over. It may
    /// not hold a site yet.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_path_buf());
        self
    }

    /// Installs a plugin's jar under its own file name before the start.
    #[must_use]
    pub fn plugin(mut self, jar: &Path) -> Self {
        self.plugins.push(jar.to_path_buf());
        self
    }

    /// Writes a file below the site, e.g. `etc/tidegate.config`.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// Sets a value in `gerrit.config`, e.g. `plugins.mandatory`.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds an option of the JVM.
    #[must_use]
    pub fn jvm_option(mut self, option: &str) -> Self {
        self.jvm_options.push(option.to_owned());
        self
    }

    /// Uses the JVM's full compiler, for measurements. Without it a start takes half the time, and
    /// code that runs for long is slower.
    #[must_use]
    pub fn full_compiler(mut self) -> Self {
        self.full_compiler = true;
        self
    }
}
