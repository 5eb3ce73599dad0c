//! The ways by which agents and master come together, each with the real programs: plain, TLS,
//! through the pages' port with and without a TLS server before it, by a transport command, and
//! with the master dialling.

use std::net::{SocketAddr, TcpListener};

use windlass_tests::git::Repository;
use windlass_tests::http;
use windlass_tests::master::Master;
use windlass_tests::programs::{agent, agent_with_tls};
use windlass_tests::tls::{Identity, TlsProxy};
use windlass_tests::wait;

/// What the master's log says of each agent: how it came, and whether others can read along.
const WAYS: [(&str, &str, bool); 6] = [
    ("plain", "tcp", true),
    ("tls", "tls", true),
    ("pages", "http", true),
    ("proxied", "http", true),
    ("tunnel", "tls", true),
    ("listens", "dialled", true),
];

fn configuration(repository: &Repository, dial: SocketAddr) -> String {
    let url = repository.dir().display();
    let mut text = format!(
        "[project.editor]\n\n[repository.editor]\nproject = \"editor\"\nurl = \"{url}\"\n\
         branches = [\"**\"]\npoll = \"1s\"\n\n\
         [schedule.push]\non = \"change\"\nrepository = \"editor\"\n\
         builders = [\"on-*\"]\nquiet = \"0s\"\n\n"
    );
    for (name, way, _) in WAYS {
        let dial = match way {
            "dialled" => format!("dial = \"{dial}\"\n"),
            _ => String::new(),
        };
        text.push_str(&format!(
            "[agent.{name}]\nlabels = {{ way = \"{name}\" }}\n{dial}\n\
             [builder.on-{name}]\nproject = \"editor\"\nagents = {{ way = \"{name}\" }}\n\
             steps = [{{ source = \"editor\" }}, {{ run = \"cmp big big\" }}]\n\n"
        ));
    }
    text
}

#[test]
fn a_build_runs_over_every_way_to_the_master() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let repository = Repository::new(&folder.path().join("repository"));
    repository.write("big", "0123456789abcdef".repeat(200_000));
    repository.commit("Begin");
    let identity = Identity::new(folder.path(), "master");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let listens = free.expect("a free port");
    let mut master = Master::new(&configuration(&repository, listens));
    master.configure_master(&format!(
        "agent_plain = true\nagent_tls = {{ certificate = \"{}\", key = \"{}\" }}",
        identity.certificate.display(),
        identity.key.display()
    ));
    master.start();
    let proxy = TlsProxy::start(master.web(), &identity);
    let (port, pin) = (master.agents(), identity.pin());
    let ca = identity.certificate.display().to_string();
    let tunnel = format!(
        "openssl s_client -quiet -no_ign_eof -verify_return_error -CAfile '{ca}' -connect {port}"
    );
    let flags: [&[&str]; 6] = [
        &["--master", &port.to_string()],
        &["--master", &format!("tls://{port}"), "--tls-ca", &ca],
        &["--master", &format!("http://{}/agent", master.web())],
        &[
            "--master",
            &format!("https://{}", proxy.address()),
            "--tls-pin",
            &pin,
        ],
        &["--transport", &tunnel],
        &["--listen", &listens.to_string()],
    ];
    let mut agents = Vec::new();
    for ((name, ..), flags) in WAYS.iter().zip(flags) {
        let program = match *name {
            "tls" | "proxied" => agent_with_tls(),
            _ => agent(),
        };
        agents.push(master.agent_by(program, name, flags, &master.key_of(name)));
    }
    for (name, way, confidential) in WAYS {
        let build = master.finished_build(&format!("on-{name}"), 1);
        assert_eq!(
            build["result"],
            "success",
            "{name}: {build}\n{}",
            master.log()
        );
        let told = format!("way=\"{way}\" confidential={confidential}");
        let log = master.log();
        let line = log.lines().find(|line| {
            line.contains(" connected agent") && line.contains(&format!("agent=\"{name}\""))
        });
        assert!(
            line.is_some_and(|line| line.contains(&told)),
            "{name}: {line:?}"
        );
    }
}

#[test]
fn a_certificate_that_is_not_the_right_one_keeps_the_agent_away() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let identity = Identity::new(folder.path(), "master");
    let other = Identity::new(folder.path(), "other");
    let mut master = Master::new("[agent.tls]\n[agent.plain]\n");
    master.configure_master(&format!(
        "agent_tls = {{ certificate = \"{}\", key = \"{}\" }}",
        identity.certificate.display(),
        identity.key.display()
    ));
    master.start();
    let key = master.key_of("tls");
    let address = format!("tls://{}", master.agents());
    let ca = other.certificate.display().to_string();
    let log = |name: &str| {
        let path = master.path(&format!("agent-{name}/log"));
        std::fs::read_to_string(path).unwrap_or_default()
    };
    for trust in [["--tls-pin", &other.pin()], ["--tls-ca", &ca]] {
        let before = log("tls").len();
        let flags = ["--master", &address, trust[0], trust[1]];
        let _agent = master.agent_by(agent_with_tls(), "tls", &flags, &key);
        wait::until("the agent refuses the certificate", || {
            log("tls")[before..].contains("certificate").then_some(())
        });
    }
    // Where TLS is asked for, nothing else is spoken.
    let plain = ["--master", &master.agents().to_string()];
    let _agent = master.agent_by(agent(), "plain", &plain, &master.key_of("plain"));
    wait::until("the master refuses plain words", || {
        master
            .log()
            .contains("must begin with tls://")
            .then_some(())
    });
    assert!(!master.log().contains(" connected"), "{}", master.log());
}

#[test]
fn whoever_is_no_agent_is_told_what_the_address_is_for() {
    let mut master = Master::new("");
    master.start();
    let answer = http::request(master.web(), "GET", "/agent", &[], &[]).expect("an answer");
    assert_eq!(answer.status, 426);
    assert!(answer.text().contains("agents connect here"));
}
