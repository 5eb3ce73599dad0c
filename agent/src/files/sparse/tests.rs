//! Holes change nothing that a reader sees.

use super::*;
use crate::scratch::Scratch;

#[test]
fn a_file_with_pages_of_zeros_reads_as_written_whatever_the_pieces() {
    let scratch = Scratch::new();
    let mut content = vec![7_u8; 100];
    content.extend_from_slice(&[0; 40_000]);
    content.extend_from_slice(b"in the middle");
    content.extend_from_slice(&[0; 8192]);
    content.push(1);
    content.extend_from_slice(&[0; 20_000]);
    for piece in [1, 100, 4096, 5000, 65_536] {
        for from in [0, 1, 4096, 41_000] {
            let path = scratch.path().join(format!("{piece}-{from}"));
            std::fs::write(&path, &content[..from]).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            let mut sparse = SparseFile::new(file, from as u64).unwrap();
            for bytes in content[from..].chunks(piece) {
                sparse.write(bytes).unwrap();
            }
            assert_eq!(sparse.len(), content.len() as u64);
            drop(sparse.finish().unwrap());
            assert!(std::fs::read(&path).unwrap() == content, "{piece} {from}");
        }
    }
}
