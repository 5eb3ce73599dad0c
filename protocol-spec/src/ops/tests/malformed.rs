//! What is malformed is refused, and the key is named.

use super::*;

#[test]
fn malformed_requests_are_refused_and_the_key_is_named() {
    let cases: [(Request, &str, &[u8], &str); 8] = [
        (
            Request::Mkdir(Mkdir {
                path: path("m"),
                parents: true,
            }),
            "parents",
            b"yes",
            "parents",
        ),
        (
            Request::Stat(Stat { path: path("m") }),
            "path",
            b"../m",
            "`..`",
        ),
        (
            Request::Remove(Remove {
                path: path("m"),
                recursive: true,
                missing_ok: true,
            }),
            "path",
            b"",
            "root",
        ),
        (
            Request::Attach(Attach {
                id: CommandId([1; 16]),
                generation: 1,
            }),
            "id",
            b"AB",
            "id",
        ),
        (
            Request::Attach(Attach {
                id: CommandId([1; 16]),
                generation: 1,
            }),
            "generation",
            b"01",
            "generation",
        ),
        (
            Request::TreePut(TreePut {
                path: path("t"),
                manifest: MANIFEST,
                delete: Delete::None,
                keep: Vec::new(),
            }),
            "delete",
            b"all",
            "delete",
        ),
        (put_request(), "sha256", b"00", "sha256"),
        (Request::List, "op", b"brew", "brew"),
    ];
    for (request, key, value, named) in cases {
        let mut pairs = Boxed::new();
        for (k, v) in request.to_box().pairs() {
            pairs.push(k, if k == key { value } else { v });
        }
        let failure = Request::from_box(&pairs).unwrap_err();
        assert!(failure.text.contains(named), "{failure}");
    }
}

#[test]
fn an_exec_needs_one_program_and_clean_variables() {
    let broken = [
        Exec {
            program: Program::Argv(vec![]),
            ..full_exec()
        },
        Exec {
            program: Program::Argv(vec![vec![]]),
            ..full_exec()
        },
        Exec {
            program: Program::Argv(vec![b"a\0".to_vec()]),
            ..full_exec()
        },
        Exec {
            program: Program::Script {
                text: vec![],
                shell: "a b".into(),
            },
            ..full_exec()
        },
        Exec {
            env_set: vec![(vec![], b"x".to_vec())],
            ..full_exec()
        },
        Exec {
            env_set: vec![(b"A".to_vec(), b"\0".to_vec())],
            ..full_exec()
        },
        Exec {
            env_unset: vec![b"A=B".to_vec()],
            ..full_exec()
        },
        Exec {
            env_secret: vec![(b"A".to_vec(), Secret(b"\0".to_vec()))],
            ..full_exec()
        },
        Exec {
            pty: Some(Pty::default()),
            ..full_exec()
        },
        Exec {
            stdin: Stdin::Input(vec![0; crate::limits::INPUT_BYTES_MAX + 1]),
            ..full_exec()
        },
        Exec {
            nice: 20,
            ..full_exec()
        },
        Exec {
            tails: vec![full_exec().tails[0].clone(); 2],
            ..full_exec()
        },
    ];
    for exec in broken {
        let failure = Request::from_box(&Request::Exec(exec.clone()).to_box()).unwrap_err();
        assert_eq!(failure.code, Code::BadRequest, "{exec:?}");
    }
}

#[test]
fn keys_of_exec_that_are_malformed_are_named() {
    let cases: [(&str, &[u8]); 9] = [
        ("umask", b"22"),
        ("umask", b"0888"),
        ("pty.rows", b"0"),
        ("pty.columns", b"65536"),
        ("leftovers", b"maybe"),
        ("on_full", b"wait"),
        ("tail", b"no path"),
        ("tail", b"log="),
        ("stdin", b"data"),
    ];
    for (key, value) in cases {
        let mut pairs = Boxed::new();
        pairs.push("arg", "make");
        pairs.push_flag("pty", true);
        pairs.push(key, value);
        let digest = exec::digest_of(&pairs);
        pairs.push("digest", crate::hex::encode(&digest));
        pairs.push("op", "exec");
        pairs.push("id", CommandId([1; 16]).to_string());
        pairs.push("generation", "1");
        let named = if key == "stdin" { "input" } else { key };
        let failure = Request::from_box(&pairs).unwrap_err();
        assert!(failure.text.contains(named), "{failure}");
    }
}

#[test]
fn a_secret_is_not_in_debugging_output() {
    let shown = format!("{:?}", full_exec());
    assert!(
        shown.contains("Secret") && !shown.contains("104, 117, 110, 116"),
        "{shown}"
    );
}

#[test]
fn a_signal_either_ends_or_is_delivered() {
    for both in [true, false] {
        let mut pairs = Boxed::new();
        pairs.push("op", "signal");
        pairs.push("id", CommandId([1; 16]).to_string());
        pairs.push("generation", "1");
        if both {
            pairs.push("mode", "term");
            pairs.push("signal", "HUP");
        }
        assert_eq!(
            Request::from_box(&pairs).unwrap_err().code,
            Code::BadRequest
        );
    }
}
