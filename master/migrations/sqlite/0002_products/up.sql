-- Products in full: what a record holds, uploads, verdicts, labels, releases, collection.
ALTER TABLE projects ADD COLUMN private BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE projects ADD COLUMN feed_keys TEXT;
ALTER TABLE branches ADD COLUMN follows_branch_id BIGINT REFERENCES branches (id);
ALTER TABLE branches ADD COLUMN deleted_at BIGINT;
ALTER TABLE products ADD COLUMN min_os TEXT;
ALTER TABLE products ADD COLUMN max_os TEXT;
ALTER TABLE products ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE products ADD COLUMN verdict TEXT NOT NULL DEFAULT 'untested'
    CHECK (verdict IN ('untested', 'good', 'bad', 'needs-work'));
ALTER TABLE products ADD COLUMN held_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN files_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN expired_at BIGINT;
ALTER TABLE products ADD COLUMN expired_from TEXT;
ALTER TABLE products ADD COLUMN deleted_at BIGINT;
UPDATE products SET
    size = (SELECT COALESCE(SUM(f.size), 0) FROM product_files f WHERE f.product_id = products.id),
    files_total = (SELECT COUNT(*) FROM product_files f WHERE f.product_id = products.id),
    held_until = (SELECT COALESCE(MAX(COALESCE(h.until_at, 9223372036854775807)), 0) FROM holds h
        WHERE h.product_id = products.id AND h.lifted_at IS NULL);
ALTER TABLE product_files ADD COLUMN delta_from_product_id BIGINT REFERENCES products (id);
ALTER TABLE product_files ADD COLUMN by_name TEXT NOT NULL DEFAULT '';
ALTER TABLE product_files ADD COLUMN gone_at BIGINT;
ALTER TABLE blobs ADD COLUMN touched_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN condemned_at BIGINT;
ALTER TABLE blobs ADD COLUMN verified_at BIGINT;
ALTER TABLE blobs ADD COLUMN store TEXT NOT NULL DEFAULT 'local';
UPDATE blobs SET touched_at = created_at;
CREATE INDEX blobs_by_state_touched_at ON blobs (state, touched_at);
ALTER TABLE holds ADD COLUMN cascade_group TEXT;
ALTER TABLE holds ADD COLUMN owner_told_at BIGINT;
CREATE INDEX holds_by_owner_id_id ON holds (owner_id, id);
CREATE INDEX holds_by_until_at ON holds (until_at);
CREATE TABLE signatures (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_file_id BIGINT NOT NULL REFERENCES product_files (id),
    scheme TEXT NOT NULL
        CHECK (scheme IN ('minisign', 'ed25519', 'gpg')),
    key_id TEXT NOT NULL,
    value TEXT NOT NULL,
    trusted_comment TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('verified', 'unknown-key'))
);
CREATE INDEX signatures_by_product_file_id ON signatures (product_file_id);
CREATE TABLE drafts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    record TEXT NOT NULL,
    owner TEXT NOT NULL,
    idempotency_key TEXT,
    project TEXT NOT NULL,
    branch TEXT NOT NULL,
    target TEXT NOT NULL,
    version TEXT NOT NULL,
    revision TEXT NOT NULL,
    seq_position BIGINT NOT NULL,
    build_number BIGINT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('open', 'committed', 'abandoned')),
    product_id BIGINT REFERENCES products (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX drafts_by_owner_idempotency_key ON drafts (owner, idempotency_key);
CREATE INDEX drafts_by_state_expires_at ON drafts (state, expires_at);
CREATE INDEX drafts_by_project_branch_state ON drafts (project, branch, state);
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    draft_id BIGINT NOT NULL REFERENCES drafts (id),
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    source_path TEXT NOT NULL,
    declared_sha256 TEXT,
    declared_size BIGINT NOT NULL,
    received BIGINT NOT NULL,
    hashes TEXT,
    blob_sha256 TEXT REFERENCES blobs (sha256),
    state TEXT NOT NULL
        CHECK (state IN ('open', 'complete', 'refused')),
    state_text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (draft_id, name)
);
CREATE INDEX uploads_by_blob_sha256 ON uploads (blob_sha256);
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    verdict TEXT NOT NULL
        CHECK (verdict IN ('untested', 'good', 'bad', 'needs-work')),
    comment TEXT NOT NULL,
    bug TEXT,
    checklist TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX verdicts_by_product_id_id ON verdicts (product_id, id);
CREATE INDEX verdicts_by_user_id_id ON verdicts (user_id, id);
CREATE TABLE labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    target TEXT NOT NULL,
    label TEXT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    UNIQUE (branch_id, target, label)
);
CREATE INDEX labels_by_product_id ON labels (product_id);
CREATE TABLE releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    target TEXT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    fallback_product_id BIGINT REFERENCES products (id),
    rollback_of_product_id BIGINT REFERENCES products (id),
    state TEXT NOT NULL
        CHECK (state IN ('draft', 'scheduled', 'live', 'paused', 'superseded', 'withdrawn', 'rolled-back')),
    state_reason TEXT NOT NULL,
    rollout_percent BIGINT NOT NULL,
    rollout_salt TEXT NOT NULL,
    starts_at BIGINT,
    watershed BOOLEAN NOT NULL,
    critical BOOLEAN NOT NULL,
    override_reason TEXT NOT NULL DEFAULT '',
    signoffs_needed TEXT NOT NULL,
    row_version BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    live_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX releases_by_branch_id_target_state ON releases (branch_id, target, state);
