//! The manifest of a tree, whole and consistent, in a form that stays small for two million
//! entries. Not here: comparing it with what is there; keeping it for the next try.

use windlass_protocol::path::CaseClash;
use windlass_protocol::tree::{Entry, EntryDecoder, Kind};
use windlass_protocol::{Code, Failure};

use crate::sys;

/// Every entry in the order in which it was sent.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Paths, and behind the path of a link its target.
    text: Vec<u8>,
    slots: Vec<Slot>,
    /// Numbers of the entries, in the order of their paths.
    order: Vec<u32>,
    files: usize,
}

/// One entry without its text.
#[derive(Debug)]
struct Slot {
    sha256: [u8; 32],
    /// Bytes of a file, or of the target of a link.
    size: u64,
    /// Where its path begins in the text.
    at: u32,
    len: u16,
    kind: Kind,
    executable: bool,
}

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Its place in the manifest.
    pub(super) number: usize,
    pub(super) path: &'a [u8],
    pub(super) kind: Kind,
    pub(super) executable: bool,
    /// Bytes of a file, else 0.
    pub(super) size: u64,
    /// Of a file's content.
    pub(super) sha256: [u8; 32],
    /// Of a link, else empty.
    pub(super) target: &'a [u8],
}

impl Manifest {
    /// The entry with that number.
    pub(super) fn item(&self, number: usize) -> Item<'_> {
        let slot = &self.slots[number];
        let text = &self.text[slot.at as usize..];
        let (path, text) = text.split_at(slot.len.into());
        let is_link = slot.kind == Kind::Link;
        let target = if is_link {
            // As long as it was when it was put there.
            &text[..usize::try_from(slot.size).unwrap_or(0)]
        } else {
            &[]
        };
        Item {
            number,
            path,
            kind: slot.kind,
            executable: slot.executable,
            size: if is_link { 0 } else { slot.size },
            sha256: slot.sha256,
            target,
        }
    }

    /// Entries, of every kind.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many of them are files.
    pub(super) fn file_count(&self) -> usize {
        self.files
    }

    /// Every entry in the order in which it was sent.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.slots.len()).map(|number| self.item(number))
    }

    /// The files in the order of the need list.
    pub(super) fn files(&self) -> impl Iterator<Item = Item<'_>> {
        self.items().filter(|item| item.kind == Kind::File)
    }

    /// Every entry in the order of the paths.
    pub(super) fn sorted(&self) -> impl Iterator<Item = Item<'_>> {
        self.order.iter().map(|number| self.item(*number as usize))
    }

    /// Where in the order a path is, or would be.
    fn search(&self, path: &[u8]) -> Result<usize, usize> {
        self.order
            .binary_search_by(|number| self.item(*number as usize).path.cmp(path))
    }

    fn kind_of(&self, path: &[u8]) -> Option<Kind> {
        let at = self.search(path).ok()?;
        Some(self.slots[self.order[at] as usize].kind)
    }

    /// Whether a path is a file or link of the tree.
    pub(super) fn has_leaf(&self, path: &[u8]) -> bool {
        self.kind_of(path).is_some_and(|kind| kind != Kind::Dir)
    }

    /// Whether a path is a folder of the tree, named or implied.
    pub(super) fn has_folder(&self, path: &[u8]) -> bool {
        if let Some(kind) = self.kind_of(path) {
            return kind == Kind::Dir;
        }
        let below = [path, b"/"].concat();
        let next = self.search(&below).unwrap_or_else(|next| next);
        let first = self.order.get(next);
        first.is_some_and(|number| self.item(*number as usize).path.starts_with(&below))
    }

    fn push(&mut self, entry: &Entry) -> Result<(), Failure> {
        sys::check_path(&entry.path)?;
        let at = u32::try_from(self.text.len());
        let at = at.map_err(|_| refuse(Code::TooLarge, entry, "the paths are above 4 GiB"))?;
        let sha256 = match entry.kind {
            Kind::File => entry.sha256.ok_or("a file needs its SHA-256"),
            Kind::Dir | Kind::Link => Ok([0; 32]),
            Kind::Other => Err("a tree has only files, folders and links"),
        };
        let sha256 = sha256.map_err(|why| refuse(Code::BadRequest, entry, why))?;
        let target = entry.target.as_deref().unwrap_or_default();
        let path = entry.path.as_bytes();
        self.text.extend_from_slice(path);
        self.text.extend_from_slice(target);
        self.files += usize::from(entry.kind == Kind::File);
        self.slots.push(Slot {
            sha256,
            size: match entry.kind {
                Kind::Link => target.len() as u64,
                _ => entry.size,
            },
            at,
            // A path has 4096 bytes at most.
            len: u16::try_from(path.len()).unwrap_or(0),
            kind: entry.kind,
            executable: entry.executable,
        });
        Ok(())
    }

    /// Sorts, and checks that no path comes twice or lies below a file or link.
    fn check(&mut self) -> Result<(), Failure> {
        // There are fewer entries than 2^32.
        let mut order: Vec<u32> = (0..self.slots.len() as u32).collect();
        order.sort_unstable_by(|one, other| {
            let path = |number: &u32| self.item(*number as usize).path;
            path(one).cmp(path(other))
        });
        self.order = order;
        let wrong = |path: &[u8], why| Err(Failure::new(Code::BadRequest, why).with_path(path));
        let mut last: &[u8] = b"";
        for item in self.sorted() {
            if item.path == last {
                return wrong(item.path, "the path comes twice in the manifest");
            }
            let shared = shared_folders(last, item.path);
            for end in slashes(item.path).filter(|end| *end > shared) {
                if self.has_leaf(&item.path[..end]) {
                    return wrong(item.path, "the path lies below a file or link");
                }
            }
            last = item.path;
        }
        Ok(())
    }
}

/// Where the slashes are.
fn slashes(path: &[u8]) -> impl Iterator<Item = usize> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    ends.map(|(at, _)| at)
}

/// Bytes of the last folder that is above both.
fn shared_folders(one: &[u8], other: &[u8]) -> usize {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    slashes(&other[..same]).last().unwrap_or(0)
}

fn refuse(code: Code, entry: &Entry, why: &str) -> Failure {
    Failure::new(code, why).with_path(entry.path.as_bytes())
}

/// A manifest on its way in.
pub(super) struct Builder {
    decoder: EntryDecoder,
    manifest: Manifest,
    clash: Option<CaseClash>,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            decoder: EntryDecoder::new(),
            manifest: Manifest::default(),
            clash: sys::IGNORES_CASE.then(CaseClash::new),
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.decoder.push(bytes);
        while let Some(entry) = self.decoder.next_entry()? {
            if let Some(clash) = &mut self.clash {
                clash.insert(&entry.path)?;
            }
            self.manifest.push(&entry)?;
        }
        Ok(())
    }

    /// Everything came: checks that it is whole and consistent.
    pub(super) fn finish(mut self) -> Result<Manifest, Failure> {
        if !self.decoder.is_ended() || !self.decoder.into_rest().is_empty() {
            let text = "the manifest must end with its end mark where `manifest_size` says";
            return Err(Failure::new(Code::BadRequest, text));
        }
        self.manifest.check()?;
        Ok(self.manifest)
    }
}
