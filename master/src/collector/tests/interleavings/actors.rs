//! Who acts: what people, builds, applications and the collector do, by the same operations as
//! always. Each goes through its own few deeds; the stage decides what comes in between.

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::super::world::{DAY, World};
use super::contents::Contents;
use super::stage::pause;
use crate::app::App;
use crate::auth::Identity;
use crate::db::{Conn, products};
use crate::error::Error;
use crate::ids::ProductId;
use crate::model::{
    NewJudgement, NewProductFile, ProductRecord, RecordFile, Upload, UploadSpan, Verdict,
};
use crate::ops;
use crate::ops::releases::{Preparation, Rollback, Step};
use crate::ops::{artifacts, drafts, holds, labels, releases, retention, uploads, verdicts};

/// Numbers that look like chance (xorshift64*).
pub(super) struct Dice(Cell<u64>);

impl Dice {
    pub(super) fn new(number: u64) -> Self {
        Self(Cell::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1))
    }

    pub(super) fn roll(&self, sides: usize) -> usize {
        let mut seed = self.0.get();
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        self.0.set(seed);
        let number = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
        usize::try_from((number >> 33) % sides as u64).unwrap()
    }

    pub(super) fn is_even(&self) -> bool {
        self.roll(2) == 0
    }
}

/// Who acts, in what part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A build whose agent brings files, and a product step that records them.
    Build,
    /// Somebody who brings a product by REST.
    Uploader,
    /// Keeps a product, and lifts the hold.
    Keeper,
    /// Gives verdicts and labels.
    Tester,
    /// Releases, pauses, takes back, rolls back.
    Releaser,
    /// An application that fetches a file.
    Application,
    /// Plans and applies.
    Planner,
    /// Plans without writing.
    DryPlanner,
    /// Collects a single product.
    Librarian,
    /// Takes products out of the trash.
    Restorer,
    /// The collector's hourly care.
    Collector,
    /// Time passes.
    Days,
}

/// Every role, as often as it comes up.
pub(super) const CAST: [Role; 16] = [
    Role::Build,
    Role::Build,
    Role::Uploader,
    Role::Keeper,
    Role::Tester,
    Role::Releaser,
    Role::Application,
    Role::Application,
    Role::Planner,
    Role::Planner,
    Role::DryPlanner,
    Role::Librarian,
    Role::Restorer,
    Role::Collector,
    Role::Collector,
    Role::Collector,
];

impl Role {
    /// Whether what it does must leave alone what applications are told.
    pub(super) fn collects(self) -> bool {
        matches!(
            self,
            Self::Planner | Self::DryPlanner | Self::Librarian | Self::Collector
        )
    }
}

/// What all of them share.
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    pub(super) app: &'a App,
    pub(super) who: &'a Identity,
    pub(super) contents: &'a Contents,
    pub(super) dice: &'a Dice,
    pub(super) position: Cell<i64>,
    pub(super) products: RefCell<Vec<ProductId>>,
}

/// A refusal is an answer like another; a fault is none.
fn answer<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Internal(error)) => panic!("a fault: {error}"),
        Err(Error::Busy(text)) => panic!("busy: {text}"),
        Err(_) => None,
    }
}