CREATE INDEX releases_by_product_id ON releases (product_id);
CREATE INDEX releases_by_fallback_product_id ON releases (fallback_product_id);
CREATE INDEX releases_by_rollback_of_product_id ON releases (rollback_of_product_id);
CREATE INDEX releases_by_state_starts_at ON releases (state, starts_at);
CREATE TABLE signoffs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    release_id BIGINT NOT NULL REFERENCES releases (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (release_id, user_id)
);
CREATE TABLE shutoffs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    project_id BIGINT NOT NULL REFERENCES projects (id),
    branch_id BIGINT REFERENCES branches (id),
    reason TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    lifted_by TEXT,
    lifted_at BIGINT
);
CREATE INDEX shutoffs_by_project_id_lifted_at ON shutoffs (project_id, lifted_at);
CREATE TABLE update_counts (
    day BIGINT NOT NULL,
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    target TEXT NOT NULL,
    format TEXT NOT NULL,
    from_version TEXT NOT NULL,
    outcome TEXT NOT NULL,
    asked BIGINT NOT NULL,
    PRIMARY KEY (day, branch_id, target, format, from_version, outcome)
);
CREATE TABLE published_feeds (
    site TEXT NOT NULL,
    project TEXT NOT NULL,
    feed_token TEXT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    is_feed BOOLEAN NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (site, project, feed_token, path)
);
CREATE INDEX published_feeds_by_path ON published_feeds (site, path);
CREATE TABLE retention_plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('planned', 'refused', 'applying', 'applied', 'stale')),
    state_text TEXT NOT NULL,
    policies_sha256 TEXT NOT NULL,
    products_total BIGINT NOT NULL,
    bytes_total BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    applied_by TEXT,
    applied_at BIGINT
);
CREATE TABLE retention_items (
    plan_id BIGINT NOT NULL REFERENCES retention_plans (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    row_version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    rule TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    result TEXT NOT NULL
        CHECK (result IN ('planned', 'expired', 'skipped')),
    result_text TEXT NOT NULL,
    PRIMARY KEY (plan_id, product_id)
);
CREATE TABLE retention_latest (
    plan_id BIGINT NOT NULL REFERENCES retention_plans (id),
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    target TEXT NOT NULL,
    before_product_id BIGINT REFERENCES products (id),
    after_product_id BIGINT REFERENCES products (id),
    PRIMARY KEY (plan_id, branch_id, target)
);
CREATE TABLE store_figures (
    day BIGINT NOT NULL,
    project_id BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    newest_product_id BIGINT NOT NULL,
    PRIMARY KEY (day, project_id)
);
CREATE INDEX products_by_state_expired_at ON products (state, expired_at);
CREATE INDEX products_by_version ON products (version);
CREATE INDEX products_by_revision ON products (revision);
CREATE UNIQUE INDEX product_files_by_by_name ON product_files (by_name) WHERE by_name <> '';
CREATE INDEX product_files_by_delta_from_product_id ON product_files (delta_from_product_id);
CREATE INDEX products_by_branch_id_target_state_seq ON products (branch_id, target, state, seq_position, seq_build, id);
CREATE INDEX products_by_branch_id_target_version ON products (branch_id, target, version, seq_position, seq_build);
CREATE INDEX products_by_branch_id_target_feed_version ON products (branch_id, target, feed_version, seq_position, seq_build);
CREATE INDEX releases_by_branch_id_target_watershed_state ON releases (branch_id, target, watershed, state);
CREATE INDEX products_by_branch_id_target_seq_position_seq_build ON products (branch_id, target, seq_position, seq_build);
CREATE INDEX drafts_by_product_id ON drafts (product_id);
CREATE INDEX update_counts_by_branch_id_day ON update_counts (branch_id, day);
-- What a person looks at every day: a name and a query of the list, and up to where it was seen.
CREATE TABLE desks (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT,
    query TEXT NOT NULL,
    seen_product_id BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    UNIQUE (user_id, query)
);
-- Lists of products walk each of these from the newest id down.
DROP INDEX products_by_project_id_branch_id_target_seq_position_seq_build;
CREATE INDEX products_by_project_id_id ON products (project_id, id);
CREATE INDEX products_by_branch_id_id ON products (branch_id, id);
CREATE INDEX products_by_branch_id_target_id ON products (branch_id, target, id);
CREATE INDEX products_by_target_id ON products (target, id);
CREATE INDEX products_by_builder_id ON products (builder, id);
CREATE INDEX products_by_state_id ON products (state, id);
CREATE INDEX products_by_verdict_id ON products (verdict, id);
CREATE INDEX products_by_recorded_at_id ON products (recorded_at, id);
CREATE INDEX products_by_build_number_id ON products (build_number, id);
CREATE INDEX products_by_feed_version ON products (feed_version);
CREATE INDEX products_by_id_version ON products (id, version);
CREATE INDEX products_held ON products (id) WHERE held_until > 0;
DROP INDEX product_properties_by_name_value;
CREATE INDEX product_properties_by_name_value_product_id ON product_properties (name, value, product_id);
CREATE INDEX product_files_by_name ON product_files (name);
CREATE INDEX blobs_by_sha1_start ON blobs (substr(sha1, 1, 16));
CREATE INDEX blobs_by_sha512_start ON blobs (substr(sha512, 1, 16));
CREATE INDEX branches_by_name ON branches (name);
CREATE INDEX holds_live ON holds (id) WHERE lifted_at IS NULL;
CREATE INDEX holds_by_cascade_group ON holds (cascade_group);
