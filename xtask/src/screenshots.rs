//! Pictures of Tidegate's pages for the documents, taken by a real browser.
//!
//! They are made of a change that really was pushed, previewed, approved and deployed, so a picture
//! shows what a user gets and nothing that was drawn for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidegate_tests::{Installation, finish, workspace};

use crate::demo::installed;
use crate::terminal::{heading, say};

/// The programs that can take a picture, in the order in which they are looked for.
const BROWSERS: [&str; 5] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Names the browser where it is somewhere else.
const VARIABLE: &str = "TIDEGATE_BROWSER";

/// The folder of the pictures, from the root of the source tree.
const FOLDER: &str = "docs/images";

/// A browser starts and paints in about a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// The width of a picture, in CSS pixels: that of a page with all of its columns.
const WIDTH: u32 = 1120;

/// The width of a phone; browsers make no narrower window.
const PHONE: u32 = 500;

/// What a picture shows of a page, in CSS pixels from its top.
struct Frame {
    width: u32,
    height: u32,
    /// Whether the browser asks for dark colours.
    dark: bool,
}

/// Sets everything up, brings one change from a push to its deploy, and takes the pictures.
pub(crate) fn screenshots() -> Result<()> {
    let camera = Camera::find()?;
    let installation = installed()?;
    let site = &installation.site;
    heading("Pictures");
    installation.adopt()?;
    let clone = site.clone_as(&site.olivia)?;
    clone.replace("app/Pulumi.staging.yaml", "shop:1.0", "shop:1.1")?;
    clone.replace("app/Pulumi.prod.yaml", "shop:1.0", "shop:1.1")?;
    clone.commit("Deploy shop 1.1")?;
    let change = clone.push_for("main", &[])?.change()?;
    installation.plan(&change, 1)?;
    let frame = |height| Frame { width: WIDTH, height, dark: false };
    let page = format!("/change/{}", change.number);
    camera.take(&installation, "/", "changes", frame(220))?;
    camera.take(&installation, &page, "change", frame(1000))?;
    let phone = Frame { width: PHONE, height: 1000, dark: true };
    camera.take(&installation, &page, "change-phone", phone)?;
    let address = plan(&installation, &page)?;
    camera.take(&installation, &address, "plan", frame(620))?;

    let rita = site.gerrit.rest(&site.rita);
    change.vote(&rita, "Code-Review", 2)?;
    installation.submittable(&change, true)?;
    change.submit(&rita)?.json()?;
    installation.message(&change, |message| message.text.contains("Deployed: "))?;
    camera.take(&installation, "/rollouts", "rollouts", frame(460))?;
    camera.take(&installation, &page, "deployed", frame(1000))?;
    camera.take(&installation, "/stacks", "stacks", frame(480))
}

/// A browser without a window.
struct Camera {
    browser: PathBuf,
}

impl Camera {
    fn find() -> Result<Self> {
        if let Some(browser) = env::var_os(VARIABLE) {
            return Ok(Self { browser: browser.into() });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let found = BROWSERS
            .iter()
            .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
            .find(|program| program.is_file());
        match found {
            Some(browser) => Ok(Self { browser }),
            None => bail!(
                "no browser was found ({}); install one, on Debian by `apt-get install \
                 chromium-headless-shell`, or name one in {VARIABLE}",
                BROWSERS.join(", ")
            ),
        }
    }

    /// Takes a picture of the top of a page.
    fn take(
        &self,
        installation: &Installation,
        page: &str,
        name: &str,
        frame: Frame,
    ) -> Result<()> {
        let folder = workspace::root().join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{name}.png"));
        let address = format!("{}{page}", base(installation));
        self.shoot(&address, &file, &frame)?;
        say(&format!("{address} -> {FOLDER}/{name}.png"));
        Ok(())
    }

    fn shoot(&self, address: &str, file: &Path, frame: &Frame) -> Result<()> {
        let profile = tempfile::tempdir()?;
        let mut screenshot = std::ffi::OsString::from("--screenshot=");
        screenshot.push(file);
        let mut user_data = std::ffi::OsString::from("--user-data-dir=");
        user_data.push(profile.path());
        let mut browser = Command::new(&self.browser);
        browser
            // Its own sandbox refuses to run as root, as in a container; the page is ours.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--window-size={},{}", frame.width, frame.height))
            // Blink's numbers of the two: 0 is dark.
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!frame.dark)))
            .args([screenshot, user_data])
            .arg(address);
        finish(&mut browser, PATIENCE)?.ok()?;
        if !file.is_file() {
            bail!("{} wrote no {}", self.browser.display(), file.display());
        }
        Ok(())
    }
}

/// The address of the first plan that a change's page leads to.
fn plan(installation: &Installation, page: &str) -> Result<String> {
    let rest = installation.tidegate.rest();
    let text = rest.call("GET", page, None)?.body;
    let link = text.split("href=\"/plan/").nth(1).and_then(|rest| rest.split('"').next());
    let digest = link.with_context(|| format!("{page} leads to no plan"))?;
    Ok(format!("/plan/{digest}"))
}

fn base(installation: &Installation) -> String {
    installation.tidegate.url().trim_end_matches('/').to_owned()
}