impl Scene<'_> {
    pub(super) async fn act(&self, role: Role) {
        match role {
            Role::Build => self.build().await,
            Role::Uploader => self.bring().await,
            Role::Keeper => self.keep().await,
            Role::Tester => self.judge().await,
            Role::Releaser => self.release().await,
            Role::Application => self.fetch().await,
            Role::Planner => self.plan().await,
            Role::DryPlanner => drop(answer(retention::make(self.app, self.who, true).await)),
            Role::Librarian => self.collect().await,
            Role::Restorer => self.restore().await,
            Role::Collector => self.care().await,
            Role::Days => self.wait().await,
        }
    }

    fn next_position(&self) -> i64 {
        self.position.set(self.position.get() + 1);
        self.position.get()
    }

    /// One of the products there are.
    fn any(&self) -> Option<ProductId> {
        let products = self.products.borrow();
        match products.len() {
            0 => None,
            count => Some(products[self.dice.roll(count)]),
        }
    }

    /// Files come piece by piece; then one transaction names them. Some builds fail before it.
    pub(super) async fn build(&self) {
        let (name, content) = self.contents.get(self.dice.roll(self.contents.count()));
        let mut writer = self.app.blobs.writer().unwrap();
        let half = content.len() / 2;
        for piece in [content.slice(..half), content.slice(half..)] {
            writer.append(piece).await.unwrap();
        }
        let (blob, lease) = writer.finish_leased().await.unwrap();
        assert_eq!(blob.sha256, *name);
        if self.dice.roll(6) == 0 {
            self.contents.leave(name);
            return;
        }
        let position = self.next_position();
        let base = self.any().filter(|_| self.dice.roll(3) == 0);
        let mut new = products::tests::sample(position, position, &format!("1.{position}"));
        new.files[0].blob = blob.clone();
        if self.dice.roll(4) == 0 {
            // Runs on every system: what those are offered who cannot run the others.
            new.min_os = None;
        }
        if let Some(base) = base {
            new.files.push(NewProductFile {
                role: "delta".to_owned(),
                name: "delta.bin".to_owned(),
                delta_from: Some(base),
                ..new.files[0].clone()
            });
        }
        let now = self.app.clock.now();
        let work = move |conn: &mut Conn| products::record(conn, now, &new);
        let id = self.app.db.tx("product", work).await.unwrap();
        self.products.borrow_mut().push(id);
        drop(lease);
    }

    /// Announced, sent in two requests, and committed or given up.
    async fn bring(&self) {
        let (name, content) = self.contents.get(self.dice.roll(self.contents.count()));
        let position = self.next_position();
        let record = ProductRecord {
            project: "editor".to_owned(),
            branch: "main".to_owned(),
            target: "x86_64-linux".to_owned(),
            version: format!("2.{position}"),
            position: Some(position),
            files: vec![RecordFile {
                role: "installer".to_owned(),
                name: "editor.run".to_owned(),
                size: content.len() as u64,
                sha256: self.dice.is_even().then(|| name.clone()),
                delta_from: None,
                source_path: None,
                signatures: Vec::new(),
            }],
            ..ProductRecord::default()
        };
        let draft = drafts::create(self.app, self.who, record, None).await;
        let draft = draft.unwrap();
        let file = &draft.uploads[0];
        let half = content.len() as u64 / 2;
        if file.received < file.size {
            self.send(file, content, (0, half)).await;
            self.send(file, content, (half, file.size)).await;
        }
        if self.dice.roll(4) == 0 {
            answer(drafts::abandon(self.app, self.who, draft.id).await);
            // Its time runs out as that of anything that nothing names.
            return;
        }
        if let Some(product) = answer(drafts::commit(self.app, self.who, draft.id).await) {
            self.products.borrow_mut().push(product.product.id);
        }
    }

    async fn send(&self, file: &Upload, content: &Bytes, (first, end): (u64, u64)) {
        let span = UploadSpan {
            first,
            end: Some(end),
            total: Some(file.size),
        };
        let part = usize::try_from(first).unwrap()..usize::try_from(end).unwrap();
        let body = stream::iter([Ok::<_, ()>(content.slice(part))]);
        answer(uploads::receive(self.app, self.who, file.id, span, body).await);
    }

    async fn keep(&self) {
        let Some(id) = self.any() else { return };
        let until = (self.dice.is_even()).then(|| self.app.clock.now().after(DAY * 2));
        let kept = holds::keep(self.app, self.who, id, "QA", until).await;
        let Some(hold) = answer(kept) else { return };
        if self.dice.is_even() {
            pause().await;
            answer(holds::lift(self.app, self.who, hold.id, "over").await);
        }
    }

    async fn judge(&self) {
        let Some(id) = self.any() else { return };
        let verdict = match self.dice.is_even() {
            true => Verdict::Good,
            false => Verdict::Bad,
        };
        let new = NewJudgement {
            verdict,
            comment: String::new(),
            bug: (verdict == Verdict::Bad).then(|| "https://bugs.example/1".to_owned()),
            checklist: Vec::new(),
        };
        answer(verdicts::judge(self.app, self.who, id, new).await);
        let Some(id) = self.any() else { return };
        answer(labels::set(self.app, self.who, id, "beta", "test").await);
        if self.dice.is_even() {
            answer(labels::remove(self.app, self.who, id, "beta", "test").await);
        }
    }

    async fn release(&self) {
        let Some(id) = self.any() else { return };
        let wanted = Preparation {
            product: id,
            fallback: self.any().filter(|_| self.dice.roll(3) == 0),
            rollout_percent: [10, 100][self.dice.roll(2)],
            watershed: self.dice.roll(4) == 0,
            critical: false,
            override_reason: String::new(),
        };
        let made = releases::create(self.app, self.who, wanted).await;
        let Some(release) = answer(made).map(|detail| detail.release.id) else {
            return;
        };
        let reason = || "test".to_owned();
        let mut steps = vec![Step::Go];
        if self.dice.is_even() {
            steps.extend([Step::Pause(reason()), Step::Resume]);
        }
        for step in steps {
            answer(releases::step(self.app, self.who, release, None, step).await);
        }
        match (self.dice.roll(3), self.any()) {
            (0, Some(to)) => {
                let wanted = Rollback {
                    to,
                    reason: reason(),
                    override_reason: reason(),
                };
                answer(releases::rollback(self.app, self.who, release, None, wanted).await);
            }
            (1, _) => {
                let step = Step::Withdraw(reason());
                answer(releases::step(self.app, self.who, release, None, step).await);
            }
            _ => {}
        }
    }

    /// As the pages' server does it: who may have it, the lease, whether it is whole, its pieces.
    async fn fetch(&self) {
        let Some(id) = self.any() else { return };
        let shown = ops::products::show(self.app, self.who, id).await.unwrap();
        let Some(file) = shown.files.first() else {
            return;
        };
        let file = artifacts::file(self.app, self.who, &file.sha256, &file.name, None).await;
        let Some(file) = answer(file) else { return };
        let content = self.contents.of(&file.sha256);
        let lease = self.app.blobs.lease(&file.sha256);
        if self.app.blobs.size(&file.sha256).await.is_err() {
            // Days have passed between the two looks, and it left before the lease.
            return;
        }
        let mut read = Vec::new();
        let size = content.len() as u64;
        let mut pieces = Box::pin(self.app.blobs.read(&file.sha256, 0..size));
        while let Some(piece) = pieces.next().await {
            read.extend_from_slice(&piece.unwrap());
            pause().await;
        }
        assert!(read == *content, "an application was given other bytes");
        drop(lease);
    }

    async fn plan(&self) {
        let Some(planned) = answer(retention::make(self.app, self.who, false).await) else {
            return;
        };
        assert_eq!(
            planned.refused, "",
            "a living branch would offer another product"
        );
        let Some(plan) = planned.plan else { return };
        if answer(retention::apply(self.app, self.who, plan).await).is_some() {
            self.world.parts.apply_pending().await.unwrap();
        }
    }

    async fn collect(&self) {
        for _ in 0..2 {
            let Some(id) = self.any() else { return };
            answer(retention::collect(self.app, self.who, id, None, "test").await);
        }
    }

    async fn restore(&self) {
        for _ in 0..2 {
            let trash = answer(retention::in_trash(self.app, self.who, None).await);
            let trash = trash.map_or_else(Vec::new, |page| page.items);
            let Some(one) = trash.first() else {
                pause().await;
                continue;
            };
            let version = Some(one.row_version);
            answer(retention::restore(self.app, self.who, one.product, version, "test").await);
        }
    }

    /// The collector's care, each part where the dice say so: another master may be at another.
    async fn care(&self) {
        let parts = &self.world.parts;
        for _ in 0..3 {
            match self.dice.roll(6) {
                0 => {
                    let policies = parts.policies().unwrap();
                    parts.empty_trash(&policies).await.unwrap();
                }
                1 => parts.condemn_unnamed().await.unwrap(),
                2 | 3 => parts.unlink_condemned().await.unwrap(),
                4 => parts.sort_store_trash().await.unwrap(),
                _ => parts.take_inventory().await.unwrap(),
            }
        }
    }

    async fn wait(&self) {
        for _ in 0..4 {
            let days = u32::try_from(1 + self.dice.roll(2)).unwrap();
            self.world.parts.clock.advance(DAY * days);
            pause().await;
        }
    }
}
