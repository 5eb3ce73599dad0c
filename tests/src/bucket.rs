//! A real S3 service, in Python; it can be stopped for a while and goes on with what it had.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use crate::http;
use crate::programs::Background;
use crate::wait;

/// A service on 127.0.0.1 with one bucket.
#[derive(Debug)]
pub struct Bucket {
    address: SocketAddr,
    server: Background,
}

/// Name of the bucket.
pub const BUCKET: &str = "files";

impl Bucket {
    /// Starts the service with what is in `tools`, and makes the bucket.
    #[must_use]
    pub fn start(tools: &Path, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = port.unwrap_or_else(|error| panic!("no free port: {error}"));
        let mut command = Command::new(tools.join("venv/bin/moto_server"));
        command
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .current_dir(folder);
        let server = Background::start(command, &folder.join("bucket.log"));
        let place = format!("/{BUCKET}");
        wait::until("the S3 service answers", || {
            let made = http::request(address, "PUT", &place, &[], &[]).ok()?;
            (made.status == 200).then_some(())
        });
        Self { address, server }
    }

    /// The lines of `[master]` that name it.
    #[must_use]
    pub fn lines(&self, new_files: bool) -> String {
        let address = self.address;
        format!(
            "blobs = \"s3://{BUCKET}/builds\"\ns3 = {{ endpoint = \"http://{address}\", key = {{ \
             env = \"S3_KEY\" }}, secret = {{ env = \"S3_SECRET\" }}, new_files = {new_files} }}"
        )
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds, as its list tells.
    #[must_use]
    pub fn list(&self) -> String {
        http::get(self.address, &format!("/{BUCKET}?list-type=2")).text()
    }

    /// Lets everybody read what it holds now, as the owner of a public bucket does by its policy.
    pub fn open_to_everybody(&self) {
        let list = self.list();
        for rest in list.split("<Key>").skip(1) {
            let key = rest.split('<').next().unwrap_or_default();
            let place = format!("/{BUCKET}/{key}?acl");
            // The service believes whoever says a key.
            let who = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, \
                       SignedHeaders=host, Signature=00";
            let public = [("x-amz-acl", "public-read"), ("Authorization", who)];
            let set = http::request(self.address, "PUT", &place, &public, &[]);
            let status = set.map(|answer| answer.status).ok();
            assert_eq!(status, Some(200), "{key} stays closed");
        }
    }

    /// Holds it still, as a network that is cut does.
    pub fn pause(&self) {
        self.server.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.server.signal("CONT");
    }
}
