//! The program for 64-bit ARM under an emulator.

use windlass_protocol::ops::{Reason, Request};

use crate::harness::script;

#[test]
fn the_program_for_arm_works_under_an_emulator() {
    let Some(bench) = super::bench("WINDLASS_TEST_ARM_AGENT") else {
        return;
    };
    let mut peer = bench.accept();
    let info = peer.call(&Request::Info).unwrap();
    assert_eq!(info.text("arch").unwrap(), Some("aarch64"));
    let ran = peer.exec(&script("echo from a shell; exit 3"));
    assert_eq!(
        (ran.result.reason, ran.result.exit),
        (Reason::Exited, Some(3))
    );
    assert_eq!(ran.output, b"from a shell\n");
}
