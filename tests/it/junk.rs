//! Junk in every field of every feed, over real sockets: in the path, behind the `?` and in the
//! headers. An answer, never one that blames the master, which then goes on as before.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use windlass::auth::Permission;
use windlass::routes::TABLE;
use windlass_tests::git::Repository;
use windlass_tests::master::{Master, small_configuration};

const STEPS: &str = "  { source = \"editor\" },\n  { run = \"echo 1 > editor-1.0.tar\" },\n  \
     { product = \"*.tar\", version = \"1.0.0\", target = \"x86_64-linux\" },";
/// Requests of the short form; the long form is `WINDLASS_TEST_JUNK=100000 tests/run junk`.
const REQUESTS: usize = 1_500;
const SEED: u64 = 0x00c0_ffee_5eed;
/// Longest piece of junk: more than any field takes, less than the master reads of a head.
const JUNK_BYTES_MAX: usize = 3_000;

const KEYS: &[&str] = &[
    "version",
    "build",
    "os_version",
    "runtime",
    "id",
    "force",
    "explain",
    "key",
    "channel",
    "localVersion",
    "stagingId",
    "arch",
    "q",
];
const HEADERS: &[&str] = &[
    "If-None-Match",
    "If-Modified-Since",
    "If-Range",
    "Range",
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cookie",
    "User-Agent",
    "X-User-Staging-Id",
    "X-Forwarded-For",
    "Content-Length",
    "Transfer-Encoding",
];
/// What programs trip over.
const PIECES: &[&[u8]] = &[
    b"%00",
    b"%ff",
    b"%",
    b"%zz",
    b"../",
    b"%2e%2e%2f",
    b"'",
    b"\"",
    b"<script>",
    b"{",
    b"}}",
    b"$(x)",
    b"\\",
    b"|",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"NaN",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xf0\x9f\x8e\x89",
    b"%F0%9F%8E%89",
    b"&",
    b"=",
    b";",
    b"#",
    b"*",
    b"bytes=0-",
    b"9-1,-5",
    b"W/\"",
    b"1.0.0",
    b"v1.0.0-3-gabc",
    b"latest",
    b"x86_64-linux",
    b"\t",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // A generator of Marsaglia's kind: any seed but zero.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("small")
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.roll(all.len())]
    }

    /// Bytes of every kind but those of `not`, which would end the field.
    fn junk(&mut self, not: &[u8]) -> Vec<u8> {
        let mut junk = Vec::new();
        for _ in 0..self.roll(4) {
            match self.roll(3) {
                0 => junk.extend_from_slice(self.pick(PIECES)),
                1 => junk.push(self.roll(256) as u8),
                _ => {
                    let byte = self.roll(256) as u8;
                    let most = match self.roll(40) {
                        0 => JUNK_BYTES_MAX,
                        _ => 20,
                    };
                    junk.extend(vec![byte; self.roll(most)]);
                }
            }
        }
        junk.retain(|byte| !not.contains(byte));
        junk
    }
}

/// A request for the feed at `path`, a field of which is junk now and then.
fn request(dice: &mut Dice, path: &str, token: &str) -> Vec<u8> {
    let mut request = dice
        .pick(&["GET", "GET", "GET", "HEAD"])
        .as_bytes()
        .to_vec();
    request.push(b' ');
    for part in path.split('/').skip(1) {
        request.push(b'/');
        let field = match part {
            "{project}" => "editor",
            "{feed}" => token,
            "{target}" | "{triple}" => "x86_64-linux",
            part if part.starts_with('{') => "latest",
            part => part,
        };
        if part.contains('{') && dice.roll(8) == 0 {
            // A line end or a space would end the path.
            request.extend(dice.junk(b" \r\n"));
        } else {
            request.extend_from_slice(field.as_bytes());
        }
    }
    for at in 0..dice.roll(4) {
        request.push(if at == 0 { b'?' } else { b'&' });
        request.extend_from_slice(dice.pick(KEYS).as_bytes());
        request.push(b'=');
        request.extend(dice.junk(b" \r\n"));
    }
    request.extend_from_slice(b" HTTP/1.1\r\nHost: feeds.example\r\nConnection: close\r\n");
    for _ in 0..dice.roll(5).saturating_sub(2) {
        request.extend_from_slice(dice.pick(HEADERS).as_bytes());
        request.extend_from_slice(b": ");
        request.extend(dice.junk(b"\r\n"));
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// The status of the answer; 0 when the master hung up without one.
fn status(master: &Master, request: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(master.web()).expect("the port is open");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a time-out");
    stream.write_all(request).expect("sent");
    // A body that was announced never comes.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let head = String::from_utf8_lossy(&answer[..answer.len().min(40)]).into_owned();
    let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
    status.unwrap_or(0)
}

#[test]
fn junk_in_every_field_of_every_feed_is_answered_and_never_our_fault() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("a", "a");
    repository.commit("Begin");
    let mut master = Master::new(&small_configuration(&repository, STEPS, ""));
    master.start();
    let _agent = master.agent("linux-1", master.agents());
    let build = master.finished_build("package", 1);
    assert_eq!(build["result"], "success", "{build}\n{}", master.log());
    let list = master.get("/api/v1/products", "").json();
    let token = list["items"][0]["feed"]
        .as_str()
        .expect("a token")
        .to_owned();
    let feeds: Vec<&str> = TABLE
        .iter()
        .filter(|route| route.permission == Permission::Public)
        .map(|route| route.path)
        .filter(|path| path.starts_with("/update/") || path.starts_with("/p/"))
        .collect();
    assert!(feeds.len() > 10, "{feeds:?}");
    let asked = std::env::var("WINDLASS_TEST_JUNK").ok();
    let asked = asked.map(|text| text.parse().expect("a number"));
    let (mut dice, mut offered) = (Dice(SEED), 0);
    for number in 0..asked.unwrap_or(REQUESTS) {
        let feed = feeds[number % feeds.len()];
        let request = request(&mut dice, feed, &token);
        let status = status(&master, &request);
        let shown = String::from_utf8_lossy(&request).into_owned();
        assert!(status < 500, "request {number}: {status} for {shown}");
        offered += usize::from(matches!(status, 200 | 204 | 303 | 307 | 302));
    }
    assert!(
        offered > REQUESTS / 20,
        "only {offered} were offered something"
    );
    let feed = format!("/update/v1/editor/{token}/x86_64-linux");
    assert_eq!(master.get(&feed, "").json()["version"], "1.0.0");
    let log = master.log();
    assert!(
        !log.contains("panicked") && !log.contains("internal error"),
        "{log}"
    );
}
