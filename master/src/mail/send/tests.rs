//! The folder, and servers that refuse, hang or are not there, over real sockets. STARTTLS and
//! AUTH are shown end to end with a real server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use super::*;
use crate::mail::letter::tests::letter;

fn smtp(port: u16) -> Mail {
    Mail {
        from: "builds@acme.example".to_owned(),
        transport: MailTransport::Smtp {
            host: "127.0.0.1".to_owned(),
            port,
            security: MailSecurity::Plain,
            user: None,
            password: None,
            ca_file: None,
        },
    }
}

/// A server that gives `answer` to RCPT and takes everything else; returns its port.
fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut writer = stream.try_clone().unwrap();
            let _ = writer.write_all(b"220 test\r\n");
            let mut in_mail = false;
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let reply = match line.get(..4).unwrap_or(&line) {
                    "." => {
                        in_mail = false;
                        "250 taken\r\n"
                    }
                    _ if in_mail => continue,
                    "DATA" => {
                        in_mail = true;
                        "354 go on\r\n"
                    }
                    "RCPT" => answer,
                    "QUIT" => "221 bye\r\n",
                    _ => "250 ok\r\n",
                };
                let _ = writer.write_all(reply.as_bytes());
            }
        }
    });
    port
}

#[tokio::test]
async fn a_folder_gets_one_file_per_mail() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Mail {
        from: "builds@acme.example".to_owned(),
        transport: MailTransport::Folder(folder.path().join("mail")),
    };
    Sender::new(&mail).unwrap().send(&letter()).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path().join("mail"))
        .unwrap()
        .collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    assert!(text.contains("To: mara@acme.example"), "{text}");
}

#[tokio::test]
async fn a_server_that_takes_it_ends_the_matter() {
    let sender = Sender::new(&smtp(server("250 ok\r\n"))).unwrap();
    sender.send(&letter()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_for_now_and_one_for_ever_are_told_apart() {
    let send = async |answer| {
        let sender = Sender::new(&smtp(server(answer))).unwrap();
        sender.send(&letter()).await.unwrap_err()
    };
    let later = send("450 come back\r\n").await;
    assert!(
        matches!(&later, MailError::Later(text) if text.contains("come back")),
        "{later:?}"
    );
    let never = send("550 no such user\r\n").await;
    assert!(
        matches!(&never, MailError::Never(text) if text.contains("no such")),
        "{never:?}"
    );
    for repaired in [
        "530 who are you",
        "552 mailbox full",
        "554 no service",
        "502 what",
    ] {
        let answer: &'static str = format!("{repaired}\r\n").leak();
        let error = send(answer).await;
        assert!(matches!(error, MailError::Later(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let sender = Sender::new(&smtp(port)).unwrap();
    let error = sender.send(&letter()).await.unwrap_err();
    assert!(matches!(error, MailError::Later(_)), "{error:?}");
}

#[test]
fn a_missing_secret_says_which_and_is_tried_later() {
    let mut mail = smtp(25);
    if let MailTransport::Smtp { user, password, .. } = &mut mail.transport {
        *user = Some("builds".to_owned());
        *password = Some(SecretRef::File(PathBuf::from("nowhere/secret")));
    }
    let error = Sender::new(&mail).err().unwrap();
    assert!(matches!(&error, MailError::Later(text) if text.contains("nowhere/secret")));
}
