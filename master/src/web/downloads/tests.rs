//! Slow, stalled and many askers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const PIECE: usize = 64 * 1024;

/// Endless pieces, and how many were asked for.
fn pieces() -> (
    Arc<AtomicUsize>,
    impl Stream<Item = io::Result<Bytes>> + Send + use<>,
) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let pieces = futures_util::stream::repeat_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Bytes::from(vec![0; PIECE]))
    });
    (asked, pieces)
}

async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_slow_asker_holds_no_more_than_three_pieces() {
    let downloads = Downloads::new(1, Duration::from_secs(60));
    let (asked, pieces) = pieces();
    let slot = downloads.enter().unwrap();
    let mut body = pin!(slot.pump(1 << 40, pieces));
    for taken in 0..20 {
        until(|| asked.load(Ordering::SeqCst) >= taken + 2).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(asked.load(Ordering::SeqCst) <= taken + 3, "after {taken}");
        body.next().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_asker_who_takes_nothing_loses_the_place_and_is_cut() {
    let downloads = Downloads::new(1, Duration::from_millis(50));
    let (_, pieces) = pieces();
    let mut body = pin!(downloads.enter().unwrap().pump(1 << 40, pieces));
    body.next().await.unwrap().unwrap();
    assert!(matches!(downloads.enter(), Err(Error::Busy(_))));
    until(|| downloads.enter().is_ok()).await;
    body.next().await.unwrap().unwrap();
    let error = body.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn an_asker_who_goes_gives_the_place_back() {
    let downloads = Downloads::new(1, Duration::from_secs(60));
    let (_, pieces) = pieces();
    let body = downloads.enter().unwrap().pump(1 << 40, pieces);
    assert!(downloads.enter().is_err());
    drop(body);
    until(|| downloads.enter().is_ok()).await;
}

#[tokio::test]
async fn a_file_that_ends_early_is_an_error_and_no_short_answer() {
    let downloads = Downloads::new(1, Duration::from_secs(60));
    let short = futures_util::stream::iter([Ok(Bytes::from_static(b"abc"))]);
    let mut body = pin!(downloads.enter().unwrap().pump(4, short));
    assert_eq!(body.next().await.unwrap().unwrap(), "abc");
    assert!(body.next().await.unwrap().is_err());
}
