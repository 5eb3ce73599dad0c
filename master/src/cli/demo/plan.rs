//! What a demo does, from its flags: everything that can be wrong with them is found here, before
//! anything is made.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Arguments;

/// Where the pages are when nobody says and nobody else is there: as `windlass serve` has it.
const PORT_DEFAULT: u16 = 8010;

/// What a demo does.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Folder of everything, absolute, empty.
    pub(super) dir: PathBuf,
    /// URL or absolute path of the repository; none for the sample.
    pub(super) repository: Option<String>,
    /// Branch to build.
    pub(super) branch: String,
    /// Name of project, repository and builder.
    pub(super) name: String,
    /// Commands, each a step.
    pub(super) commands: Vec<String>,
    /// Files that are the product; none for none.
    pub(super) product: Option<String>,
    /// Version of the product.
    pub(super) version: String,
    /// Where the pages are.
    pub(super) web: SocketAddr,
    /// Whether it ends after the build.
    pub(super) once: bool,
}

impl Plan {
    /// Checks `arguments` and makes the folder. Errors name the flag.
    pub(super) fn new(arguments: &Arguments) -> Result<Self, String> {
        let repository = arguments.repo.as_deref().map(repository).transpose()?;
        if repository.is_some() && arguments.run.is_empty() {
            return Err("--repo needs --run: say how it is built, such as --run make".to_owned());
        }
        if arguments.product_version.is_some()
            && arguments.product.is_none()
            && repository.is_some()
        {
            return Err("--product-version needs --product: say which files it is".to_owned());
        }
        let branch = match (&arguments.branch, &repository) {
            (Some(branch), _) => branch.clone(),
            (None, Some(url)) => head_branch(url)?,
            (None, None) => "main".to_owned(),
        };
        if arguments.branch.is_some() && repository.is_none() && branch != "main" {
            return Err("--branch needs --repo: the sample has the branch main only".to_owned());
        }
        let sample = repository.is_none();
        let product = match &arguments.product {
            None if sample && arguments.run.is_empty() => Some("dist/hello-*.tar.gz".to_owned()),
            given => given.clone(),
        };
        let commands = if sample && arguments.run.is_empty() {
            ["sh build.sh", "sh check.sh", "sh package.sh"]
                .map(str::to_owned)
                .to_vec()
        } else {
            arguments.run.clone()
        };
        let web = web_address(arguments.port)?;
        Ok(Self {
            dir: folder(arguments.dir.as_deref())?,
            name: repository
                .as_deref()
                .map_or_else(|| "hello".to_owned(), name_of),
            repository,
            branch,
            commands,
            product,
            version: arguments
                .product_version
                .clone()
                .unwrap_or_else(|| "{describe}".to_owned()),
            web,
            once: arguments.once,
        })
    }
}

/// A path becomes absolute, so that it means the same to the master; a URL stays.
fn repository(given: &str) -> Result<String, String> {
    if given.is_empty() || given.starts_with('-') {
        return Err(format!("--repo `{given}`: expected a URL or a folder"));
    }
    // `host:path` and `scheme://` are addresses unless there is such a folder.
    if !Path::new(given).exists() && given.contains(':') {
        return Ok(given.to_owned());
    }
    let path = fs::canonicalize(given).map_err(|error| format!("--repo {given}: {error}"))?;
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("--repo {given}: the path is not UTF-8"))
}

/// The branch that the repository's HEAD names.
fn head_branch(url: &str) -> Result<String, String> {
    let output = Command::new("git")
        .args(["ls-remote", "--symref", "--", url, "HEAD"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("the git program does not run: {error}; install git"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("--repo {url}: {}", text.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let head = text.lines().find_map(|line| {
        let name = line.strip_prefix("ref: refs/heads/")?;
        name.split('\t').next().map(str::to_owned)
    });
    head.ok_or_else(|| format!("--repo {url}: its HEAD is no branch; say which with --branch"))
}

/// The last part of a URL or path, as a name of the configuration may be.
fn name_of(url: &str) -> String {
    let last = url
        .trim_end_matches('/')
        .rsplit(['/', ':', '\\'])
        .next()
        .unwrap_or(url);
    let plain: String = last
        .trim_end_matches(".git")
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain.to_owned()
    } else {
        format!("repo-{plain}").trim_end_matches('-').to_owned()
    }
}

fn folder(given: Option<&Path>) -> Result<PathBuf, String> {
    let Some(dir) = given else {
        let made = tempfile::Builder::new().prefix("windlass-demo-").tempdir();
        // Kept when the demo is over: its last line names files in it.
        return made
            .map(tempfile::TempDir::keep)
            .map_err(|error| format!("no folder: {error}"));
    };
    let problem = |error: std::io::Error| format!("--dir {}: {error}", dir.display());
    fs::create_dir_all(dir).map_err(problem)?;
    if fs::read_dir(dir).map_err(problem)?.next().is_some() {
        let dir = dir.display();
        return Err(format!(
            "--dir {dir} is not empty: name a folder that is new"
        ));
    }
    fs::canonicalize(dir).map_err(problem)
}

/// The page address must be known before the master starts, since mails and feeds name it.
fn web_address(port: Option<u16>) -> Result<SocketAddr, String> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match port {
        Some(port) => bind(port).map_err(|error| format!("--port {port}: {error}"))?,
        None => bind(PORT_DEFAULT)
            .or_else(|_| bind(0))
            .map_err(|error| error.to_string())?,
    };
    listener.local_addr().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
