//! CRC-32 (IEEE 802.3), by hand because the agent may depend on nothing: finds bits that a disk
//! has turned. Not here: what is checked.

/// The reflected polynomial.
const POLYNOMIAL: u32 = 0xedb8_8320;
const TABLE: [u32; 256] = make_table();

const fn make_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let out = value & 1;
            value >>= 1;
            if out == 1 {
                value ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// The checksum of several pieces, one after another.
pub(super) fn crc32(pieces: &[&[u8]]) -> u32 {
    let mut value = u32::MAX;
    for piece in pieces {
        for byte in *piece {
            value = TABLE[usize::from(value.to_le_bytes()[0] ^ byte)] ^ (value >> 8);
        }
    }
    !value
}
