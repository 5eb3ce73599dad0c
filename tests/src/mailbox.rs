//! A real mail server with STARTTLS and AUTH, in Python; it can be killed and started again on the
//! same port.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{Background, run};

/// User name that the server wants.
pub const USER: &str = "builds";
/// Password that the server wants.
pub const PASSWORD: &str = "secret";

/// A mail server on 127.0.0.1 and what it took.
#[derive(Debug)]
pub struct Mailbox {
    tools: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Option<Background>,
}

impl Mailbox {
    /// A server that is not started yet, with a certificate for `localhost` and 127.0.0.1.
    #[must_use]
    pub fn new(tools: &Path, folder: &Path) -> Self {
        if let Err(error) = fs::create_dir_all(folder) {
            panic!("{}: {error}", folder.display());
        }
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-keyout",
                "key.pem",
                "-out",
                "certificate.pem",
            ])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .current_dir(folder);
        let made = run(openssl, "");
        assert!(made.status.success(), "{}", made.stderr);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        Self {
            tools: tools.to_owned(),
            folder: folder.to_owned(),
            port: port.map_or(0, |address| address.port()),
            server: None,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate to trust.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Starts the server; it holds every mail `delay_seconds` before it takes it.
    pub fn start(&mut self, delay_seconds: f64) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/smtpd.py");
        let mut python = Command::new(self.tools.join("venv/bin/python"));
        python
            .arg(script)
            .arg(self.port.to_string())
            .arg(&self.folder)
            .arg(self.folder.join("certificate.pem"))
            .arg(self.folder.join("key.pem"))
            .arg(delay_seconds.to_string());
        let log = self.folder.join("smtpd.log");
        let (server, line) = Background::start_with_line(python, &log);
        let said = fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(line, "ready", "the mail server does not start: {said}");
        self.server = Some(server);
    }

    /// Kills the server at once.
    pub fn kill(&mut self) {
        self.server = None;
        // The next one shows anew whether a mail is under way.
        let _ = fs::remove_file(self.folder.join("under-way"));
    }

    /// Whether the server holds a mail that it has not taken yet, or held one before.
    #[must_use]
    pub fn is_mail_under_way(&self) -> bool {
        self.folder.join("under-way").exists()
    }

    /// The mails it took, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        paths.sort();
        paths
            .into_iter()
            .filter_map(|path| fs::read(path).ok())
            .collect()
    }
}
