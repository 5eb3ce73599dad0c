//! The numbers that opening a file takes and that its attributes are told in.

/// Rights that a handle asks for.
pub(super) mod access {
    pub(in super::super) const LIST: u32 = 0x1;
    pub(in super::super) const WRITE_ATTRIBUTES: u32 = 0x100;
    pub(in super::super) const READ_ATTRIBUTES: u32 = 0x80;
    pub(in super::super) const TRAVERSE: u32 = 0x20;
    pub(in super::super) const DELETE: u32 = 0x1_0000;
    pub(in super::super) const SYNCHRONIZE: u32 = 0x10_0000;
    pub(in super::super) const GENERIC_READ: u32 = 0x8000_0000;
    pub(in super::super) const GENERIC_WRITE: u32 = 0x4000_0000;
}
/// What happens when the name is there, or is not.
pub(super) mod disposition {
    pub(in super::super) const OPEN: u32 = 1;
    pub(in super::super) const CREATE: u32 = 2;
    pub(in super::super) const OPEN_OR_CREATE: u32 = 3;
}
/// How a handle behaves.
pub(super) mod option {
    pub(in super::super) const DIRECTORY: u32 = 0x1;
    pub(in super::super) const SYNCHRONOUS: u32 = 0x20;
    pub(in super::super) const NON_DIRECTORY: u32 = 0x40;
    /// For removing with the right to back up, and for folders.
    pub(in super::super) const BACKUP_INTENT: u32 = 0x4000;
    /// The name itself is opened, even a link.
    pub(in super::super) const REPARSE_POINT: u32 = 0x20_0000;
}

pub(super) const ATTRIBUTE_READ_ONLY: u32 = 0x1;
pub(super) const ATTRIBUTE_FOLDER: u32 = 0x10;
pub(super) const ATTRIBUTE_NORMAL: u32 = 0x80;
pub(super) const ATTRIBUTE_REPARSE: u32 = 0x400;

/// Others may read, write, rename and remove what we hold open, as on other systems.
pub(super) const SHARE_ALL: u32 = 7;
