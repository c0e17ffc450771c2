use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::eventually::eventually;
use crate::finished::last_lines;
use crate::gerrit_options::GerritOptions;
use crate::gerrit_template::{GerritTemplate, SERVER_ID, set};
use crate::ports::free_port;
use crate::progress::Progress;
use crate::rest::Rest;
use crate::tools::Tools;
use crate::user::User;
use crate::warded::Warded;

/// Three seconds on an idle machine, forty on a busy one.
const START: Duration = Duration::from_secs(180);

/// Gerrit waits for its work queues before it ends.
const STOP: Duration = Duration::from_secs(120);

/// Somebody may take a free port between our look and Gerrit's bind.
const TRIES: usize = 3;

/// A running Gerrit on loopback.
///
/// Its administrator is [`User::admin`]. Ends when dropped.
pub struct Gerrit {
    template: GerritTemplate,
    options: GerritOptions,
    folder: PathBuf,
    http_port: u16,
    ssh_port: u16,
    instance_id: String,
    daemon: Option<Warded>,
    // Last, so that the folder goes after the daemon.
    _scratch: Option<TempDir>,
}

impl Gerrit {
    /// Starts a fresh Gerrit without plugins.
    ///
    /// # Errors
    /// A tool is missing, or Gerrit doesn't start.
    pub fn start() -> Result<Self> {
        Self::start_with(GerritOptions::new())
    }

    /// Starts a fresh Gerrit.
    ///
    /// # Errors
    /// As [`Gerrit::start`].
    pub fn start_with(options: GerritOptions) -> Result<Self> {
        Self::from_template(&Tools::shared()?.gerrit_template()?, options)
    }

