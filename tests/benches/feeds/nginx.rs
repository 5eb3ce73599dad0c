//! The yardstick: nginx with a static file, as quick as its documentation makes it, and without a
//! log as the master has none.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use windlass_tests::http;
use windlass_tests::master::free_address;
use windlass_tests::programs::Background;
use windlass_tests::wait;

/// nginx at work; ended when dropped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    process: Background,
}

impl Nginx {
    /// Serves `/file` of `bytes` bytes out of `folder`.
    pub(crate) fn start(folder: &Path, bytes: usize) -> Self {
        let program = program();
        fs::create_dir_all(folder.join("www")).expect("a folder");
        fs::write(folder.join("www/file"), vec![b'x'; bytes]).expect("a file");
        open_to_all(folder);
        let address = free_address();
        let place = folder.display();
        let text = format!(
            "daemon off;\npid {place}/pid;\nworker_processes 2;\nerror_log {place}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n access_log off;\n sendfile on;\n tcp_nopush on;\n tcp_nodelay on;\n\
             keepalive_requests 100000000;\n open_file_cache max=100;\n\
             client_body_temp_path {place}/body;\n proxy_temp_path {place}/proxy;\n\
             fastcgi_temp_path {place}/fastcgi;\n uwsgi_temp_path {place}/uwsgi;\n\
             scgi_temp_path {place}/scgi;\n\
             server {{ listen {address}; root {place}/www; }}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), text).expect("a file");
        let mut command = Command::new(program);
        command.arg("-c").arg(folder.join("nginx.conf"));
        command.args(["-e", "stderr"]);
        let log = folder.join("log");
        let process = Background::start(command, &log);
        wait::until("nginx answers", || {
            let answer = http::request(address, "GET", "/file", &[], &[]).ok()?;
            let told = fs::read_to_string(&log).unwrap_or_default();
            assert_eq!(answer.status, 200, "{}{told}", answer.text());
            (answer.body.len() == bytes).then_some(())
        });
        Self { address, process }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers would stay without it.
        if self.process.ended().is_none() {
            self.process.signal("TERM");
            self.process.wait();
        }
    }
}

/// The program, installed first where it may be.
fn program() -> PathBuf {
    let find = || {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into()]);
        let mut all = folders.map(|folder| folder.join("nginx"));
        all.find(|program| program.is_file())
    };
    if let Some(found) = find() {
        return found;
    }
    let install = [
        "install",
        "-q",
        "-y",
        "--no-install-recommends",
        "nginx-light",
    ];
    let status = Command::new("apt-get").args(install).status();
    let is_there = status.is_ok_and(|status| status.success());
    find().filter(|_| is_there).unwrap_or_else(|| {
        panic!("nginx is needed: sudo apt-get install --no-install-recommends nginx-light")
    })
}

/// The workers are another user where the bench runs as root.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for folder in folder.ancestors().take(2) {
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder, open).expect("an own folder");
    }
}
