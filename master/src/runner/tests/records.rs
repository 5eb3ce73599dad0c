//! What the product step records, and when it records nothing.

use crate::clock::Time;
use crate::config::resolved::{ProductGlob, ProductStep, PublicKeys, Step, StepKind};
use crate::db::products::{files, list, view};
use crate::db::{Conn, Db};
use crate::model::BuildResult::{Failure, Success};
use crate::model::{
    Product, ProductFile, ProductFilter, SignatureScheme, SignatureState, VersionScheme,
};

use super::works::{Works, run, step, template};

const MINISIGN_KEY: &str = "RWSz98UFavegyxvI9OxhC5QzDykBOOmER8NdNkMSNyjUIabks5d7wLn8";
const MINISIGN: &str = include_str!("../../signatures/tests/file.bin.minisig");

fn glob(role: &str, glob: &str, from: Option<&str>) -> ProductGlob {
    ProductGlob {
        role: role.to_owned(),
        glob: template(glob),
        delta_from: from.map(template),
        optional: false,
    }
}

fn product(version: &str, files: Vec<ProductGlob>) -> Step {
    let product = ProductStep {
        files,
        version: template(version),
        feed_version: None,
        target: template("x86_64-linux"),
        runtime: None,
        min_os: Some(template("10.15")),
        max_os: Some(template("14")),
        notes: None,
        properties: Default::default(),
    };
    step("product", StepKind::Product(product))
}

async fn with_keys(steps: Vec<Step>) -> Works {
    Works::with(steps, |config| {
        let project = config.projects.get_mut("editor").unwrap();
        project.version_scheme = VersionScheme::Semver;
        project.keys = PublicKeys {
            minisign: vec![MINISIGN_KEY.to_owned()],
            ..PublicKeys::default()
        };
    })
    .await
}

async fn recorded(db: &Db) -> Vec<(Product, Vec<ProductFile>, String)> {
    let read = |conn: &mut Conn| {
        let page = list::page(conn, Time(0), &ProductFilter::default())?;
        let whole = |product: Product| {
            let id = product.id;
            Ok((product, files::recorded(conn, id)?, view::notes(conn, id)?))
        };
        page.items.into_iter().map(whole).collect()
    };
    db.read("test", read).await.unwrap()
}

fn make(content: &str) -> Step {
    let script = format!(
        "mkdir dist; printf '{content}\\n' > dist/file.bin; cp sig dist/file.bin.minisig; \
         echo delta > dist/file.delta; echo '# New' > dist/NEWS.md"
    );
    run("make", &script)
}

#[tokio::test]
async fn roles_signatures_deltas_notes_and_systems_are_recorded() {
    let all = |from: &str| {
        vec![
            glob("installer", "dist/file.bin", None),
            glob("signature", "dist/*.minisig", None),
            glob("delta", "dist/*.delta", Some(from)),
            glob("notes", "dist/NEWS.md", None),
        ]
    };
    let steps = vec![
        super::source(),
        make("the bytes of a product"),
        product("1.0.0", all("")[..2].to_vec()),
        product("1.1.0", all("1.0.0")),
        product("1.2.0", all("0.9.0")),
    ];
    let works = with_keys(steps).await;
    works.repository.commit("first", &[("sig", MINISIGN)]);
    let build = works.finished(1).await;
    let story = works.story(&build).await;
    let expected = vec![
        Some(Success),
        Some(Success),
        Some(Success),
        Some(Success),
        Some(Failure),
    ];
    assert_eq!(works.results(&build).await, expected, "{story}");
    let log = works.log(&build, 3).await;
    let told = "file.bin: minisign signature verified, key CBA0F76A05C5F7B3";
    assert!(log.contains(told), "{log}");
    let log = works.log(&build, 4).await;
    assert!(
        log.contains("delta_from: no product of editor") && log.contains("`0.9.0`"),
        "{log}"
    );
    let recorded = recorded(works.db()).await;
    let [(second, files, notes), (first, ..)] = &recorded[..] else {
        panic!("{recorded:?}");
    };
    assert_eq!(
        (first.version.as_str(), second.version.as_str()),
        ("1.0.0", "1.1.0")
    );
    assert_eq!(
        (second.min_os.as_deref(), second.max_os.as_deref()),
        (Some("10.15"), Some("14"))
    );
    assert_eq!((notes.as_str(), second.files), ("# New\n", 4));
    let of = |role: &str| files.iter().find(|file| file.role == role).unwrap();
    let signature = &of("installer").signatures[0];
    let verified = (SignatureScheme::Minisign, SignatureState::Verified);
    assert_eq!((signature.scheme, signature.state), verified);
    assert_eq!(of("delta").delta_from.as_ref().unwrap().product, first.id);
    works.stop().await;
}

#[tokio::test]
async fn a_wrong_signature_or_version_records_nothing_and_says_why() {
    let files = || {
        vec![
            glob("installer", "dist/file.bin", None),
            glob("signature", "dist/*.minisig", None),
        ]
    };
    let mut wrong = product("1.0", files());
    wrong.may_fail = true;
    let steps = vec![
        super::source(),
        make("other bytes"),
        wrong,
        product("1.0.0", files()),
    ];
    let works = with_keys(steps).await;
    works.repository.commit("first", &[("sig", MINISIGN)]);
    let build = works.finished(1).await;
    let log = works.log(&build, 2).await;
    assert!(
        log.contains("`1.0` is no semantic version") && log.contains("`1.0.0`"),
        "{log}"
    );
    let log = works.log(&build, 3).await;
    for part in [
        "`file.bin`",
        "`file.bin.minisig`",
        "minisign",
        "CBA0F76A05C5F7B3",
    ] {
        assert!(log.contains(part), "{log}");
    }
    assert!(recorded(works.db()).await.is_empty());
    works.stop().await;
}

#[tokio::test]
async fn what_finds_no_room_is_refused_before_any_byte_is_sent() {
    let files = || vec![glob("installer", "dist/file.bin", None)];
    let mut too_large = product("1.0.0", files());
    too_large.may_fail = true;
    let mut no_system = product("1.1.0", files());
    if let StepKind::Product(step) = &mut no_system.kind {
        step.min_os = Some(template("15"));
    }
    let steps = vec![
        super::source(),
        make("more than ten bytes"),
        too_large,
        no_system,
    ];
    let works = Works::with(steps, |config| {
        config.projects.get_mut("editor").unwrap().quota = Some(10);
    })
    .await;
    works.repository.commit("first", &[("sig", MINISIGN)]);
    let build = works.finished(1).await;
    let log = works.log(&build, 2).await;
    assert!(
        log.contains("there is no room for") && log.contains("quota of the project editor"),
        "{log}"
    );
    let log = works.log(&build, 3).await;
    assert!(log.contains("max_os: `14` is below"), "{log}");
    assert!(recorded(works.db()).await.is_empty());
    let total = |conn: &mut Conn| crate::db::retention::files::expected(conn, "", 10);
    let stored = works.db().read("test", total).await.unwrap();
    assert!(stored.is_empty(), "{stored:?} came all the same");
    works.stop().await;
}
