//! Where a mirror fetches from.

use crate::Secret;
use crate::rest::{Config, ConfigError};
use std::path::PathBuf;
use tidegate_core::ids::Project;
use url::Url;

/// The server side of all mirrors.
#[derive(Clone, Debug)]
pub struct Remote {
    /// What projects' names are put behind.
    base: Url,
    authorization: Option<Secret>,
    ca: Option<PathBuf>,
}

impl Remote {
    /// The git side of the Gerrit that `config` names: authenticated HTTP, below `/a/`.
    ///
    /// # Errors
    /// When the configuration can't be used.
    pub fn gerrit(config: &Config) -> Result<Self, ConfigError> {
        let mut base = config.base()?;
        base.set_path(&format!("{}a/", config.base()?.path()));
        Ok(Self { base, authorization: Some(config.authorization()?), ca: config.ca.clone() })
    }

    /// A folder of repositories.
    #[cfg(test)]
    pub(crate) fn folder(folder: &std::path::Path) -> Option<Self> {
        Some(Self { base: Url::from_directory_path(folder).ok()?, authorization: None, ca: None })
    }

    /// The URL of a project's repository.
    pub(crate) fn url(&self, project: &Project) -> String {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(project.as_str().split('/'));
        }
        url.into()
    }

    /// The one protocol that git may speak, also after whatever a server says.
    pub(crate) fn protocol(&self) -> &str {
        self.base.scheme()
    }

    /// Configuration for git that must not stand in its arguments, because everybody on the machine
    /// can read those.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        if let Some(authorization) = &self.authorization {
            // Bound to the server's URL: no other host ever gets it.
            let key = format!("http.{}.extraHeader", self.base);
            settings.push((key, format!("Authorization: {}", authorization.reveal())));
        }
        if let Some(ca) = &self.ca {
            settings.push(("http.sslCAInfo".to_owned(), ca.to_string_lossy().into_owned()));
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rest::Auth;
    use rstest::rstest;

    #[rstest]
    #[case("https://h/r", "platform/infra", "https://h/r/a/platform/infra")]
    #[case("http://127.0.0.1:8080", "a b?c", "http://127.0.0.1:8080/a/a%20b%3Fc")]
    fn a_projects_repository_is_below_a(
        #[case] url: &str,
        #[case] project: &str,
        #[case] expected: &str,
    ) {
        let config = Config::new(url.parse().unwrap(), "t", Auth::Password(Secret::new("p")));
        let remote = Remote::gerrit(&config).unwrap();
        assert_eq!(remote.url(&project.parse().unwrap()), expected);
    }

    #[test]
    fn the_credential_is_bound_to_the_server() {
        let config =
            Config::new("https://h/".parse().unwrap(), "t", Auth::BearerToken(Secret::new("x")));
        let settings = Remote::gerrit(&config).unwrap().settings();
        let header =
            ("http.https://h/a/.extraHeader".to_owned(), "Authorization: Bearer x".to_owned());
        assert_eq!(settings, [header]);
    }
}
