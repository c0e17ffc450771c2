use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::finished::finish;
use crate::gerrit::Gerrit;
use crate::rest::segment;
use crate::user::User;

/// What an administrator does, as the administrator.
impl Gerrit {
    /// Creates an active account with a password and an e-mail address.
    ///
    /// # Errors
    /// Gerrit refuses, e.g. because the name is taken.
    pub fn create_user(&self, name: &str) -> Result<User> {
        let mut user = User {
            name: name.to_owned(),
            id: 0,
            password: format!("{name}-secret"),
            email: format!("{name}@example.com"),
            ssh_key: None,
        };
        let account = self.admin().put(
            &format!("accounts/{}", segment(name)),
            &json!({
                "name": capitalised(name),
                "email": user.email,
                "http_password": user.password,
            }),
        )?;
        user.id = account["_account_id"]
            .as_u64()
            .with_context(|| format!("no account id in {account}"))?;
        Ok(user)
    }

    /// Makes an SSH key for the user and tells Gerrit its public half.
    ///
    /// # Errors
    /// `ssh-keygen` or Gerrit refuses.
    pub fn add_ssh_key(&self, user: &mut User) -> Result<()> {
        let folder = self.site().with_file_name("keys");
        fs::create_dir_all(&folder)?;
        let key = folder.join(&user.name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", &user.name, "-f"]).arg(&key);
        finish(&mut keygen, Duration::from_secs(60))?.ok()?;
        let public = fs::read_to_string(key.with_extension("pub"))?;
        let path = format!("accounts/{}/sshkeys", user.id);
        self.admin().call_with_text("POST", &path, "text/plain", &public)?.json()?;
        user.ssh_key = Some(key);
        Ok(())
    }

    /// Creates a token for the user and returns it; it is used as a password.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn create_token(&self, user: &User, id: &str) -> Result<String> {
        let path = format!("accounts/{}/tokens/{}", user.id, segment(id));
        let answer = self.admin().put(&path, &json!({ "lifetime": "30d" }))?;
        let token = answer["token"].as_str();
        Ok(token.with_context(|| format!("no token in {answer}"))?.to_owned())
    }

    /// Makes the account active or inactive.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn set_active(&self, user: &User, active: bool) -> Result<()> {
        let path = format!("accounts/{}/active", user.id);
        if active {
            self.admin().put(&path, &json!({}))?;
        } else {
            self.admin().delete(&path)?;
        }
        Ok(())
    }

    /// Creates a group that everybody sees, and returns its UUID.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn create_group(&self, name: &str, members: &[&User]) -> Result<String> {
        let members: Vec<&str> = members.iter().map(|user| user.name.as_str()).collect();
        self.admin().put(
            &format!("groups/{}", segment(name)),
            &json!({ "members": members, "visible_to_all": true }),
        )?;
        self.group(name)
    }

    /// The UUID of a group by name, e.g. of `Service Users`.
    ///
    /// # Errors
    /// There is no such group.
    pub fn group(&self, name: &str) -> Result<String> {
        let detail = self.admin().get(&format!("groups/{}/detail", segment(name)))?;
        let id = detail["id"].as_str();
        Ok(id.with_context(|| format!("no id in {detail}"))?.to_owned())
    }

    /// Adds a user to a group.
    ///
    /// # Errors
    /// There is no such group.
    pub fn add_to_group(&self, group: &str, user: &User) -> Result<()> {
        let path = format!("groups/{}/members/{}", segment(group), user.id);
        self.admin().put(&path, &json!({}))?;
        Ok(())
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// There is no such group or member.
    pub fn remove_from_group(&self, group: &str, user: &User) -> Result<()> {
        let path = format!("groups/{}/members/{}", segment(group), user.id);
        self.admin().delete(&path)?;
        Ok(())
    }

    /// Creates a project whose branch `main` has one empty commit. `submit_type` is Gerrit's, e.g.
    /// `MERGE_IF_NECESSARY`.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn create_project(&self, name: &str, submit_type: &str) -> Result<()> {
        self.admin().put(
            &format!("projects/{}", segment(name)),
            &json!({
                "branches": ["main"],
                "create_empty_commit": true,
                "submit_type": submit_type,
            }),
        )?;
        Ok(())
    }

    /// Defines a label; `body` is Gerrit's `LabelDefinitionInput`.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn create_label(&self, project: &str, name: &str, body: &Value) -> Result<()> {
        let path = format!("projects/{}/labels/{}", segment(project), segment(name));
        self.admin().put(&path, body)?;
        Ok(())
    }

    /// Defines a submit requirement that children can't override. An operand of a plugin is refused
    /// where the plugin isn't loaded.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn create_submit_requirement(
        &self,
        project: &str,
        name: &str,
        expression: &str,
    ) -> Result<()> {
        let path = format!("projects/{}/submit_requirements/{}", segment(project), segment(name),);
        self.admin().put(
            &path,
            &json!({
                "name": name,
                "submittability_expression": expression,
                "allow_override_in_child_projects": false,
            }),
        )?;
        Ok(())
    }

    /// Allows a permission without range, e.g. `push` or `submit`, on a ref pattern.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn grant(&self, project: &str, refs: &str, permission: &str, group: &str) -> Result<()> {
        let rules = json!({ group: { "action": "ALLOW" } });
        self.add_permission(project, refs, permission, json!({ "rules": rules }))
    }

    /// Allows votes on a label on a ref pattern.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn grant_label(
        &self,
        project: &str,
        refs: &str,
        label: &str,
        group: &str,
        range: (i32, i32),
    ) -> Result<()> {
        let rule = json!({ "action": "ALLOW", "min": range.0, "max": range.1 });
        let permission = json!({ "label": label, "rules": { group: rule } });
        self.add_permission(project, refs, &format!("label-{label}"), permission)
    }

    /// Changes access rights; `body` is Gerrit's `ProjectAccessInput`.
    ///
    /// # Errors
    /// Gerrit refuses.
    pub fn change_access(&self, project: &str, body: &Value) -> Result<()> {
        let path = format!("projects/{}/access", segment(project));
        self.admin().post(&path, body)?;
        Ok(())
    }

    /// The commit at a ref's tip, e.g. of `refs/heads/main`; `None` where there is no such ref. Read
    /// from the repository itself, so that closed refs are seen too.
    ///
    /// # Errors
    /// The repository can't be read.
    pub fn tip(&self, project: &str, name: &str) -> Result<Option<String>> {
        let repository = self.site().join("git").join(format!("{project}.git"));
        ensure!(repository.is_dir(), "there is no project {project}");
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(&repository).args([
            "for-each-ref",
            "--format=%(objectname)",
            name,
        ]);
        let tip = finish(&mut git, Duration::from_secs(60))?.ok()?;
        let tip = tip.trim();
        Ok((!tip.is_empty()).then(|| tip.to_owned()))
    }

    fn add_permission(
        &self,
        project: &str,
        refs: &str,
        name: &str,
        permission: Value,
    ) -> Result<()> {
        let permissions = json!({ name: permission });
        self.change_access(project, &json!({ "add": { refs: { "permissions": permissions } } }))
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
