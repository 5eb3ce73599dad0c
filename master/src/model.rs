//! Plain words of the domain that several floors share. States are enums with one table of
//! allowed transitions each; no diesel, no HTTP.

mod agents;
mod audit;
mod blobs;
mod builders;
mod builds;
mod changes;
mod drafts;
mod guides;
mod names;
mod offers;
mod os_versions;
mod page;
mod products;
mod releases;
mod requests;
mod retention;
mod sight;
mod states;
mod tree;
mod users;
mod verdicts;

pub use agents::{AgentStatus, AgentSummary, AgentToken, AgentUpgrade, Program};
pub use audit::AuditEntry;
pub use blobs::{Blob, StoreContent};
pub use builders::{BuilderFilter, BuilderSummary, RECENT_MAX, RecentBuild};
pub use builds::{
    BUILD_CHANGES_MAX, BuildDetail, BuildFilter, BuildProduct, BuildSummary, LogDetail, LogSummary,
    Property, SourceStamp, StepSummary, StepUsage,
};
pub use changes::{ChangeBuild, ChangeFilter, ChangeSummary};
pub use drafts::{
    Draft, ProductRecord, RecordFile, RecordRevision, RecordSignature, Upload, UploadSpan,
};
pub use guides::{ClientFamily, Guide, GuideLines};
pub use names::{Name, NameError};
pub use offers::{DeltaBase, Offer, OfferFile, OfferSignature, OfferedProduct};
pub use os_versions::{check_os_range, check_os_version};
pub use page::{PAGE_ROWS_MAX, Page};
pub use products::{
    Artifact, DeltaStart, Hold, NewProduct, NewProductFile, Product, ProductDetail, ProductFile,
    ProductFilter, ProductProperty, ProductRevision, ServedFile, Signature,
};
pub use releases::{
    Branch, BranchFilter, Release, ReleaseDetail, ReleaseFilter, Shutoff, Signoff, SignoffNeed,
    UpdateCount,
};
pub use requests::{RequestFilter, RequestSummary};
pub use retention::{
    Forecast, Plan, PlanDetail, PlanItem, PlanLatest, Point, PolicyText, ProjectState, StoreState,
    Trashed, WhyKept,
};
pub use sight::Sight;
pub use states::{
    AgentUpgradeState, AuditOutcome, BlobState, BlobStore, BranchState, BuildResult, BuildState,
    DraftState, OutboxState, PlanState, ProductState, ReleaseState, RequestState, Role,
    SignatureScheme, SignatureState, StepState, UploadState, Verdict, VersionScheme,
};
pub use tree::{TreeEntry, TreeKind, TreeStats};
pub use users::{Token, User};
pub use verdicts::{
    Checklist, CodebaseDifference, Comparison, Desk, DeskRow, FileDifference, FoundProduct,
    HeldProduct, HoldFilter, HoldOrder, Judgement, Label, NewJudgement, PropertyDifference, Since,
};
