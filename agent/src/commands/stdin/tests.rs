//! The promises of a command's input.

use std::io::Read;
use std::sync::Arc;

use super::StdinQueue;

#[test]
fn the_end_of_a_command_ends_its_input_although_the_master_never_did() {
    let queue = Arc::new(StdinQueue::default());
    let (mut reader, writer) = std::io::pipe().unwrap();
    queue.feed(writer).unwrap();
    queue.push(0, b"input");
    let mut taken = [0; 5];
    reader.read_exact(&mut taken).unwrap();
    queue.close();
    queue.push(5, b"late");
    // The thread lets go of the pipe, or this would wait for ever.
    assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
}
