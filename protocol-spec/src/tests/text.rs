//! The tables of README.md against the code: whoever changes one must change the other.

use crate::error::Code;
use crate::header::FrameType;
use crate::journal::RecordKind;
use crate::limits;
use crate::ops::Reason;

const TEXT: &str = include_str!("../../README.md");

/// The rows of the table whose head begins so, as cells.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let head = format!("| {head} |");
    let lines: Vec<&str> = TEXT.lines().collect();
    // A diagram may begin with the same word; a table has a rule below its head.
    let at = lines
        .windows(2)
        .position(|two| two[0].starts_with(&head) && two[1].starts_with("|--"));
    let at = at.unwrap_or_else(|| panic!("no table {head:?}"));
    let rows = lines
        .into_iter()
        .skip(at + 2)
        .take_while(|line| line.starts_with('|'));
    let cells = |line: &'static str| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_table_of_frames_is_the_tags_of_the_code() {
    let written: Vec<_> = table("tag").iter().map(|row| (row[0], row[1])).collect();
    let tags: Vec<_> = FrameType::ALL
        .iter()
        .map(|t| format!("0x{:02x}", t.tag()))
        .collect();
    let coded: Vec<_> = tags
        .iter()
        .zip(FrameType::ALL)
        .map(|(tag, kind)| (tag.as_str(), kind.name()))
        .collect();
    assert_eq!(written, coded);
    for kind in FrameType::ALL {
        assert_eq!(FrameType::parse(kind.tag()), Some(*kind));
    }
}

#[test]
fn the_table_of_codes_is_the_closed_list() {
    let written: Vec<_> = table("code").iter().map(|row| row[0]).collect();
    let coded: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(written, coded);
}

#[test]
fn the_table_of_reasons_is_the_closed_list() {
    let written: Vec<_> = table("reason").iter().map(|row| row[0]).collect();
    let coded: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(written, coded);
}

#[test]
fn the_table_of_records_is_the_kinds_of_the_code() {
    use RecordKind::{Exit, Note, Started, Stderr, Stdout, Tail};
    let written: Vec<_> = table("kind").iter().map(|row| row[0].to_owned()).collect();
    let coded = [Stdout, Stderr, Note, Started, Tail, Exit].map(|kind| kind.as_byte().to_string());
    assert_eq!(written, coded);
}

#[test]
fn the_table_of_operations_names_the_keys_that_are_sent() {
    let source = [
        include_str!("../ops/facts.rs"),
        include_str!("../ops/files.rs"),
        include_str!("../ops/trees.rs"),
    ]
    .concat();
    let rows = table("op");
    assert_eq!(rows.len(), 12);
    for row in rows {
        assert!(
            include_str!("../ops.rs").contains(&format!("\"{}\" =>", row[0])),
            "{row:?}"
        );
        for word in row[1].split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let known = ["", "to", "resume"].contains(&word);
            assert!(
                known || source.contains(&format!("\"{word}\"")),
                "{word} of {row:?}"
            );
        }
    }
    for row in table("key") {
        for word in row[0]
            .split(['`', ',', ' ', '*'])
            .filter(|word| !word.is_empty())
        {
            let source =
                include_str!("../ops/exec.rs").to_owned() + include_str!("../ops/manner.rs");
            assert!(source.contains(&format!("\"{word}\"")), "{word} of {row:?}");
        }
    }
}

#[test]
fn the_table_of_limits_is_the_constants() {
    macro_rules! coded {
        ($($name:ident)*) => { vec![$((stringify!($name), limits::$name as u64),)*] };
    }
    let coded = coded! {
        FRAME_BEFORE_AUTH_MAX FRAME_MAX DATA_BYTES_MAX DATA_BYTES_FIRST BOX_PAIRS_MAX BOX_KEY_MAX MAC_BYTES
        CHANNELS_MAX SEND_QUEUE_MAX LOG_WINDOW FILE_WINDOW COMMANDS_MAX KEYS_MAX CAPABILITIES_MAX
        NAME_BYTES_MAX TEXT_BYTES_MAX HANDSHAKE_MS REFUSAL_MS PING_MS DEAD_MS RECORD_BYTES_MAX
        INPUT_BYTES_MAX TAILS_MAX PATH_BYTES_MAX COMPONENT_BYTES_MAX ENTRY_BYTES_MAX ENTRIES_MAX SEQUENCE_MAX OFFSET_MAX
    };
    let written: Vec<_> = table("limit")
        .iter()
        .map(|row| (row[0], row[1].parse::<u64>().unwrap()))
        .collect();
    assert_eq!(written, coded);
    let constants = include_str!("../limits.rs").matches("pub const ").count();
    assert_eq!(
        constants,
        coded.len(),
        "a constant is missing here and in the text"
    );
}

#[test]
fn the_session_in_the_text_is_the_one_in_the_vectors() {
    let at = TEXT.find("## 12.").unwrap();
    let (_, block) = TEXT[at..].split_once("```text\n").unwrap();
    let written: String = block
        .lines()
        .take_while(|line| *line != "```")
        .flat_map(|line| line.chars().take(72).filter(|c| c.is_ascii_hexdigit()))
        .collect();
    let vectors = include_str!("../../vectors/session.txt");
    let lines = vectors.lines().filter_map(|line| {
        line.strip_prefix("up: ")
            .or_else(|| line.strip_prefix("down: "))
    });
    assert_eq!(written, lines.collect::<String>());
}
