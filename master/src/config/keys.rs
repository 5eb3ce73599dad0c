//! Every key of the configuration, by section: the reader refuses others, the manual has them all.

/// The keys of one kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// What the table is called in messages and in the manual.
    pub section: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident = $section:literal: $($key:literal)+;)*) => {
        $($(#[$doc])* pub(super) const $name: Keys = Keys {
            section: $section,
            keys: &[$($key),+],
        };)*

        /// Every section.
        pub const SECTIONS: &[Keys] = &[$($name),*];
    };
}

sections! {
    ROOT = "the file": "include" "master" "mail" "project" "repository" "agents" "agent"
        "builder" "schedule" "notify" "uploads" "retention";
    MASTER = "[master]": "title" "url" "data" "agent_listen" "agent_address" "agent_tls"
        "agent_plain" "web_listen" "database"
        "anonymous_read" "blobs" "s3" "collect" "collect_applies" "quota" "store_owner"
        "store_grace" "scrub" "hold_notice_days" "event_days" "audit_days" "mail_days";
    S3 = "s3": "endpoint" "region" "key" "secret" "new_files";
    AGENT_TLS = "agent_tls": "certificate" "key";
    MAIL = "[mail]": "from" "smtp" "password" "ca_file" "folder";
    SECRET = "a secret": "file" "env";
    PROJECT = "[project.NAME]": "title" "publish" "version_scheme" "keys" "releases" "signoffs" "quota"
        "bad_needs_bug" "checklist" "private";
    SIGNOFFS = "signoffs": "qa" "engineer" "admin";
    PUBLIC_KEYS = "the keys of a project": "minisign" "ed25519" "gpg";
    REPOSITORY = "[repository.NAME]": "project" "vcs" "url" "branches" "poll";
    AGENTS = "[agents]": "owner" "contact" "missing_after" "named_only";
    AGENT = "[agent.NAME]": "labels" "slots" "dial" "lost_after" "lease" "owner" "contact"
        "missing_after";
    BUILDER = "[builder.NAME]": "project" "tags" "matrix" "agents" "steps";
    SOURCE_STEP = "a source step": "source" "into" "clean" "name" "always" "may_fail" "on_lost";
    RUN_STEP = "a run step": "run" "cwd" "env" "timeout" "idle" "grace" "output_max" "max_lines"
        "stdin" "split" "pty" "logs" "clean_env" "nice" "umask" "leftovers" "on_full" "name"
        "always" "may_fail" "on_lost";
    PTY = "the size of a terminal": "rows" "columns";
    VARIABLE = "an environment variable": "file" "env" "prepend" "unset";
    UPLOAD_STEP = "an upload step": "upload" "name" "always" "may_fail" "on_lost";
    PRODUCT_FILES = "files of a role": "files" "from" "optional";
    PRODUCT_STEP = "a product step": "product" "version" "feed_version" "target" "runtime"
        "min_os" "max_os" "notes" "delta_from" "properties" "name" "always" "may_fail" "on_lost";
    UPLOADS = "[uploads]": "lease" "reserve";
    CHANGE = "[schedule.NAME] on change": "on" "builders" "repository" "branches" "quiet";
    FORCE = "[schedule.NAME] on force": "on" "builders" "parameters";
    PARAMETER = "a parameter": "type" "label" "default" "required" "of";
    NOTIFY = "[notify.NAME]": "builders" "when" "to";
    RETENTION = "[retention.NAME]": "projects" "branches" "keep_newest" "keep_newest_good"
        "keep_days" "deleted_branch_days" "bad_days" "grace_days" "trash_days" "role_days"
        "log_days" "build_days";
}
