//! What the guard makes of what it sees.

use super::*;

/// Makes one piece of news.
type Said = fn() -> News;

fn judged(said: &[Said]) -> Verdict {
    let (sender, news) = mpsc::channel();
    for news in said {
        sender.send(news()).unwrap();
    }
    judge(&news, 20, 10)
}

#[test]
fn only_a_program_that_was_ready_and_stayed_takes_over() {
    assert_eq!(judged(&[|| News::Ready]), Verdict::Passed);
    let failures: [(&[Said], &str); 3] = [
        (&[], "did not reach the master within 20 ms"),
        (&[|| News::Ended], "before it had reached"),
        (&[|| News::Ready, || News::Ended], "right after"),
    ];
    for (said, expected) in failures {
        let Verdict::Failed(why) = judged(said) else {
            panic!("{expected}")
        };
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(judged(&[|| News::Ready, || News::Stop]), Verdict::Stopped);
}

#[test]
fn orders_survive_the_command_line() {
    let words = ["p", "p.new", "1.2", "/state", "500", "run", "--name=x"];
    let orders = Orders::read(words.iter().map(OsString::from).collect()).unwrap();
    assert_eq!(orders.successor.version, "1.2");
    assert_eq!((orders.bound_ms, orders.args.len()), (500, 2));
    assert!(Orders::read(words[..4].iter().map(OsString::from).collect()).is_none());
}
