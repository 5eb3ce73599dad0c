//! Plain words of the domain that several floors share. States are enums with one table of
//! allowed transitions each; no diesel, no HTTP.

mod blobs;
mod names;
mod products;
mod states;
mod tree;

pub use blobs::Blob;
pub use names::{Name, NameError};
pub use products::{
    Artifact, Hold, NewProduct, NewProductFile, Product, ProductDetail, ProductFile, ProductFilter,
    ProductProperty, ProductRevision, ServedFile,
};
pub use states::{
    AuditOutcome, BuildResult, BuildState, ProductState, RequestState, Role, StepState,
};
pub use tree::{TreeEntry, TreeKind, TreeStats};
