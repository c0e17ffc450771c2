use std::path::PathBuf;

/// A person or a robot with a Gerrit account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// User name, e.g. `rita`.
    pub name: String,
    /// Gerrit's account id.
    pub id: u64,
    /// HTTP password, for REST and git.
    pub password: String,
    /// The only e-mail address.
    pub email: String,
    /// The private key whose public half Gerrit knows.
    pub ssh_key: Option<PathBuf>,
}

impl User {
    /// The administrator that a fresh site has.
    #[must_use]
    pub fn admin() -> Self {
        Self {
            name: "admin".to_owned(),
            id: 1_000_000,
            password: "secret".to_owned(),
            email: "admin@example.com".to_owned(),
            ssh_key: None,
        }
    }
}