    pub(crate) fn from_template(template: &GerritTemplate, options: GerritOptions) -> Result<Self> {
        let scratch = match options.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("tidegate-gerrit-").tempdir()?),
        };
        let folder = match (&options.folder, &scratch) {
            (Some(folder), _) => std::path::absolute(folder)?,
            (None, Some(scratch)) => scratch.path().to_path_buf(),
            (None, None) => bail!("no folder for Gerrit's site"),
        };
        ensure!(
            !folder.join("site").exists(),
            "{} holds a Gerrit site already; name another folder",
            folder.display(),
        );
        fs::create_dir_all(folder.join("home"))?;
        let mut gerrit = Self {
            template: template.clone(),
            options,
            folder,
            http_port: 0,
            ssh_port: 0,
            instance_id: instance_id(),
            daemon: None,
            _scratch: scratch,
        };
        template.copy_to(&gerrit.site())?;
        gerrit.configure()?;
        for _ in 1..TRIES {
            gerrit.choose_ports()?;
            match gerrit.resume() {
                Ok(()) => return Ok(gerrit),
                // Only a taken port is worth another try.
                Err(error) if format!("{error:#}").contains("already in use") => {}
                Err(error) => return Err(error),
            }
        }
        gerrit.choose_ports()?;
        gerrit.resume()?;
        Ok(gerrit)
    }

    /// The base URL, e.g. `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// The port of the SSH server on 127.0.0.1.
    #[must_use]
    pub fn ssh_port(&self) -> u16 {
        self.ssh_port
    }

    /// A line for `known_hosts` with the server's Ed25519 key.
    ///
    /// # Errors
    /// The key can't be read.
    pub fn known_host(&self) -> Result<String> {
        let key = fs::read_to_string(self.site().join("etc/ssh_host_ed25519_key.pub"))?;
        let mut words = key.split_whitespace();
        let (kind, key) = (words.next(), words.next());
        let (kind, key) = kind.zip(key).context("the site's host key is malformed")?;
        Ok(format!("[127.0.0.1]:{} {kind} {key}\n", self.ssh_port))
    }

    /// `gerrit.serverId`, the same for every Gerrit of the harness.
    #[must_use]
    pub fn server_id(&self) -> &'static str {
        SERVER_ID
    }

    /// `gerrit.instanceId`, another for every Gerrit of the harness.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.instance_id
    }

    /// The site's folder.
    #[must_use]
    pub fn site(&self) -> PathBuf {
        self.folder.join("site")
    }

    /// The daemon's log, of all its starts.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("gerrit.log")
    }

    /// The last lines of the daemon's log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        last_lines(&self.log(), lines)
    }

    /// A REST client as the administrator.
    #[must_use]
    pub fn admin(&self) -> Rest {
        self.rest(&User::admin())
    }

    /// A REST client as a user.
    #[must_use]
    pub fn rest(&self, user: &User) -> Rest {
        Rest::gerrit(&self.url(), user)
    }

    /// A REST client as nobody.
    #[must_use]
    pub fn anonymous(&self) -> Rest {
        Rest::anonymous(&self.url())
    }

    /// The daemon's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Warded::pid)
    }

    /// Sets a value in `gerrit.config`, for the next start.
    ///
    /// # Errors
    /// git refuses the key.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        set(&self.site(), key, value)
    }

    /// Stops the daemon in good order. Takes some seconds.
    ///
    /// # Errors
    /// It doesn't end in time.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            let _progress = Progress::start("stopping Gerrit", Some(&self.log()));
            daemon.signal(Signal::TERM)?;
            daemon.wait(STOP)?;
        }
        Ok(())
    }

    /// Kills the daemon at once, as a crash would.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill()?;
        }
        Ok(())
    }

    /// Stops the daemon in good order and starts it again on the same site and ports.
    ///
    /// # Errors
    /// As [`Gerrit::stop`] and [`Gerrit::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.resume()
    }

    /// Starts the daemon on its site and ports after [`Gerrit::stop`] or [`Gerrit::kill`].
    ///
    /// # Errors
    /// It runs already, ends early, or doesn't answer in time.
    pub fn resume(&mut self) -> Result<()> {
        ensure!(self.daemon.is_none(), "Gerrit runs already");
        let log = self.log();
        let command = self.daemon_command()?;
        let _progress = Progress::start("starting Gerrit", Some(&log));
        let mut daemon = Warded::start("Gerrit", &command, &log)?;
        self.wait_until_ready(&mut daemon)?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Ready is: our own instance answers by HTTP and greets by SSH.
    fn wait_until_ready(&self, daemon: &mut Warded) -> Result<()> {
        let anonymous = self.anonymous();
        let ready = eventually("Gerrit answers by HTTP and SSH", START, || {
            // An early end is an answer as well, and ends the wait.
            if daemon.ended().is_some() {
                return Ok(Some(()));
            }
            let info = anonymous.get("config/server/info")?;
            let instance = &info["gerrit"]["instance_id"];
            ensure!(
                *instance == *self.instance_id,
                "port {} belongs to another Gerrit, {instance}",
                self.http_port,
            );
            Ok(self.greets_by_ssh()?.then_some(()))
        });
        daemon.check_runs()?;
        ready.with_context(|| format!("Gerrit's log is {}", self.log().display()))
    }

    fn greets_by_ssh(&self) -> Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ssh_port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut greeting = [0; 8];
        stream.read_exact(&mut greeting)?;
        Ok(greeting.starts_with(b"SSH-2.0-"))
    }

    fn daemon_command(&self) -> Result<Command> {
        let home = self.folder.join("home");
        let mut options = vec![
            "-Xmx600m".to_owned(),
            "-XX:+UseSerialGC".to_owned(),
            format!("-Duser.home={}", home.display()),
        ];
        if !self.options.full_compiler {
            options.push("-XX:TieredStopAtLevel=1".to_owned());
        }
        options.extend(self.template.jvm_options());
        options.extend(self.options.jvm_options.iter().cloned());
        let release = &self.template.release;
        let mut command = release.command(&self.template.jdk, &options, "Daemon")?;
        command.arg("-d").arg(self.site()).args(["--console-log", "--enable-httpd"]);
        if !release.has_web_pages() {
            command.arg("--headless");
        }
        command.envs(environment(&home));
        Ok(command)
    }

    fn configure(&self) -> Result<()> {
        self.set("gerrit.instanceId", &self.instance_id)?;
        for (key, value) in &self.options.settings {
            self.set(key, value)?;
        }
        for (path, text) in &self.options.files {
            let path = self.site().join(path);
            fs::write(&path, text)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        for jar in &self.options.plugins {
            self.install_plugin(jar)?;
        }
        Ok(())
    }

    /// Puts a plugin's jar into the site; Gerrit loads it at its next start or scan.
    ///
    /// # Errors
    /// The jar can't be copied.
    pub fn install_plugin(&self, jar: &Path) -> Result<()> {
        let name = jar.file_name().context("a plugin's jar needs a file name")?;
        fs::copy(jar, self.site().join("plugins").join(name))
            .with_context(|| format!("failed to install the plugin {}", jar.display()))?;
        Ok(())
    }

    fn choose_ports(&mut self) -> Result<()> {
        self.http_port = free_port()?;
        self.ssh_port = free_port()?;
        self.set("httpd.listenUrl", &format!("{}/", self.url()))?;
        self.set("gerrit.canonicalWebUrl", &format!("{}/", self.url()))?;
        self.set("sshd.listenAddress", &format!("127.0.0.1:{}", self.ssh_port))
    }
}

/// All that Gerrit's JVM sees of the environment.
pub(crate) fn environment(home: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    vec![
        ("HOME", home.into()),
        ("LANG", "C.UTF-8".into()),
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
    ]
}

/// Unlike that of any other Gerrit on the machine.
fn instance_id() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("test-{}-{count}-{:x}", std::process::id(), since.as_nanos())
}
